//! Diffusion models and flow matching.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{Condition, Noise, Sample, SampleOptions, Score, ScoreMethod, config};
use pyrogen::data::{Dataset, Dequantise, Preparation, Recipe, Scale, Step};
use pyrogen::diffusion::solve::{FlowSolver, Repaint, Sampler};
use pyrogen::diffusion::{
    Diffusion, DiffusionConfig, FAMILY, FLOW_FAMILY, FlowConfig, FlowMatching, FlowSampling,
    Inpainting, SamplingConfig, TimeNetwork,
};
use pyrogen::nn::{TimeMlpConfig, UNetConfig};
use pyrogen::train::{
    Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig, ValidationConfig,
};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use crate::error::CliError;
use crate::family::{Capabilities, Defaults, Family, Model, Steering, TrainJob};

/// The family `diffusion`.
pub struct DiffusionFamily;

/// The family `flow-matching`.
pub struct FlowFamily;

/// Pictures from this side on are given to a U-Net.
const SMALLEST_PICTURE: usize = 8;

/// Pictures from this side on are halved twice.
const TWICE: usize = 16;

/// Optimiser steps where nothing else is asked for.
const STEPS: u64 = 3000;

/// Examples a step.
const BATCH: usize = 64;

/// Optimiser steps between two checkpoints, and about so many between two validations.
const EVERY: usize = 500;

/// Random directions of the divergence where nothing else is asked for.
const DIRECTIONS: usize = 2;

/// Draws of the chain's steps where nothing else is asked for.
const CHAIN_DRAWS: usize = 128;

impl Family for DiffusionFamily {
    fn name(&self) -> &'static str {
        FAMILY
    }

    fn about(&self) -> &'static str {
        "noise removed step by step: DDPM and EDM training; epsilon, example, velocity and EDM \
         predictions; samplers in few steps; guidance by labels"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(vec!["estimate (exact with as many draws as dimensions)", "lower_bound"], true)
    }

    fn defaults(&self, data: &Dataset) -> Result<Defaults, CliError> {
        let event = prepare(data)?.event_shape();
        let network = network_for(&event);
        let model = DiffusionConfig { event, network, ..DiffusionConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn preparation(&self, _model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        prepare(data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: DiffusionConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let model = config.init(job.seed, &job.device)?;
        gradient::train(job, model, |model: &Diffusion, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(Diffusion::load(folder.path(), device)?))
    }
}

impl Family for FlowFamily {
    fn name(&self) -> &'static str {
        FLOW_FAMILY
    }

    fn about(&self) -> &'static str {
        "a velocity from noise to data: straight or variance-preserving paths, noise paired with \
         examples independently or by optimal transport; guidance by labels"
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(vec!["estimate (exact with as many draws as dimensions)"], false)
    }

    fn defaults(&self, data: &Dataset) -> Result<Defaults, CliError> {
        let event = prepare(data)?.event_shape();
        let network = network_for(&event);
        let model = FlowConfig { event, network, ..FlowConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training(data.len()) })
    }

    fn preparation(&self, _model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        prepare(data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: FlowConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let model = config.init(job.seed, &job.device)?;
        gradient::train(job, model, |model: &FlowMatching, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(FlowMatching::load(folder.path(), device)?))
    }
}

fn capabilities(score: Vec<&'static str>, inpaint: bool) -> Capabilities {
    Capabilities {
        sample: true,
        condition: true,
        score,
        anomaly: None,
        latent: false,
        traverse: false,
        steer: true,
        inpaint,
    }
}

/// Integers are spread over their cells, so that there is a density, and all pictures go to
/// `[-1, 1]`; other numbers to a mean of 0 and a standard deviation of 1.
fn prepare(data: &Dataset) -> Result<Preparation, CliError> {
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

/// How the families' models are trained where nothing else is asked for.
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

impl Model for Diffusion {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn draw(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.generate(n, options, noise, |_| {}).map_err(CliError::from))
    }

    fn steer(&mut self, steering: &Steering) -> Result<(), CliError> {
        let mut sampling: SamplingConfig = self.config().sampling;
        sampling.steps = steering.steps.unwrap_or(sampling.steps);
        sampling.guidance.weight = steering.guidance.unwrap_or(sampling.guidance.weight);
        if let Some(name) = &steering.sampler {
            sampling.sampler = name.parse::<Sampler>()?;
        }
        *self = self.clone().with_sampling(sampling)?;
        Ok(())
    }

    fn fill(
        &self,
        known: Tensor<2>,
        mask: Tensor<2>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        let repaint = Repaint { repeats, ..Repaint::default() };
        let how = Inpainting::Repaint(repaint);
        Some(self.inpaint(known, mask, how, condition, noise).map_err(CliError::from))
    }

    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        Some(self)
    }

    fn default_draws(&self, method: ScoreMethod) -> usize {
        if method == ScoreMethod::LowerBound { CHAIN_DRAWS } else { DIRECTIONS }
    }

    fn evaluation_draws(&self, method: ScoreMethod, draws: usize) -> Option<usize> {
        // The ODE of every example takes hundreds of gradients: `pyrogen score` does it when asked.
        (method == ScoreMethod::LowerBound).then_some(draws.min(16))
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        true
    }
}

impl Model for FlowMatching {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn draw(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.generate(n, options, noise, |_| {}).map_err(CliError::from))
    }

    fn steer(&mut self, steering: &Steering) -> Result<(), CliError> {
        let mut sampling: FlowSampling = self.config().sampling;
        sampling.steps = steering.steps.unwrap_or(sampling.steps);
        sampling.guidance.weight = steering.guidance.unwrap_or(sampling.guidance.weight);
        if let Some(name) = &steering.sampler {
            sampling.solver = name.parse::<FlowSolver>()?;
        }
        *self = self.clone().with_sampling(sampling)?;
        Ok(())
    }

    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        Some(self)
    }

    fn default_draws(&self, _method: ScoreMethod) -> usize {
        DIRECTIONS
    }

    fn evaluation_draws(&self, _method: ScoreMethod, _draws: usize) -> Option<usize> {
        None
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        true
    }
}
