//! Saving and loading.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_core::{FolderError, Seed};

use crate::{Vae, VaeConfig};

/// The family's name in model folders and on the command line.
pub const FAMILY: &str = "vae";

/// Up to this many weights (256 MB) are allocated on the word of a config.
const UNTRUSTED_PARAMS: usize = 1 << 26;

impl Vae {
    /// Writes the model folder: weights, config, and the card with this family's name.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    pub fn save(&self, dir: &Path, card: &Card) -> Result<(), FolderError> {
        let card = Card { family: FAMILY.to_string(), ..card.clone() };
        ModelFolder::save(dir, &self.valid(), self.config(), &card)
    }

    /// Reads a model folder, or a run folder that holds one.
    ///
    /// # Errors
    /// When there is none, it is of another family, a file is cut off or damaged, the config
    /// cannot be used, or the weights do not fit it.
    pub fn load(dir: &Path, device: &Device) -> Result<Self, FolderError> {
        let folder = ModelFolder::open(dir)?;
        folder.expect_family(FAMILY)?;
        let config: VaeConfig = folder.config()?;
        let in_config =
            |source| FolderError::Config { path: folder.path().join("config.json"), source };
        let weights = folder.path().join("model.safetensors");
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
