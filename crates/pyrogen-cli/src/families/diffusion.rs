//! Diffusion models and flow matching: what each of the two alone knows.

use burn::tensor::Tensor;
use pyrogen::core::{Condition, Likelihood, Noise, SampleOptions, ScoreOptions};
use pyrogen::diffusion::solve::{FlowSolver, Repaint, Sampler, SolveError};
use pyrogen::diffusion::{
    Diffusion, DiffusionConfig, FAMILY, FLOW_FAMILY, FlowConfig, FlowMatching, FlowSampling,
    Inpainting, SamplingConfig, TimeNetwork,
};

use super::stepwise::{BY_ODE, LOWER_BOUND, Stepwise};
use crate::error::CliError;
use crate::family::Steering;

impl Stepwise for Diffusion {
    type Config = DiffusionConfig;

    const NAME: &'static str = FAMILY;
    const ABOUT: &'static str = "noise removed step by step: DDPM and EDM training; epsilon, \
        example, velocity and EDM predictions; samplers in few steps; guidance by labels";
    const SCORE: &'static [&'static str] = &[BY_ODE, LOWER_BOUND];
    const INPAINTS: bool = true;

    fn config_for(event: Vec<usize>, network: TimeNetwork) -> DiffusionConfig {
        DiffusionConfig { event, network, ..DiffusionConfig::default() }
    }

    fn settings(&self) -> &DiffusionConfig {
        self.config()
    }

    fn steered(self, steering: &Steering) -> Result<Self, CliError> {
        let mut sampling: SamplingConfig = self.config().sampling;
        sampling.steps = steering.steps.unwrap_or(sampling.steps);
        sampling.guidance.weight = steering.guidance.unwrap_or(sampling.guidance.weight);
        if let Some(name) = &steering.sampler {
            sampling.sampler = name.parse::<Sampler>()?;
        }
        Ok(self.with_sampling(sampling)?)
    }

    fn generated(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.generate(n, options, noise, |_| {})
    }

    fn varied(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.vary(given, strength, condition, noise)
    }

    fn noise_of(&self, x: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, SolveError> {
        self.to_noise(x, condition)
    }

    fn of_noise(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.generate_from(z, &self.sampling_levels()?, condition, noise, |_| {})
    }

    fn scored(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, SolveError> {
        self.likelihood(x, condition, options, noise)
    }

    fn filled(
        &self,
        known: Tensor<2>,
        mask: Tensor<2>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, SolveError>> {
        let how = Inpainting::Repaint(Repaint { repeats, ..Repaint::default() });
        Some(self.inpaint(known, mask, how, condition, noise))
    }
}

impl Stepwise for FlowMatching {
    type Config = FlowConfig;

    const NAME: &'static str = FLOW_FAMILY;
    const ABOUT: &'static str = "a velocity from noise to data: straight or variance-preserving \
        paths, noise paired with examples independently or by optimal transport; guidance by labels";
    const SCORE: &'static [&'static str] = &[BY_ODE];
    const INPAINTS: bool = false;

    fn config_for(event: Vec<usize>, network: TimeNetwork) -> FlowConfig {
        FlowConfig { event, network, ..FlowConfig::default() }
    }

    fn settings(&self) -> &FlowConfig {
        self.config()
    }

    fn steered(self, steering: &Steering) -> Result<Self, CliError> {
        let mut sampling: FlowSampling = self.config().sampling;
        sampling.steps = steering.steps.unwrap_or(sampling.steps);
        sampling.guidance.weight = steering.guidance.unwrap_or(sampling.guidance.weight);
        if let Some(name) = &steering.sampler {
            sampling.solver = name.parse::<FlowSolver>()?;
        }
        Ok(self.with_sampling(sampling)?)
    }

    fn generated(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.generate(n, options, noise, |_| {})
    }

    fn varied(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.vary(given, strength, condition, noise)
    }

    fn noise_of(&self, x: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, SolveError> {
        self.to_noise(x, condition)
    }

    fn of_noise(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        _noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        self.follow(z, condition, |_| {})
    }

    fn scored(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, SolveError> {
        self.likelihood(x, condition, options, noise)
    }

    fn filled(
        &self,
        _known: Tensor<2>,
        _mask: Tensor<2>,
        _repeats: usize,
        _condition: &Condition,
        _noise: &mut Noise,
    ) -> Option<Result<Tensor<2>, SolveError>> {
        None
    }
}
