//! Families that learn on the host, in sweeps over all of the data: counts, closed forms, expectation
//! maximisation.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder, read_json, write_json};
use pyrogen_core::{Examples, FolderError, Noise};
use pyrogen_data::Data;
use pyrogen_train::callback::CallbackError;
use pyrogen_train::{
    Balance, Callback, Control as Answer, Event, Learner, Limits, LoopState, Part, RunFolder,
    StepContext, TrainConfig, TrainError, ValidationConfig, Values,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Job, fit};
use crate::{Error, ErrorKind};

/// A model on the host whose whole state is JSON, and which learns in sweeps over all of the data.
/// A closed form is one sweep.
pub trait Sweeps: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Reads the training data into a form that sweeps are fast on. Called before the first sweep of
    /// a process, and again where a run is resumed: what is kept of it is no part of the state.
    ///
    /// # Errors
    /// Data that cannot be learnt.
    fn prepare(&mut self, data: &Data) -> Result<(), Error> {
        let _ = data;
        Ok(())
    }

    /// Learns from all of the data once; gives what is logged, the loss (nats an item) first, under a
    /// name that is `loss` or ends in `.loss`.
    ///
    /// # Errors
    /// Data that cannot be learnt.
    fn sweep(&mut self, data: &Data) -> Result<Values, Error>;

    /// The same numbers on data that is not learnt from.
    fn measure(&self, data: &Data) -> Values;

    /// Whether another sweep would change nothing: the run then ends as if a limit were reached.
    fn is_done(&self) -> bool {
        false
    }

    /// What `model.json` of the model folder holds, where that is less than the whole state.
    ///
    /// # Errors
    /// A state that is no model yet.
    fn exported(&self) -> Result<Value, Error> {
        serde_json::to_value(self).map_err(|e| Error::other(ErrorKind::System, e))
    }
}

/// What stands for an infinite loss of data that is not learnt from.
const WORST: f64 = 1e9;

/// Sweeps between two checkpoints, and between two validations: a sweep is short.
const EVERY: u64 = 20;

/// The training config of `sweeps` sweeps: a batch is all of the data.
pub fn sweeps(examples: usize, sweeps: u64) -> TrainConfig {
    TrainConfig {
        batch_size: examples.max(1),
        limits: Limits { steps: Some(sweeps), ..Limits::default() },
        log_every: 1,
        checkpoint_every: EVERY,
        validation: ValidationConfig { every_epochs: EVERY, ..ValidationConfig::default() },
        ..TrainConfig::default()
    }
}

/// All items, as one batch that is shared and not copied.
struct All(Arc<Data>);

impl Examples for All {
    type Batch = Arc<Data>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, _: &Device) -> Arc<Data> {
        if rows.len() == self.0.len() {
            return self.0.clone();
        }
        // In the order of the data, so that sums are the same in every sweep.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        Arc::new(self.0.select(&rows))
    }
}

/// A model that learns in sweeps, as the trainer drives it.
struct Sweeper<M> {
    model: M,
    /// The model's settings, for `config.json`.
    config: Value,
    device: Device,
    /// Whether the model has read the data.
    ready: bool,
}

/// What a model folder holds.
struct Exported {
    model: Result<Value, Error>,
    config: Value,
}

const STATE: &str = "model.json";

/// The door's errors pass through the trainer.
fn callback(error: Error) -> TrainError {
    TrainError::Callback(Box::new(error))
}

impl<M: Sweeps> Learner for Sweeper<M> {
    type Batch = Arc<Data>;
    type Model = Exported;

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn update(
        &mut self,
        parts: Vec<Part<Arc<Data>>>,
        context: &StepContext,
    ) -> Result<Values, TrainError> {
        let mut values = Values::new();
        for part in parts {
            if !self.ready {
                self.model.prepare(&part.batch).map_err(callback)?;
                self.ready = true;
            }
            values = self.model.sweep(&part.batch).map_err(callback)?;
        }
        if let Some((term, value)) = values.iter().find(|(_, v)| !v.is_finite()) {
            let message = format!("step {}: {term} is {value}", context.step);
            return Err(callback(Error::other(ErrorKind::Numerics, message)));
        }
        Ok(values)
    }

    fn validate(&self, batch: Arc<Data>, _: &mut Noise) -> Values {
        // Of data that the model holds for impossible; infinity can neither be saved nor plotted.
        let finite = |v: f64| if v.is_finite() { v.min(WORST) } else { WORST };
        self.model.measure(&batch).into_iter().map(|(name, v)| (name, finite(v))).collect()
    }

    fn model(&self) -> Exported {
        Exported { model: self.model.exported(), config: self.config.clone() }
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(write_json(&folder.join(STATE), &self.model)?)
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        self.model = read_json(&folder.join(STATE))?;
        self.ready = false;
        Ok(())
    }
}

/// Ends the run where the model is done.
struct WhenDone;

impl WhenDone {
    fn answer<M: Sweeps>(learner: &Sweeper<M>) -> Answer {
        if learner.model.is_done() { Answer::Stop } else { Answer::Continue }
    }
}

