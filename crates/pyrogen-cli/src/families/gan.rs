//! Generative adversarial networks.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Condition, ConfigError, Decode, Encode, Noise, Sample, Seed, config};
use pyrogen::data::{Dataset, Preparation, Recipe};
use pyrogen::gan::{
    DcganConfig, FAMILY, Gan, GanConfig, InvertOptions, MlpPair, Networks, Output, UnetConfig,
};
use pyrogen::train::{
    GradientConfig, Limits, MonitorConfig, OptimizerConfig, PlayersConfig, TrainConfig,
    ValidationConfig,
};
use serde_json::Value;

use super::gradient::fits_memory;
use super::players;
use crate::error::CliError;
use crate::family::{Asked, Capabilities, Defaults, Family, Misfit, Model, TrainJob};

/// The family `gan`.
pub struct GanFamily;

/// Pictures from this side on are given to convolutions.
const SMALLEST_PICTURE: usize = 8;

/// Steps of the discriminator where nothing else is asked for.
const STEPS: u64 = 5000;

/// Examples a step.
const BATCH: usize = 64;

/// Steps between two checkpoints, and about so many between two validations.
const EVERY: usize = 500;

/// For models that are told a picture: weight of the distance from the original beside the
/// discriminator's opinion, and number of latents, which choose between a few pictures.
const RECONSTRUCTION: f64 = 10.0;
const LATENTS_TOLD: usize = 8;

/// What anomalies are ranked by.
const INVERSION: &str = "inversion error";

impl Family for GanFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "two networks that learn from each other: non-saturating, least squares, hinge, Wasserstein \
         and relativistic losses; labels as condition; a monitor that tells a collapse"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sample: true,
            condition: true,
            context: true,
            score: Vec::new(),
            anomaly: Some(INVERSION),
            latent: true,
            traverse: true,
            steer: false,
            inpaint: false,
        }
    }

    fn defaults(&self, Asked { data, context }: Asked) -> Result<Defaults, CliError> {
        let event = prepare(data)?.event_shape();
        let picture = Recipe::suited_to(data) == Recipe::Unit;
        let networks = match event[..] {
            [_, h, w] if context.is_some() && h.min(w).is_multiple_of(2) => paired(h.min(w)),
            [_, h, w] if picture && h.min(w) >= SMALLEST_PICTURE => {
                Networks::Dcgan(DcganConfig { channels: channels(h.min(w)), norm: false })
            }
            _ => Networks::Mlp(MlpPair::default()),
        };
        let output = if picture { Output::Unit } else { Output::Real };
        let mut model = GanConfig { event, networks, output, ..GanConfig::default() };
        if context.is_some() {
            model.regularise.reconstruction = RECONSTRUCTION;
            model.latents = LATENTS_TOLD;
        }
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn preparation(&self, _model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        prepare(data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: GanConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        check_classes(&config, &job.data)?;
        let model = config.init(job.seed, &job.device)?;
        let check = |rows| Ok(config.check_batch(rows)?);
        players::train(job, model, |model: &Gan, folder, card| model.save(folder, card), check)
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(Gan::load(folder.path(), device)?))
    }
}

/// Pictures in `[0, 1]`, other numbers to a mean of 0 and a standard deviation of 1.
fn prepare(data: &Dataset) -> Result<Preparation, CliError> {
    Ok(Preparation::fit(&Recipe::suited_to(data), data)?)
}

/// Channels of each stage, as far as the side can be halved.
fn channels(side: usize) -> Vec<usize> {
    let halvings = side.trailing_zeros().clamp(1, 3) as usize;
    [32, 64, 128][..halvings.min(if side > SMALLEST_PICTURE { 3 } else { 2 })].to_vec()
}

/// Networks from a picture to a picture.
fn paired(side: usize) -> Networks {
    let channels = channels(side);
    Networks::Unet(UnetConfig { patches: channels.clone(), channels })
}

/// A conditional model of one class would learn nothing from being told it.
fn check_classes(config: &GanConfig, data: &Dataset) -> Result<(), ConfigError> {
    let (Some(classes), Some(labels)) = (config.classes, data.labels()) else { return Ok(()) };
    if labels.iter().any(|l| *l != labels[0]) {
        return Ok(());
    }
    let expected = "null: all examples of the data have one class";
    Err(ConfigError::value("model.classes", expected, classes))
}

/// How the family's models are trained where nothing else is asked for.
fn training(examples: usize) -> TrainConfig {
    let epochs = (EVERY * BATCH).div_ceil(examples.max(1)) as u64;
    let optimizer =
        |learning_rate| OptimizerConfig { learning_rate, beta1: 0.5, ..OptimizerConfig::default() };
    TrainConfig {
        batch_size: BATCH,
        limits: Limits { epochs: None, steps: Some(STEPS), minutes: None },
        optimizer: optimizer(5e-4),
        players: Some(PlayersConfig {
            discriminator: optimizer(1e-3),
            monitor: MonitorConfig { every: 250, ..MonitorConfig::default() },
            ..PlayersConfig::default()
        }),
        gradient: GradientConfig { ema_decay: Some(0.995), ..GradientConfig::default() },
        validation: ValidationConfig { every_epochs: epochs, ..ValidationConfig::default() },
        checkpoint_every: EVERY as u64,
        ..TrainConfig::default()
    }
}

impl Model for Gan {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn why_no_score(&self) -> &'static str {
        "a GAN has no likelihood (`pyrogen anomaly` ranks examples by their inversion error); for \
         Fréchet and kernel distance, precision and recall of samples"
    }

    fn misfit(&self, x: Tensor<2>, condition: &Condition) -> Option<Misfit> {
        // One start, from zero: nothing is drawn.
        let mut unused = Noise::new(Seed(0));
        let found = self.invert(x, condition, &InvertOptions::default(), &mut unused);
        Some(Misfit { name: INVERSION, values: found.errors })
    }

    fn as_encode(&self) -> Option<&(dyn Encode<2> + Sync)> {
        Some(self)
    }

    fn has_posterior(&self) -> bool {
        false
    }

    fn as_decode(&self) -> Option<&(dyn Decode<2> + Sync)> {
        Some(self)
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_fit_the_data() {
        let data = pyrogen::data::digits();
        let defaults = GanFamily.defaults(Asked::of(&data)).unwrap();
        assert_eq!(defaults.model["networks"]["dcgan"]["channels"], serde_json::json!([32, 64]));
        let model: GanConfig = config::from_value(defaults.model).unwrap();
        model.validate().unwrap();
        defaults.train.validate().unwrap();
        assert_eq!(channels(28), [32, 64]);
        let told = Asked { data: &data, context: Some(&[1, 8, 8]) };
        let mut told = GanFamily.defaults(told).unwrap().model;
        assert_eq!(told["networks"]["unet"]["channels"], serde_json::json!([32, 64]));
        told["context"] = serde_json::json!([1, 8, 8]);
        config::from_value::<GanConfig>(told).unwrap().validate().unwrap();
        assert_eq!(channels(32), [32, 64, 128]);
    }
}
