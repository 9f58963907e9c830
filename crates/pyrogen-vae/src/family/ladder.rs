//! Ladder variational autoencoders behind the door.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel, latent_finding};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model};

use super::findings;
use super::methods::TAKES;
use crate::{LADDER_FAMILY, LadderVae};

/// The family `ladder-vae`.
#[derive(Debug, Clone, Copy)]
pub struct LadderFamily;

impl Family for LadderFamily {
    fn name(&self) -> &'static str {
        LADDER_FAMILY
    }

    fn about(&self) -> &'static str {
        "ladder variational autoencoder: latents in layers, labels as condition"
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Latent, Ability::Inspect]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["estimate", "lower_bound"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Gaussian)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = LadderVae::load(folder.path(), device)?;
        let (parameters, density) = (model.num_params(), model.config().decoder.is_density());
        let door = TensorModel::new(model, parameters, density, folder, device)?
            .decoder(false)
            .generate()
            .score(ScorePolicy::default())
            .latent(LatentKind::Gaussian)
            .inspect(|model: &LadderVae, batches| {
                let point = |x, condition: &_, noise: &mut _| {
                    LadderVae::rate_distortion(model, x, condition, noise)
                };
                let mut found: Vec<_> =
                    findings::rate_distortion(batches, point)?.into_iter().collect();
                found.extend(latent_finding(model, batches)?);
                Ok(found)
            });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}