impl<M: Sweeps> Callback<Sweeper<M>> for WhenDone {
    fn on_start(
        &mut self,
        _: &RunFolder,
        _: &LoopState,
        learner: &Sweeper<M>,
    ) -> Result<Answer, CallbackError> {
        Ok(Self::answer(learner))
    }

    fn on_step(&mut self, _: &Event, learner: &Sweeper<M>) -> Result<Answer, CallbackError> {
        Ok(Self::answer(learner))
    }
}

/// Runs sweeps over the job's data; the model is written as JSON at every checkpoint and at the end.
///
/// # Errors
/// As [`Train::run`](super::Train::run).
pub fn fit_sweeps<M: Sweeps>(job: Job, model: M) -> Result<RunFolder, Error> {
    if job.data.weights().is_some() && job.plan.train.balance != Balance::None {
        let what = "models of this family learn from all rows alike, and the data has weights: give \
                    balance=none, or leave weight=COLUMN out";
        return Err(Error::Wish(what.into()));
    }
    let (device, config) = (job.device.clone(), job.plan.model.clone());
    let learner = Sweeper { model, config, device, ready: false };
    let train = Arc::new(All(Arc::new(job.data.clone())));
    let validation = job.validation.clone().map(|v| Arc::new(All(Arc::new(v))));
    fit(job, learner, train, validation, save, |trainer| Ok(trainer.callback(WhenDone)))
}

fn save(exported: &Exported, folder: &Path, card: &Card) -> Result<(), FolderError> {
    let model = exported
        .model
        .as_ref()
        .map_err(|e| FolderError::Json { path: folder.join(STATE), message: e.to_string() })?;
    ModelFolder::save_json(folder, model, &exported.config, card)
}

#[cfg(test)]
mod tests {
    use pyrogen_core::folder::Card;
    use pyrogen_data::{Dataset, Modality};
    use serde::Deserialize;

    use super::*;
    use crate::train::{Defaults, Plan, Quiet, Train, Wanted, Wish, train};
    use crate::{Ability, Control, Family, Model, Registry};

    /// The mean of the points, halfway nearer with each sweep.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
    struct Mean {
        mean: f64,
    }

    fn mean(data: &Data) -> f64 {
        let rows = data.dataset().unwrap();
        rows.values().iter().map(|&v| f64::from(v)).sum::<f64>() / rows.len() as f64
    }

    impl Sweeps for Mean {
        fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
            self.mean += (mean(data) - self.mean) / 2.0;
            Ok(self.measure(data))
        }

        fn measure(&self, data: &Data) -> Values {
            vec![("loss".into(), (mean(data) - self.mean).abs())]
        }
    }

    struct MeanFamily;

    impl Family for MeanFamily {
        fn name(&self) -> &'static str {
            "mean"
        }

        fn about(&self) -> &'static str {
            "the mean of points"
        }

        fn takes(&self) -> &'static [Modality] {
            &[Modality::Points]
        }

        fn abilities(&self) -> Vec<Ability> {
            Vec::new()
        }

        fn open(&self, _: &ModelFolder, _: &Device) -> Result<Model, Error> {
            unreachable!("the test reads the folder itself")
        }

        fn train(&self) -> Option<&dyn Train> {
            Some(self)
        }
    }

    impl Train for MeanFamily {
        fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
            let train = sweeps(wanted.data.len(), 6);
            Ok(Defaults { model: serde_json::json!({}), train })
        }

        fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
            let Defaults { model, train } = settings;
            let examples = wanted.data.len();
            Ok(Plan { model, train, preparation: None, parameters: 1, examples })
        }

        fn run(&self, job: Job) -> Result<RunFolder, Error> {
            fit_sweeps(job, Mean::default())
        }
    }

    #[test]
    fn sweeps_resume_exactly_and_are_read_back() {
        let registry = Registry::new().with(MeanFamily);
        let points = Dataset::from_parts((0..20).map(|i| i as f32).collect(), vec![1], None);
        let points = Data::from_dataset(points.unwrap());
        let room = tempfile::tempdir().unwrap();
        let run = |wish: &Wish| {
            let control = Control::new();
            drop(train(&registry, "mean", &points, None, wish, &mut Quiet, &control).unwrap());
            let folder = ModelFolder::open(&wish.out).unwrap();
            (folder.load_json::<Mean>().unwrap(), folder.card().clone())
        };
        let (whole, card): (Mean, Card) = run(&Wish::into(room.path().join("whole")));
        assert_eq!((card.steps, card.modality.as_deref()), (6, Some("points")));
        let broken = Wish::into(room.path().join("broken")).steps(2);
        run(&broken);
        let (resumed, _) = run(&broken.steps(6).resume());
        assert_eq!(whole, resumed);
        let parts = points.partition(None, &Default::default(), card.seed).unwrap();
        // Six halvings of the distance from 0.
        let expected = mean(&parts.train) * (1.0 - 0.5f64.powi(6));
        assert!((whole.mean - expected).abs() < 1e-12, "{whole:?}, expected {expected}");
    }
}
