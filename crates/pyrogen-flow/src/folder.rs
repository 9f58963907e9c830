//! Saving and loading.

use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::folder::{Card, ModelConfig, ModelFolder};
use pyrogen_core::{ConfigError, FolderError, Seed, model_folder};

use crate::{Glow, GlowConfig, NormalizingFlow, NormalizingFlowConfig, TarFlow, TarFlowConfig};

/// The methods, which are the families' names in model folders.
pub const FAMILIES: [&str; 10] =
    ["maf", "nsf", "realnvp", "nice", "iaf", "naf", "planar", "radial", "sylvester", "cnf"];

/// The family's name of a [`Glow`] in model folders.
pub const GLOW_FAMILY: &str = "glow";

/// The family's name of a [`TarFlow`] in model folders.
pub const TARFLOW_FAMILY: &str = "tarflow";

model_folder!(TarFlow, TarFlowConfig, TARFLOW_FAMILY);
model_folder!(Glow, GlowConfig, GLOW_FAMILY);

impl ModelConfig for NormalizingFlowConfig {
    type Model = NormalizingFlow;

    fn num_params(&self) -> Result<usize, ConfigError> {
        self.num_params()
    }

    fn init(&self, seed: Seed, device: &Device) -> Result<NormalizingFlow, ConfigError> {
        self.init(seed, device)
    }
}

impl NormalizingFlow {
    /// Writes the model folder: weights, config, and the card with the method's name.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    pub fn save(&self, dir: &Path, card: &Card) -> Result<(), FolderError> {
        self.config().save(self, self.config().flow.method(), dir, card)
    }

    /// Reads a model folder of any method, or a run folder that holds one.
    ///
    /// # Errors
    /// When there is none, it is of another family, a file is cut off or damaged, the config cannot be
    /// used, or the weights do not fit it.
    pub fn load(dir: &Path, device: &Device) -> Result<Self, FolderError> {
        let folder = ModelFolder::open(dir)?;
        let found = folder.card().family.as_str();
        let family = FAMILIES.into_iter().find(|family| *family == found);
        <NormalizingFlowConfig as ModelConfig>::load(family.unwrap_or(FAMILIES[0]), dir, device)
    }
}
