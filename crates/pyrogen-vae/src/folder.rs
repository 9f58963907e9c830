//! Saving and loading.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_core::{ConfigError, FolderError, Seed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{LadderConfig, LadderVae, Vae, VaeConfig, VqConfig, VqVae};

/// The family's name of a [`Vae`] in model folders.
pub const FAMILY: &str = "vae";

/// The family's name of a [`LadderVae`] in model folders.
pub const LADDER_FAMILY: &str = "ladder-vae";

/// The family's name of a [`VqVae`] in model folders.
pub const VQ_FAMILY: &str = "vq-vae";

/// Up to this many weights (256 MB) are allocated on the word of a config.
const UNTRUSTED_PARAMS: usize = 1 << 26;

/// A config that a model folder holds.
pub(crate) trait Saved: DeserializeOwned {
    type Model: Module;

    fn num_params(&self) -> Result<usize, ConfigError>;

    fn init(&self, seed: Seed, device: &Device) -> Result<Self::Model, ConfigError>;
}

macro_rules! saved {
    ($config:ty, $model:ty) => {
        impl Saved for $config {
            type Model = $model;

            fn num_params(&self) -> Result<usize, ConfigError> {
                self.num_params()
            }

            fn init(&self, seed: Seed, device: &Device) -> Result<$model, ConfigError> {
                self.init(seed, device)
            }
        }
    };
}

saved!(VaeConfig, Vae);
saved!(LadderConfig, LadderVae);
saved!(VqConfig, VqVae);

pub(crate) fn save<M: Module, C: Serialize>(
    model: &M,
    config: &C,
    family: &str,
    dir: &Path,
    card: &Card,
) -> Result<(), FolderError> {
    let card = Card { family: family.to_string(), ..card.clone() };
    ModelFolder::save(dir, &model.valid(), config, &card)
}

pub(crate) fn load<C: Saved>(
    family: &str,
    dir: &Path,
    device: &Device,
) -> Result<C::Model, FolderError> {
    let folder = ModelFolder::open(dir)?;
    folder.expect_family(family)?;
    let config: C = folder.config()?;
    let in_config =
        |source| FolderError::Config { path: folder.path().join("config.json"), source };
    let weights = folder.path().join("model.safetensors");
    let params = config.num_params().map_err(in_config)?;
    let bytes = std::fs::metadata(&weights).map_err(FolderError::io(&weights, "read"))?.len();
    // A config is not trusted with memory that the file does not fill (a weight has two bytes at
    // least); small models are built all the same, for a better message.
    if params > UNTRUSTED_PARAMS && (params as u64).saturating_mul(2) > bytes {
        let message = format!("the config describes {params} numbers, the file has {bytes} bytes");
        return Err(FolderError::Mismatch { path: weights, message });
    }
    let model = config.init(Seed(0), device).map_err(in_config)?;
    folder.load_weights(model)
}

macro_rules! folder_of {
    ($model:ty, $config:ty, $family:expr) => {
        impl $model {
            /// Writes the model folder: weights, config, and the card with this family's name.
            ///
            /// # Errors
            /// When the system refuses; the previous folder is then still there.
            pub fn save(&self, dir: &Path, card: &Card) -> Result<(), FolderError> {
                save(self, self.config(), $family, dir, card)
            }

            /// Reads a model folder, or a run folder that holds one.
            ///
            /// # Errors
            /// When there is none, it is of another family, a file is cut off or damaged, the
            /// config cannot be used, or the weights do not fit it.
            pub fn load(dir: &Path, device: &Device) -> Result<Self, FolderError> {
                load::<$config>($family, dir, device)
            }
        }
    };
}

folder_of!(Vae, VaeConfig, FAMILY);
folder_of!(LadderVae, LadderConfig, LADDER_FAMILY);
folder_of!(VqVae, VqConfig, VQ_FAMILY);
