//! Variational autoencoders.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Decode, Encode, Sample, Score, config};
use pyrogen::data::{Binarise, Dataset, Preparation, Recipe};
use pyrogen::nn::{ConvConfig, MlpConfig, Network};
use pyrogen::train::{Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig};
use pyrogen::vae::{Decoder, Scale, Vae, VaeConfig};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use crate::error::CliError;
use crate::family::{Capabilities, Defaults, Family, Model, TrainJob};

/// The family `vae`.
pub struct VaeFamily;

/// Pictures from this side on are given to convolutions.
const SMALLEST_CONV: usize = 8;

impl Family for VaeFamily {
    fn name(&self) -> &'static str {
        "vae"
    }

    fn about(&self) -> &'static str {
        "variational autoencoder: beta, IWAE bound, labels as condition; \
         Gaussian, Bernoulli and discretised-logistic decoders"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sample: true,
            condition: true,
            score: vec!["estimate", "lower_bound"],
            latent: true,
        }
    }

    fn defaults(&self, data: &Dataset) -> Result<Defaults, CliError> {
        let recipe = Recipe::suited_to(data);
        let event = Preparation::fit(&recipe, data)?.event_shape();
        let decoder = match (data.levels(), &recipe) {
            (Some(levels), Recipe::Unit) => {
                Decoder::DiscretisedLogistic { levels, scale: Scale::Predicted }
            }
            _ => Decoder::Gaussian { scale: Scale::PerFeature },
        };
        let picture = matches!(event[..], [_, h, w] if h.min(w) >= SMALLEST_CONV);
        let network = match picture {
            true => Network::Conv(ConvConfig::default()),
            false => Network::Mlp(MlpConfig::default()),
        };
        let model = VaeConfig { event, network, decoder, ..VaeConfig::default() };
        let train = TrainConfig {
            limits: Limits { epochs: Some(60), ..Limits::default() },
            optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
            schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
            gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
            ..TrainConfig::default()
        };
        Ok(Defaults { model: config::to_value(&model), train })
    }

    fn preparation(&self, model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        let model: VaeConfig = config::from_value(model.clone())?;
        let suited = Recipe::suited_to(data);
        let recipe = match model.decoder {
            Decoder::Bernoulli => Recipe::Binarised(Binarise::Dynamic),
            Decoder::DiscretisedLogistic { .. } => Recipe::Unit,
            // A density of integers would be a density of points: they are spread over their cells.
            Decoder::Gaussian { .. } if data.levels().is_some() => {
                Recipe::Dequantised { logit: None }
            }
            _ => suited,
        };
        Ok(Preparation::fit(&recipe, data)?)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: VaeConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let model = config.init(job.seed, &job.device)?;
        gradient::train(job, model, |model: &Vae, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(Vae::load(folder.path(), device)?))
    }
}

impl Model for Vae {
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

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        matches!(self.config().decoder, Decoder::Gaussian { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fit_the_data() {
        let data = pyrogen::data::digits();
        let family = VaeFamily;
        let defaults = family.defaults(&data).unwrap();
        let config: VaeConfig = config::from_value(defaults.model.clone()).unwrap();
        assert_eq!(config.event, [1, 8, 8]);
        config.validate().unwrap();
        defaults.train.validate().unwrap();
        let preparation = family.preparation(&defaults.model, &data).unwrap();
        assert_eq!(preparation.event_shape(), config.event);
        assert_eq!(
            pyrogen::core::Describe::event_shape(
                &config.init(pyrogen::core::Seed(1), &Device::flex()).unwrap()
            ),
            [1, 8, 8]
        );
    }
}
