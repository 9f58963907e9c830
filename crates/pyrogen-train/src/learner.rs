//! What the loop drives.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::{ConfigError, Noise, NumericalError};

use crate::error::TrainError;
use crate::schedule::ScheduleConfig;

/// Named numbers of one update or one validation batch: loss terms first, then what else is
/// worth a column of the log.
pub type Values = Vec<(String, f64)>;

/// A piece of a batch: the rows `rows` of the step's `total` rows.
#[derive(Debug)]
pub struct Part<B> {
    /// The examples of this piece.
    pub batch: B,
    /// Which of the step's rows these are.
    pub rows: std::ops::Range<usize>,
    /// How many rows the step has.
    pub total: usize,
}

impl<B> Part<B> {
    /// The share of the step's examples that this piece holds: its weight in a mean.
    pub fn weight(&self) -> f64 {
        self.rows.len() as f64 / self.total as f64
    }

    /// The step's noise as these rows see it.
    pub fn noise(&self, step_noise: &Noise) -> Noise {
        step_noise.rows(self.rows.clone(), self.total)
    }
}

/// What an update depends on beside its batch.
#[derive(Debug, Clone)]
pub struct StepContext {
    /// The step, counted from 1.
    pub step: u64,
    /// The epoch, counted from 1.
    pub epoch: u64,
    /// Steps of the whole run, where known.
    pub total_steps: Option<u64>,
    /// The share of the run's minutes that had passed before this step, where minutes alone end it.
    /// The seconds that it is made of are part of a checkpoint, so that a resumed run goes on where it
    /// was, and the share is logged as `time`.
    pub time: Option<f64>,
    /// The step's random numbers.
    pub noise: Noise,
    /// What learning rates are multiplied with: 1, and less in a run that was taken back
    /// ([`Control::Rollback`](crate::Control::Rollback)).
    pub rate: f64,
}

impl StepContext {
    /// The schedule's factor at this step.
    pub fn factor(&self, schedule: &ScheduleConfig) -> f64 {
        match (self.total_steps, self.time) {
            (None, Some(time)) => schedule.factor_at(self.step, time),
            (total, _) => schedule.factor(self.step, total.unwrap_or(0)),
        }
    }
}

/// Something that learns in steps and whose whole state can be saved.
///
/// The loop knows nothing else: gradient descent on one objective is
/// [`GradientLearner`](crate::GradientLearner), two players with two optimisers are
/// [`AdversarialLearner`](crate::AdversarialLearner); a sweep of expectation maximisation and a
/// closed-form fit are learners of their own. `docs/DESIGN.md` sketches them and
/// `tests/learners.rs` runs them.
pub trait Learner {
    /// What one step sees.
    type Batch: Send;
    /// What is saved for use after training.
    type Model;

    /// The device that batches for [`update`](Self::update) are made on.
    fn device(&self) -> Device;

    /// The device that batches for [`validate`](Self::validate) are made on.
    fn validation_device(&self) -> Device {
        self.device().inner()
    }

    /// Into how many pieces the loop should cut a batch of `rows` rows.
    fn parts(&self, rows: usize) -> usize {
        let _ = rows;
        1
    }

    /// The fewest rows of a batch that can be learnt from: a last batch of an epoch with fewer is
    /// left out.
    fn fewest_rows(&self) -> usize {
        1
    }

    /// Whether a lower validation loss is a better state. Where it is not, no best state is kept
    /// and validation stops no run.
    fn ranks(&self) -> bool {
        true
    }

    /// How many threads share a batch. A run folder records the number.
    fn workers(&self) -> usize {
        1
    }

    /// Shares batches among this many threads from now on: a run that goes on keeps the number it
    /// began with, on whatever machine. A learner that has no workers leaves this out.
    ///
    /// # Errors
    /// When the system gives no such number of threads.
    fn set_workers(&mut self, workers: usize) -> Result<(), ConfigError> {
        let _ = workers;
        Ok(())
    }

    /// One update; gives what is logged, with the minimised total first, under a name that is
    /// `loss` or ends in `.loss`.
    ///
    /// # Errors
    /// When a loss, gradient or parameter is not finite, or the learner cannot go on for a reason
    /// of its own. The state is then not used again.
    fn update(
        &mut self,
        parts: Vec<Part<Self::Batch>>,
        context: &StepContext,
    ) -> Result<Values, TrainError>;

    /// The same numbers on data that is not learnt from. They are means over the batch.
    fn validate(&self, batch: Self::Batch, noise: &mut Noise) -> Values;

    /// The model as it is to be used: with averaged weights where an average is kept.
    fn model(&self) -> Self::Model;

    /// Checks that the state is finite, before it is saved.
    ///
    /// # Errors
    /// The first parameter that is not.
    fn check(&self, step: u64) -> Result<(), NumericalError> {
        let _ = step;
        Ok(())
    }

    /// Writes the whole state into an empty folder.
    ///
    /// # Errors
    /// When the system refuses.
    fn save_state(&self, folder: &Path) -> Result<(), TrainError>;

    /// Reads what [`save_state`](Self::save_state) wrote. Training then goes on as if it had not
    /// been interrupted, bit for bit on one machine.
    ///
    /// # Errors
    /// When a file is missing, damaged, or of another model.
    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError>;
}
