//! Models that are built from a config: how their folders are written and read.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CONFIG, Card, ModelFolder, WEIGHTS};
use crate::{ConfigError, FolderError, Seed};

/// A config that says everything of a model but its weights.
pub trait ModelConfig: Serialize + DeserializeOwned {
    /// What is built from it.
    type Model: Module;

    /// Number of parameters, without building the model; `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// A field that cannot be used.
    fn num_params(&self) -> Result<usize, ConfigError>;

    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// A field that cannot be used.
    fn init(&self, seed: Seed, device: &Device) -> Result<Self::Model, ConfigError>;

    /// Writes the model folder: weights, config, and the card with the family's name.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    fn save(
        &self,
        model: &Self::Model,
        family: &str,
        dir: &Path,
        card: &Card,
    ) -> Result<(), FolderError> {
        let card = Card { family: family.to_string(), ..card.clone() };
        ModelFolder::save(dir, &model.valid(), self, &card)
    }

    /// Reads a model folder, or a run folder that holds one.
    ///
    /// # Errors
    /// When there is none, it is of another family, a file is cut off or damaged, the config cannot
    /// be used, or the weights do not fit it.
    fn load(family: &str, dir: &Path, device: &Device) -> Result<Self::Model, FolderError> {
        let folder = ModelFolder::open(dir)?;
        folder.expect_family(family)?;
        let config: Self = folder.config()?;
        let in_config = |source| FolderError::Config { path: folder.path().join(CONFIG), source };
        let weights = folder.path().join(WEIGHTS);
        let params = config.num_params().map_err(in_config)?;
        let bytes = std::fs::metadata(&weights).map_err(FolderError::io(&weights, "read"))?.len();
        // A config is not trusted with memory that the file does not fill (a weight has two bytes
        // at least); small models are built all the same, for a better message.
        if params > UNTRUSTED_PARAMS && (params as u64).saturating_mul(2) > bytes {
            let message =
                format!("the config describes {params} numbers, the file has {bytes} bytes");
            return Err(FolderError::Mismatch { path: weights, message });
        }
        let model = config.init(Seed(0), device).map_err(in_config)?;
        folder.load_weights(model)
    }
}

/// Up to this many weights (256 MB) are allocated on the word of a config.
const UNTRUSTED_PARAMS: usize = 1 << 26;

/// Gives a model `save` and `load`, by its config: `model_folder!(Model, Config, FAMILY)`.
///
/// The config has `num_params(&self)` and `init(&self, seed, device)`, the model `config(&self)`.
#[macro_export]
macro_rules! model_folder {
    ($model:ty, $config:ty, $family:expr) => {
        impl $crate::folder::ModelConfig for $config {
            type Model = $model;

            fn num_params(&self) -> Result<usize, $crate::ConfigError> {
                self.num_params()
            }

            fn init(
                &self,
                seed: $crate::Seed,
                device: &::burn::tensor::Device,
            ) -> Result<$model, $crate::ConfigError> {
                self.init(seed, device)
            }
        }

        impl $model {
            /// Writes the model folder: weights, config, and the card with this family's name.
            ///
            /// # Errors
            /// When the system refuses; the previous folder is then still there.
            pub fn save(
                &self,
                dir: &::std::path::Path,
                card: &$crate::folder::Card,
            ) -> Result<(), $crate::FolderError> {
                $crate::folder::ModelConfig::save(self.config(), self, $family, dir, card)
            }

            /// Reads a model folder, or a run folder that holds one.
            ///
            /// # Errors
            /// When there is none, it is of another family, a file is cut off or damaged, the
            /// config cannot be used, or the weights do not fit it.
            pub fn load(
                dir: &::std::path::Path,
                device: &::burn::tensor::Device,
            ) -> Result<Self, $crate::FolderError> {
                <$config as $crate::folder::ModelConfig>::load($family, dir, device)
            }
        }
    };
}
