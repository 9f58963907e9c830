//! Saving and loading.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelConfig};
use pyrogen_core::{ConfigError, FolderError, Seed};

use crate::{LadderConfig, LadderVae, Vae, VaeConfig, VqConfig, VqVae};

/// The family's name of a [`Vae`] in model folders.
pub const FAMILY: &str = "vae";

/// The family's name of a [`LadderVae`] in model folders.
pub const LADDER_FAMILY: &str = "ladder-vae";

/// The family's name of a [`VqVae`] in model folders.
pub const VQ_FAMILY: &str = "vq-vae";

macro_rules! folder_of {
    ($model:ty, $config:ty, $family:expr) => {
        impl ModelConfig for $config {
            type Model = $model;

            fn num_params(&self) -> Result<usize, ConfigError> {
                self.num_params()
            }

            fn init(&self, seed: Seed, device: &Device) -> Result<$model, ConfigError> {
                self.init(seed, device)
            }
        }

        impl $model {
            /// Writes the model folder: weights, config, and the card with this family's name.
            ///
            /// # Errors
            /// When the system refuses; the previous folder is then still there.
            pub fn save(&self, dir: &Path, card: &Card) -> Result<(), FolderError> {
                ModelConfig::save(self.config(), self, $family, dir, card)
            }

            /// Reads a model folder, or a run folder that holds one.
            ///
            /// # Errors
            /// When there is none, it is of another family, a file is cut off or damaged, the
            /// config cannot be used, or the weights do not fit it.
            pub fn load(dir: &Path, device: &Device) -> Result<Self, FolderError> {
                <$config as ModelConfig>::load($family, dir, device)
            }
        }
    };
}

folder_of!(Vae, VaeConfig, FAMILY);
folder_of!(LadderVae, LadderConfig, LADDER_FAMILY);
folder_of!(VqVae, VqConfig, VQ_FAMILY);
