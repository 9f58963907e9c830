//! How flows of pictures join the door.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::TensorModel;
use pyrogen_model::{Ability, Error, Family, LatentKind, Model};

use super::{inverse, policy};
use crate::{GLOW_FAMILY, Glow};

/// [`Glow`].
#[derive(Debug, Clone, Copy)]
pub struct GlowFamily;

impl Family for GlowFamily {
    fn name(&self) -> &'static str {
        GLOW_FAMILY
    }

    fn about(&self) -> &'static str {
        "flow of pictures by invertible convolutions at several scales: likelihood, latents, sampling in \
         one pass"
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Pictures]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Latent, Ability::Inspect]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["lower_bound (of whole numbers, spread evenly)"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Point)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = Glow::load(folder.path(), device)?;
        let parameters = model.num_params();
        let door = TensorModel::new(model, parameters, true, folder, device)?
            .generate()
            .density(policy())
            .latent(LatentKind::Point)
            .inspect(|model: &Glow, batches| {
                Ok(vec![inverse(batches, |x, condition| model.inverse_report(x, condition))?])
            });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
