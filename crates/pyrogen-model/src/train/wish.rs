//! [`Wish`]: what is wanted of a training.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use pyrogen_core::Seed;
use pyrogen_data::{Data, PartitionSpec, PictureContext};
use pyrogen_train::{Existing, Limits};
use serde_json::Value;

/// What is wanted of a training: where to, of what seed, what differs from the family's defaults.
///
/// ```
/// use pyrogen_model::train::Wish;
///
/// let wish = Wish::into("runs/people").seed(3).set("latents=8").steps(2000);
/// assert_eq!(wish.set, ["latents=8"]);
/// ```
#[derive(Debug, Clone)]
pub struct Wish {
    /// The run folder.
    pub out: PathBuf,
    /// Where the data comes from, for the card.
    pub source: String,
    /// Where the test data comes from, where it is given.
    pub test_source: Option<String>,
    /// Where the validation data comes from, where it is given.
    pub validation_source: Option<String>,
    /// The seed of all randomness.
    pub seed: Seed,
    /// Where the model computes.
    pub device: Device,
    /// Which items are held out. A data set whose makers defined a test part keeps that.
    pub partition: PartitionSpec,
    /// Test data, in the place of a share of the data.
    pub test: Option<Data>,
    /// Validation data, in the place of a share of the data.
    pub validation: Option<Data>,
    /// What the context of each picture is made of.
    pub context: Option<PictureContext>,
    /// Settings as JSON, `{"model": .., "train": ..}`, laid over the defaults.
    pub config: Option<Value>,
    /// Single settings, `latents=8` or `train.batch_size=32`, laid over the config.
    pub set: Vec<String>,
    /// When the run ends, in the place of the family's limits.
    pub limits: Option<Limits>,
    /// What becomes of a run that is in the folder.
    pub existing: Existing,
    /// A model folder to begin with in the place of new weights.
    pub from: Option<PathBuf>,
    /// Whether to show burn-train's dashboard.
    pub dashboard: bool,
}

impl Wish {
    /// The family's defaults, into a run folder.
    pub fn into(out: impl AsRef<Path>) -> Self {
        Self {
            out: out.as_ref().to_path_buf(),
            source: String::from("memory"),
            test_source: None,
            validation_source: None,
            seed: Seed(1),
            device: Device::default(),
            partition: PartitionSpec::default(),
            test: None,
            validation: None,
            context: None,
            config: None,
            set: Vec::new(),
            limits: None,
            existing: Existing::Refuse,
            from: None,
            dashboard: false,
        }
    }

    /// The seed of all randomness.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Seed(seed), ..self }
    }

    /// One setting more: `latents=8` or `train.batch_size=32`.
    pub fn set(mut self, assignment: impl Into<String>) -> Self {
        self.set.push(assignment.into());
        self
    }

    /// Ends after so many steps.
    pub fn steps(self, steps: u64) -> Self {
        Self { limits: Some(Limits { steps: Some(steps), ..Limits::default() }), ..self }
    }

    /// Ends after so many passes over the data.
    pub fn epochs(self, epochs: u64) -> Self {
        Self { limits: Some(Limits { epochs: Some(epochs), ..Limits::default() }), ..self }
    }

    /// Goes on with the run in the folder, if there is one.
    pub fn resume(self) -> Self {
        Self { existing: Existing::Resume, ..self }
    }

    /// Takes the place of a run that is in the folder. Its model stays until the new run writes one.
    pub fn overwrite(self) -> Self {
        Self { existing: Existing::Overwrite, ..self }
    }

    /// Begins with the weights of a model folder.
    pub fn from(self, folder: impl AsRef<Path>) -> Self {
        Self { from: Some(folder.as_ref().to_path_buf()), ..self }
    }

    /// Trains on a device.
    pub fn on(self, device: &Device) -> Self {
        Self { device: device.clone(), ..self }
    }
}
