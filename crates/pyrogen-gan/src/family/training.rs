//! How the crate's models train.

use std::sync::Arc;

use pyrogen_core::{ConfigError, config};
use pyrogen_data::{Preparation, RawRows, Recipe};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Train, Wanted, check_data, examples, fit, fits_memory, raw_rows,
    training_examples, try_untrained,
};
use pyrogen_train::{
    AdversarialLearner, GradientConfig, Learner, Limits, MonitorConfig, OptimizerConfig,
    PlayersConfig, RunFolder, TrainConfig, Unwatched, ValidationConfig,
};

use super::GanFamily;
use super::monitor::monitor;
use serde_json::Value;

use crate::{DcganConfig, Gan, GanConfig, MlpPair, Networks, Output, UnetConfig};

/// Pictures from this side on are given to convolutions.
const SMALLEST_PICTURE: usize = 8;

/// Steps of the discriminator where nothing else is wished.
const STEPS: u64 = 5000;

/// Examples a step.
const BATCH: usize = 64;

/// Steps between two checkpoints, and about so many between two validations.
const EVERY: usize = 500;

/// For models with a context: weight of the distance from the original beside the discriminator's
/// opinion, and number of latents, which choose between a few pictures.
const RECONSTRUCTION: f64 = 10.0;
const LATENTS_WITH_CONTEXT: usize = 8;

/// Pictures in `[0, 1]`, other numbers to a mean of 0 and a standard deviation of 1.
fn prepare(data: &dyn RawRows) -> Result<Preparation, Error> {
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

/// A conditional model of one class would learn nothing from it.
fn check_classes(config: &GanConfig, data: &dyn RawRows) -> Result<(), ConfigError> {
    let (Some(classes), Some(labels)) = (config.classes, data.labels()) else { return Ok(()) };
    if labels.iter().any(|l| *l != labels[0]) {
        return Ok(());
    }
    let expected = "null: all examples of the data have one class";
    Err(ConfigError::value("model.classes", expected, classes))
}

/// How the family's models are trained where nothing else is wished.
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

impl Train for GanFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(GanConfig).to_value())
    }

    fn takes_context(&self) -> bool {
        true
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let event = prepare(data)?.event_shape();
        let picture = Recipe::suited_to(data) == Recipe::Unit;
        let context = wanted.context.is_some();
        let networks = match event[..] {
            [_, h, w] if context && h.min(w).is_multiple_of(2) => paired(h.min(w)),
            [_, h, w] if picture && h.min(w) >= SMALLEST_PICTURE => {
                Networks::Dcgan(DcganConfig { channels: channels(h.min(w)), norm: false })
            }
            _ => Networks::Mlp(MlpPair::default()),
        };
        let output = if picture { Output::Unit } else { Output::Real };
        let mut model = GanConfig { event, networks, output, ..GanConfig::default() };
        if context {
            model.regularise.reconstruction = RECONSTRUCTION;
            model.latents = LATENTS_WITH_CONTEXT;
        }
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let data = raw_rows(wanted.data)?;
        settings.train.validate()?;
        let model: GanConfig = config::from_value(settings.model.clone())?;
        let parameters = model.num_params()?;
        fits_memory(parameters)?;
        check_classes(&model, data)?;
        Ok(Plan {
            model: settings.model,
            train: settings.train,
            preparation: Some(prepare(data)?),
            parameters,
            examples: data.len(),
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let config: GanConfig = config::from_value(job.plan.model.clone())?;
        let model = match &job.from {
            None => config.init(job.seed, &job.device)?,
            Some(folder) if folder.config::<GanConfig>()? == config => {
                Gan::load(folder.path(), &job.device)?
            }
            Some(_) => {
                let expected = "left as it is in the model that training begins with";
                return Err(ConfigError::value("model", expected, "another").into());
            }
        };
        check_data(&model, &job)?;
        let save = |model: &Gan, folder: &_, card: &_| model.save(folder, card);
        try_untrained(&job, &model, save)?;
        let learner = AdversarialLearner::new(model, &job.plan.train)?;
        let rows = job.plan.train.batch_size.min(job.data.len());
        config.check_batch(rows / learner.parts(rows).max(1))?;
        let train = Arc::new(training_examples(&job)?);
        let held_out =
            job.validation.as_ref().map(|v| examples(v, &job)).transpose()?.map(Arc::new);
        let monitor = match &held_out {
            Some(held_out) => monitor(&job, &train, held_out)?,
            None => None,
        };
        fit(job, learner, train, held_out, save, |trainer| {
            Ok(match monitor {
                Some(Ok(monitor)) => trainer.callback(monitor),
                Some(Err(reason)) => trainer.callback(Unwatched::new(reason)),
                None => trainer,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_data::{Data, PictureContext, digits};

    use super::*;

    #[test]
    fn defaults_fit_the_data() {
        let data = Data::from_dataset(digits());
        let wanted = Wanted { data: &data, context: None, context_shape: None };
        let defaults = GanFamily.defaults(&wanted).unwrap();
        assert_eq!(defaults.model["networks"]["dcgan"]["channels"], serde_json::json!([32, 64]));
        let model: GanConfig = config::from_value(defaults.model).unwrap();
        model.validate().unwrap();
        defaults.train.validate().unwrap();
        assert_eq!(channels(28), [32, 64]);
        let shape = [1, 8, 8];
        let wanted = Wanted {
            data: &data,
            context: Some(PictureContext::Edges),
            context_shape: Some(&shape),
        };
        let mut paired = GanFamily.defaults(&wanted).unwrap().model;
        assert_eq!(paired["networks"]["unet"]["channels"], serde_json::json!([32, 64]));
        paired["context"] = serde_json::json!([1, 8, 8]);
        config::from_value::<GanConfig>(paired).unwrap().validate().unwrap();
        assert_eq!(channels(32), [32, 64, 128]);
    }
}
