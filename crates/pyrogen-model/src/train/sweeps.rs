//! Families that learn on the host, in sweeps over all of the data: counts, closed forms, expectation
//! maximisation.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder, read_json, write_json};
use pyrogen_core::{Examples, FolderError, Noise};
use pyrogen_data::Data;
use pyrogen_train::{
    Learner, Limits, Part, RunFolder, StepContext, TrainConfig, TrainError, Values,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Job, fit};
use crate::Error;

/// A model on the host whose whole state is JSON, and which learns in sweeps over all of the data.
/// A closed form is one sweep.
pub trait Sweeps: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Learns from all of the data once; gives what is logged, the loss (nats an item) first, under a
    /// name that is `loss` or ends in `.loss`.
    ///
    /// # Errors
    /// Data that cannot be learnt.
    fn sweep(&mut self, data: &Data) -> Result<Values, Error>;

    /// The same numbers on data that is not learnt from.
    fn measure(&self, data: &Data) -> Values;
}

/// The training config of `sweeps` sweeps: a batch is all of the data.
pub fn sweeps(examples: usize, sweeps: u64) -> TrainConfig {
    TrainConfig {
        batch_size: examples.max(1),
        limits: Limits { steps: Some(sweeps), ..Limits::default() },
        log_every: 1,
        ..TrainConfig::default()
    }
}

/// All items, as one batch.
struct All(Data);

impl Examples for All {
    type Batch = Data;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, rows: &[usize], _: &mut Noise, _: &Device) -> Data {
        // In the order of the data, so that sums are the same in every sweep.
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        self.0.select(&rows)
    }
}

/// A model that learns in sweeps, as the trainer drives it.
struct Sweeper<M> {
    model: M,
    device: Device,
}

const STATE: &str = "model.json";

impl<M: Sweeps> Learner for Sweeper<M> {
    type Batch = Data;
    type Model = M;

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn update(&mut self, parts: Vec<Part<Data>>, _: &StepContext) -> Result<Values, TrainError> {
        let mut values = Values::new();
        for part in parts {
            let learnt = self.model.sweep(&part.batch);
            values = learnt.map_err(|e| TrainError::Callback(e.to_string().into()))?;
        }
        Ok(values)
    }

    fn validate(&self, batch: Data, _: &mut Noise) -> Values {
        self.model.measure(&batch)
    }

    fn model(&self) -> M {
        self.model.clone()
    }

    fn save_state(&self, folder: &Path) -> Result<(), TrainError> {
        Ok(write_json(&folder.join(STATE), &self.model)?)
    }

    fn load_state(&mut self, folder: &Path) -> Result<(), TrainError> {
        self.model = read_json(&folder.join(STATE))?;
        Ok(())
    }
}

/// Runs sweeps over the job's data; the model is written as JSON at every checkpoint and at the end.
///
/// # Errors
/// As [`Train::run`](super::Train::run).
pub fn fit_sweeps<M: Sweeps>(job: Job, model: M) -> Result<RunFolder, Error> {
    let learner = Sweeper { model, device: job.device.clone() };
    let train = Arc::new(All(job.data.clone()));
    let validation = job.validation.clone().map(|v| Arc::new(All(v)));
    fit(job, learner, train, validation, save::<M>, |trainer| Ok(trainer))
}

fn save<M: Sweeps>(model: &M, folder: &Path, card: &Card) -> Result<(), FolderError> {
    ModelFolder::save_json(folder, model, &serde_json::json!({}), card)
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
