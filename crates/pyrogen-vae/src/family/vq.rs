//! Vector-quantised autoencoders behind the door.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model};

use super::findings;
use super::methods::TAKES;
use crate::{VQ_FAMILY, VqVae};

/// The family `vq-vae`.
#[derive(Debug, Clone, Copy)]
pub struct VqFamily;

impl Family for VqFamily {
    fn name(&self) -> &'static str {
        VQ_FAMILY
    }

    fn about(&self) -> &'static str {
        "vector-quantised autoencoder: codes out of a codebook, also in residual levels; samples \
         draw codes independently"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Latent, Ability::Inspect]
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["lower_bound"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Codes)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = VqVae::load(folder.path(), device)?;
        let (parameters, density) = (model.num_params(), model.config().decoder.is_density());
        let door = TensorModel::new(model, parameters, density, folder, device)?
            .decoder(false)
            .generate()
            .score(ScorePolicy::default())
            .latent(LatentKind::Codes)
            .inspect(|model: &VqVae, batches| {
                let point =
                    |x, condition: &_, _: &mut _| VqVae::rate_distortion(model, x, condition);
                let mut found: Vec<_> =
                    findings::rate_distortion(batches, point)?.into_iter().collect();
                let (x, _) = batches.all()?;
                found.push(findings::codes(&VqVae::code_report(model, x)));
                Ok(found)
            });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
