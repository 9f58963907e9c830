//! Ladder variational autoencoders.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Condition, Decode, Encode, Noise, RateDistortion, Sample, Score, config};
use pyrogen::data::{Dataset, Preparation, Recipe};
use pyrogen::train::Anneal;
use pyrogen::vae::{LADDER_FAMILY, LadderConfig, LadderVae};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use super::vae::{decoder_for, first_batch, network_for, prepare, told, training};
use crate::error::CliError;
use crate::family::{Asked, Capabilities, Defaults, Family, Model, TrainJob};

/// The family `ladder-vae`.
pub struct LadderFamily;

/// Steps of the warm-up that the method is described with.
const WARM_UP: u64 = 1000;

impl Family for LadderFamily {
    fn name(&self) -> &'static str {
        LADDER_FAMILY
    }

    fn about(&self) -> &'static str {
        "ladder variational autoencoder: latents in layers, labels as condition"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sample: true,
            condition: true,
            context: false,
            score: vec!["estimate", "lower_bound"],
            anomaly: None,
            latent: true,
            traverse: true,
            steer: false,
            inpaint: false,
        }
    }

    fn defaults(&self, Asked { data, .. }: Asked) -> Result<Defaults, CliError> {
        let recipe = Recipe::suited_to(data);
        let preparation = Preparation::fit(&recipe, data)?;
        let event = preparation.event_shape();
        let model = LadderConfig {
            network: network_for(&event),
            event,
            decoder: decoder_for(data, &recipe, &preparation),
            ..LadderConfig::default()
        };
        let mut train = training();
        train.anneal = vec![Anneal { steps: WARM_UP, ..Anneal::default() }];
        Ok(Defaults { model: config::to_value(&model), train })
    }

    fn preparation(&self, model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        let model: LadderConfig = config::from_value(model.clone())?;
        prepare(&model.decoder, data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: LadderConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let model = config.init(job.seed, &job.device)?;
        gradient::check_data(&model, &job)?;
        let (batch, mut noise) = first_batch(&job, 0)?;
        let condition = told(&batch, config.classes);
        let model = model.init_from_data(batch.x, &condition, &mut noise);
        gradient::train(job, model, |model: &LadderVae, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(LadderVae::load(folder.path(), device)?))
    }
}

impl Model for LadderVae {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        Some(self)
    }

    fn as_encode(&self) -> Option<&(dyn Encode<2> + Sync)> {
        Some(self)
    }

    fn as_decode(&self) -> Option<&(dyn Decode<2> + Sync)> {
        Some(self)
    }

    fn rate_distortion(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<RateDistortion> {
        Some(LadderVae::rate_distortion(self, x, condition, noise))
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        self.config().decoder.is_density()
    }
}
