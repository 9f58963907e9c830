//! What a family makes of a wish, and what it is handed to run.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::Seed;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_data::{Data, PictureContext, Preparation};
use pyrogen_train::{Existing, RunFolder, TrainConfig};
use serde_json::Value;

use super::Observer;
use crate::{Control, Error};

/// A model and how it is trained, where nothing else is wished.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The model's config.
    pub model: Value,
    /// The training config.
    pub train: TrainConfig,
}

/// What a model is wanted for, before it has a config.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is learnt from.
    pub data: &'a Data,
    /// What the context of each item is made of.
    pub context: Option<PictureContext>,
    /// Shape of that context.
    pub context_shape: Option<&'a [usize]>,
}

/// A training that can begin: every setting is checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The model's config.
    pub model: Value,
    /// The training config.
    pub train: TrainConfig,
    /// How raw values become what the model sees, for families of float events.
    pub preparation: Option<Preparation>,
    /// Number of parameters.
    pub parameters: usize,
    /// Training items.
    pub examples: usize,
}

impl Plan {
    /// Steps of the run, where they are known before the start.
    pub fn total_steps(&self) -> Option<u64> {
        let per_epoch = self.examples.div_ceil(self.train.batch_size.max(1)) as u64;
        self.train.limits.total_steps(per_epoch)
    }
}

/// Everything that a family needs to train.
pub struct Job<'a> {
    /// The plan.
    pub plan: Plan,
    /// What is learnt from.
    pub data: Data,
    /// Number of classes of all data, that which is kept for the test too; 0 without classes.
    pub classes: usize,
    /// What decides which state is best.
    pub validation: Option<Data>,
    /// What the context of each item is made of.
    pub context: Option<PictureContext>,
    /// The seed of the run.
    pub seed: Seed,
    /// Where the model computes.
    pub device: Device,
    /// The run folder.
    pub out: &'a Path,
    /// What becomes of a run that is in the folder.
    pub existing: Existing,
    /// Whether to show burn-train's dashboard.
    pub dashboard: bool,
    /// A model to begin with.
    pub from: Option<ModelFolder>,
    /// What `config.json` of the run folder holds beside the training config.
    pub record: Value,
    /// The card, without the number of steps.
    pub card: Card,
    /// Tries a model folder: everything that will be done with the trained model. Training tries the
    /// untrained model with it before the first step.
    pub trial: &'a dyn Fn(&Path) -> Result<(), Error>,
    /// Sees the events.
    pub observer: &'a mut dyn Observer,
    /// Cancels.
    pub control: &'a Control,
}

/// How a family trains.
pub trait Train: Send + Sync {
    /// Whether its models take a context.
    fn takes_context(&self) -> bool {
        false
    }

    /// What the model's settings mean: a JSON schema with descriptions. None where the family does
    /// not say.
    fn schema(&self) -> Option<Value> {
        None
    }

    /// The defaults for what is wanted.
    ///
    /// # Errors
    /// Data that the family cannot learn.
    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error>;

    /// Checks settings for the data and fits the preparation.
    ///
    /// # Errors
    /// A setting that cannot be used, or that does not fit the data.
    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error>;

    /// Trains, and leaves a run folder with a model folder in it. The folder stays locked until the
    /// result is dropped.
    ///
    /// # Errors
    /// A folder that holds something else, a number that is not finite, a refusal of the system.
    /// What was checkpointed stays.
    fn run(&self, job: Job) -> Result<RunFolder, Error>;
}
