//! What families share that make examples step by step: one implementation of everything that the
//! command line asks of them.

use std::marker::PhantomData;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::{ModelConfig, ModelFolder};
use pyrogen::core::{
    Batch, Condition, Describe, Likelihood, Noise, Objective, Sample, SampleOptions, Score,
    ScoreMethod, ScoreOptions, config,
};
use pyrogen::data::{Dataset, Dequantise, Preparation, Recipe, Scale, Step};
use pyrogen::diffusion::TimeNetwork;
use pyrogen::diffusion::solve::SolveError;
use pyrogen::nn::{TimeMlpConfig, UNetConfig};
use pyrogen::train::{
    Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig, ValidationConfig,
};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use crate::error::CliError;
use crate::family::{Asked, Capabilities, Defaults, Family, Model, Steering, TrainJob};

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

/// Draws of the chain's steps in an evaluation, at most.
const EVALUATION_DRAWS: usize = 16;

/// A model that makes examples out of noise in steps, and what it alone knows.
pub trait Stepwise:
    Module + Describe + Objective<Batch = Batch<2>> + Sample<2> + Score<2> + Sync + 'static
{
    /// The model's config.
    type Config: ModelConfig<Model = Self>;

    /// The family's name.
    const NAME: &'static str;
    /// One line on the family.
    const ABOUT: &'static str;
    /// Kinds of likelihood, best first.
    const SCORE: &'static [&'static str];
    /// Whether it fills in hidden parts.
    const INPAINTS: bool;

    /// The config for examples of a shape.
    fn config_for(event: Vec<usize>, network: TimeNetwork) -> Self::Config;

    /// The config of this model.
    fn settings(&self) -> &Self::Config;

    /// The model with other ways of sampling.
    fn steered(self, steering: &Steering) -> Result<Self, CliError>;

    /// Draws examples.
    fn generated(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError>;

    /// Others like the given ones.
    fn varied(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError>;

    /// The noise that leads to examples.
    fn noise_of(&self, x: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, SolveError>;

    /// Where noise leads.
    fn of_noise(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError>;

    /// How probable examples are.
    fn scored(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, SolveError>;

    /// Fills in hidden parts, where the model can.
    fn filled(
        &self,
        known: Tensor<2>,
        mask: Tensor<2>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, SolveError>>;
}

/// The family of such a model.
pub struct StepwiseFamily<M>(PhantomData<M>);

impl<M> StepwiseFamily<M> {
    /// The family.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: Stepwise> Family for StepwiseFamily<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn about(&self) -> &'static str {
        M::ABOUT
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            sample: true,
            condition: true,
            context: true,
            score: M::SCORE.to_vec(),
            anomaly: None,
            latent: false,
            traverse: false,
            steer: true,
            inpaint: M::INPAINTS,
        }
    }

    fn defaults(&self, Asked { data, .. }: Asked) -> Result<Defaults, CliError> {
        let event = prepare(data)?.event_shape();
        let network = network_for(&event);
        let model = config::to_value(&M::config_for(event, network));
        Ok(Defaults { model, train: training(data.len()) })
    }

    fn preparation(&self, _model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        prepare(data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: M::Config = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let model = config.init(job.seed, &job.device)?;
        gradient::train(job, model, |model: &M, folder, card| {
            model.settings().save(model, M::NAME, folder, card)
        })
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(M::Config::load(M::NAME, folder.path(), device)?))
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

impl<M: Stepwise> Model for M {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn draw(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.generated(n, options, noise).map_err(CliError::from))
    }

    fn steer(&mut self, steering: &Steering) -> Result<(), CliError> {
        *self = self.clone().steered(steering)?;
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
        let filled = self.filled(known, mask, repeats, condition, noise)?;
        Some(filled.map_err(CliError::from))
    }

    fn vary(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.varied(given, strength, condition, noise).map_err(CliError::from))
    }

    fn to_noise(&self, x: Tensor<2>, condition: &Condition) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.noise_of(x, condition).map_err(CliError::from))
    }

    fn decode_noise(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, CliError>> {
        Some(self.of_noise(z, condition, noise).map_err(CliError::from))
    }

    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        Some(self)
    }

    fn likelihood(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Option<Result<Likelihood, CliError>> {
        Some(self.scored(x, condition, options, noise).map_err(CliError::from))
    }

    fn default_draws(&self, method: ScoreMethod) -> usize {
        match method {
            ScoreMethod::LowerBound if M::SCORE.contains(&LOWER_BOUND) => CHAIN_DRAWS,
            _ => DIRECTIONS,
        }
    }

    fn evaluation_draws(&self, method: ScoreMethod, draws: usize) -> Option<usize> {
        // The ODE of every example takes hundreds of gradients: `pyrogen score` does it when asked.
        let bound = method == ScoreMethod::LowerBound && M::SCORE.contains(&LOWER_BOUND);
        bound.then_some(draws.min(EVALUATION_DRAWS))
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        true
    }
}

/// The bound's name in the list of likelihoods.
pub const LOWER_BOUND: &str = "lower_bound";

/// The likelihood by the ODE, in that list.
pub const BY_ODE: &str = "estimate (exact with as many draws as dimensions)";
