//! What others may do at the events of a run.

use crate::checkpoint::LoopState;
use crate::learner::{Learner, Values};
use crate::run::RunFolder;

/// What a callback asks of the run. Of several answers the last in this list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Control {
    /// Go on.
    Continue,
    /// Go on, and keep this state as the one that [`Rollback`](Self::Rollback) takes the run back to.
    Keep,
    /// Stop as if a limit had been reached: the state is saved.
    Stop,
    /// Take the run back to the state that was kept last, and go on from there with other random
    /// numbers, another order of the data and learning rates that are multiplied by
    /// [`ROLLBACK_RATE`](Self::ROLLBACK_RATE) once more.
    ///
    /// The steps since then are struck from `metrics.csv`; `events.jsonl` says that they were. A run
    /// that has no such state stops with an error. How often a run is taken back is the callback's to
    /// bound ([`Event::rollbacks`]).
    Rollback,
}

impl Control {
    /// What each rollback multiplies all learning rates with.
    pub const ROLLBACK_RATE: f64 = 0.5;
}

/// An error of a callback.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

/// An event: where the run is, and its latest numbers.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The step that has just been done, counted from 1.
    pub step: u64,
    /// Its epoch, counted from 1.
    pub epoch: u64,
    /// The numbers of this event.
    pub values: &'a Values,
    /// How often the run has been taken back.
    pub rollbacks: u64,
    /// Steps of the whole run, where they are known.
    pub total_steps: Option<u64>,
    /// The run's folder.
    pub folder: &'a RunFolder,
}

/// Acts at the events of a run: draws samples, watches for collapse, stops.
///
/// What a callback answers must depend on the data, the seed and the step alone, or a resumed run
/// would differ. One that remembers earlier steps finds its memory again in
/// [`on_start`](Self::on_start), from a file of its own in the run folder.
pub trait Callback<L: Learner> {
    /// Before the first step of this process, and again after a rollback: `state.step` steps are
    /// done. What a file holds of later steps did not happen.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_start(
        &mut self,
        folder: &RunFolder,
        state: &LoopState,
        learner: &L,
    ) -> Result<Control, CallbackError> {
        let _ = (folder, state, learner);
        Ok(Control::Continue)
    }

    /// After each step.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_step(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }

    /// After each validation; the values are means over the validation data.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_validation(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }

    /// After a checkpoint has been written. The answer changes nothing any more.
    ///
    /// # Errors
    /// Ends the run with this error.
    fn on_checkpoint(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        let _ = (event, learner);
        Ok(Control::Continue)
    }
}
