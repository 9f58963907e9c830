//! Vector-quantised autoencoders.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Condition, Decode, Encode, Noise, RateDistortion, Sample, Score, config};
use pyrogen::data::{Dataset, Preparation, Recipe};
use pyrogen::nn::Network;
use pyrogen::train::WorkerCount;
use pyrogen::vae::{CodeReport, VQ_FAMILY, VqConfig, VqNetwork, VqVae};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use super::vae::{decoder_for, first_batch, network_for, prepare, training};
use crate::error::CliError;
use crate::family::{Asked, Capabilities, Defaults, Family, Model, TrainJob};

/// The family `vq-vae`.
pub struct VqFamily;

/// Codes that tell a row of a table or another example that is no picture.
const POSITIONS: usize = 8;

/// Pictures from this side on are halved twice.
const TWICE: usize = 16;

impl Family for VqFamily {
    fn name(&self) -> &'static str {
        VQ_FAMILY
    }

    fn about(&self) -> &'static str {
        "vector-quantised autoencoder: codes out of a codebook, also in residual levels; samples \
         draw codes independently"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sample: true,
            condition: false,
            context: false,
            score: vec!["lower_bound"],
            anomaly: None,
            latent: true,
            traverse: false,
            steer: false,
            inpaint: false,
        }
    }

    fn defaults(&self, Asked { data, .. }: Asked) -> Result<Defaults, CliError> {
        let recipe = Recipe::suited_to(data);
        let preparation = Preparation::fit(&recipe, data)?;
        let event = preparation.event_shape();
        let network = match network_for(&event) {
            Network::Conv(conv) => {
                let large = event[1].min(event[2]) >= TWICE;
                let channels = if large { conv.channels } else { vec![64] };
                VqNetwork::Conv { channels, activation: conv.activation }
            }
            Network::Mlp(mlp) => VqNetwork::Mlp {
                hidden: mlp.hidden,
                activation: mlp.activation,
                positions: POSITIONS,
            },
            other => {
                return Err(CliError::Failed(format!("no codes for a network {other:?}")));
            }
        };
        let decoder = decoder_for(data, &recipe, &preparation);
        let model = VqConfig { event, network, decoder, ..VqConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training() })
    }

    fn preparation(&self, model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        let model: VqConfig = config::from_value(model.clone())?;
        prepare(&model.decoder, data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: VqConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let mut job = job;
        let workers = &mut job.train.gradient.workers;
        if config.restarts() && *workers == WorkerCount::Auto {
            // Each worker would choose a vector of its own, and a code would begin between them.
            *workers = WorkerCount::Exactly(1);
        }
        let model = config.init(job.seed, &job.device)?;
        gradient::check_data(&model, &job)?;
        let (batch, mut noise) = first_batch(&job, 0)?;
        let model = model.init_from_data(batch.x, &mut noise);
        gradient::train(job, model, |model: &VqVae, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(VqVae::load(folder.path(), device)?))
    }
}

impl Model for VqVae {
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

    fn has_latent_axes(&self) -> bool {
        false
    }

    fn code_report(&self, x: Tensor<2>) -> Option<CodeReport> {
        Some(VqVae::code_report(self, x))
    }

    fn rate_distortion(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        _noise: &mut Noise,
    ) -> Option<RateDistortion> {
        Some(VqVae::rate_distortion(self, x, condition))
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        self.config().decoder.is_density()
    }
}
