//! How generative adversarial networks join the one door: their defaults for some data,
//! preparation, training and opening.

#[cfg(feature = "train")]
mod monitor;
#[cfg(feature = "train")]
mod training;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::TensorModel;
use pyrogen_model::{Ability, Error, Family, LatentKind, Model, Registry};

use crate::{FAMILY, Gan};

/// The registry with the family of this crate.
pub fn register(registry: Registry) -> Registry {
    registry.with(GanFamily)
}

/// The family `gan`.
#[derive(Debug, Clone, Copy)]
pub struct GanFamily;

impl Family for GanFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "two networks that learn from each other: non-saturating, least squares, hinge, Wasserstein \
         and relativistic losses; labels as condition; a monitor of their collapse"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Pictures, Modality::Table, Modality::Points]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Rank, Ability::Latent]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn anomaly_score(&self) -> Option<&'static str> {
        Some("inversion error")
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Point)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = Gan::load(folder.path(), device)?;
        let parameters = model.num_params();
        let door = TensorModel::new(model, parameters, false, folder, device)?
            .generate()
            .rank()
            .latent(LatentKind::Point)
            .because(
                Ability::Score,
                "a GAN has no likelihood: its anomaly score is the inversion error (`pyrogen \
                 anomaly`); `pyrogen evaluate` compares its samples with real examples",
            );
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
