//! How the crate's families train.

use pyrogen_core::folder::{Card, ModelConfig};
use pyrogen_core::{Batch, ConfigError, Describe, Objective, config};
use pyrogen_data::{Dequantise, Preparation, RawRows, Recipe, Scale, Step};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Train, Wanted, fit_gradient, fits_memory, raw_rows,
};
use pyrogen_nn::{TimeMlpConfig, UNetConfig};
use pyrogen_solve::Spacing;
use pyrogen_train::{
    Decay, GradientConfig, Limits, OptimizerConfig, RunFolder, ScheduleConfig, TrainConfig,
    ValidationConfig,
};

use super::{DiffusionFamily, FlowFamily};
use serde_json::Value;

use crate::{
    Diffusion, DiffusionConfig, FAMILY, FLOW_FAMILY, FlowConfig, FlowMatching, SamplingConfig,
    TimeNetwork,
};

/// Pictures from this side on are given to a U-Net.
const SMALLEST_PICTURE: usize = 8;

/// Pictures from this side on are halved twice.
const TWICE: usize = 16;

/// Optimiser steps where nothing else is wished.
const STEPS: u64 = 3000;

/// Examples a step.
const BATCH: usize = 64;

/// Optimiser steps between two checkpoints, and about so many between two validations.
const EVERY: usize = 500;

/// Integers are spread over their cells, so that there is a density, and all pictures go to
/// `[-1, 1]`; other numbers to a mean of 0 and a standard deviation of 1.
fn prepare(data: &dyn RawRows) -> Result<Preparation, Error> {
    let centred = Step::Scale(Scale { shift: 0.5, scale: 0.5 });
    if data.schema().is_none()
        && let Some(levels) = data.levels()
    {
        let steps = vec![Step::Dequantise(Dequantise { levels }), centred];
        return Ok(Preparation::new(data.layout().clone(), steps)?);
    }
    let recipe = Recipe::suited_to(data);
    let fitted = Preparation::fit(&recipe, data)?;
    if recipe == Recipe::Unit {
        let steps = [fitted.steps(), &[centred]].concat();
        return Ok(Preparation::new(data.layout().clone(), steps)?);
    }
    Ok(fitted)
}

/// The network that suits examples of a shape.
fn network_for(event: &[usize]) -> TimeNetwork {
    match event {
        [_, h, w] if *h.min(w) >= SMALLEST_PICTURE => TimeNetwork::UNet(UNetConfig {
            channels: if *h.min(w) >= TWICE { vec![32, 64, 64] } else { vec![16, 32] },
            ..UNetConfig::default()
        }),
        _ => TimeNetwork::Mlp(TimeMlpConfig::default()),
    }
}

/// How samples of a shape are drawn: pictures through Karras' levels; rows of few numbers through levels that
/// are trailing, since twenty of Karras' levels spend most steps on noise that is too small to matter there
/// (of eight Gaussians 20 steps reach 0.52 of the points where trailing levels reach 0.88).
fn sampling_for(event: &[usize]) -> SamplingConfig {
    let own = SamplingConfig::default();
    match event {
        [_, _, _] => own,
        _ => SamplingConfig { spacing: Spacing::Trailing, ..own },
    }
}

/// How the families' models are trained where nothing else is wished.
fn training(examples: usize) -> TrainConfig {
    let epochs = (EVERY * BATCH).div_ceil(examples.max(1)) as u64;
    TrainConfig {
        batch_size: BATCH,
        limits: Limits { epochs: None, steps: Some(STEPS), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 100 },
        gradient: GradientConfig {
            clip_norm: Some(1.0),
            ema_decay: Some(0.999),
            ..GradientConfig::default()
        },
        validation: ValidationConfig { every_epochs: epochs, ..ValidationConfig::default() },
        checkpoint_every: EVERY as u64,
        ..TrainConfig::default()
    }
}

/// A plan of checked settings.
fn plan<C: ModelConfig>(settings: Defaults, data: &dyn RawRows) -> Result<Plan, Error> {
    settings.train.validate()?;
    let model: C = config::from_value(settings.model.clone())?;
    let parameters = model.num_params()?;
    fits_memory(parameters)?;
    let (model, train) = (settings.model, settings.train);
    let preparation = Some(prepare(data)?);
    Ok(Plan { model, train, preparation, parameters, examples: data.len() })
}

/// Trains a model, from new weights or from those of a folder.
fn run<C>(
    job: Job,
    family: &str,
    save: fn(&C::Model, &std::path::Path, &Card) -> Result<(), pyrogen_core::FolderError>,
) -> Result<RunFolder, Error>
where
    C: ModelConfig + PartialEq,
    C::Model: Objective<Batch = Batch<2>> + Describe + 'static,
{
    let config: C = config::from_value(job.plan.model.clone())?;
    let model = match &job.from {
        None => config.init(job.seed, &job.device)?,
        Some(folder) if folder.config::<C>()? == config => {
            C::load(family, folder.path(), &job.device)?
        }
        Some(_) => {
            let expected = "left as it is in the model that training begins with";
            return Err(ConfigError::value("model", expected, "another").into());
        }
    };
    fit_gradient(job, model, save)
}

impl Train for DiffusionFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(DiffusionConfig).to_value())
    }

    fn takes_context(&self) -> bool {
        true
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let event = prepare(data)?.event_shape();
        let (network, sampling) = (network_for(&event), sampling_for(&event));
        let model = DiffusionConfig { event, network, sampling, ..DiffusionConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let data = raw_rows(wanted.data)?;
        plan::<DiffusionConfig>(settings, data)
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        run::<DiffusionConfig>(job, FAMILY, |model: &Diffusion, folder, card| {
            model.save(folder, card)
        })
    }
}

impl Train for FlowFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(FlowConfig).to_value())
    }

    fn takes_context(&self) -> bool {
        true
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let event = prepare(data)?.event_shape();
        let network = network_for(&event);
        let model = FlowConfig { event, network, ..FlowConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        let data = raw_rows(wanted.data)?;
        plan::<FlowConfig>(settings, data)
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        run::<FlowConfig>(job, FLOW_FAMILY, |model: &FlowMatching, folder, card| {
            model.save(folder, card)
        })
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_data::{Data, Dataset, Toy, digits};

    use super::*;

    #[test]
    fn the_sampler_suits_the_dimension() {
        let spacing = |data: Dataset| {
            let data = Data::from_dataset(data);
            let wanted = Wanted { data: &data, context: None, context_shape: None };
            let defaults = DiffusionFamily.defaults(&wanted).unwrap();
            DiffusionFamily.plan(defaults.clone(), &wanted).unwrap();
            config::from_value::<DiffusionConfig>(defaults.model).unwrap().sampling.spacing
        };
        let mut noise = Noise::new(Seed(1));
        let points = Toy::EightGaussians.dataset(50, &mut noise);
        assert_eq!(spacing(points), Spacing::Trailing);
        assert_eq!(spacing(digits()), Spacing::default());
    }
}
