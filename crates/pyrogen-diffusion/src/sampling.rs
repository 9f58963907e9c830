//! How samples are drawn.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::config::check;
use pyrogen_core::{Condition, ConfigError, ModelError, Noise, Sample, SampleOptions, unflatten};
use pyrogen_solve::{DynamicThreshold, Guidance, Levels, Sampler, SolveError, Spacing, Step};
use serde::{Deserialize, Serialize};

use crate::Diffusion;
use crate::conditional::{Conditioning, Conditions};

/// How samples are drawn from a [`Diffusion`] model.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// The sampler.
    pub sampler: Sampler,
    /// Its steps.
    pub steps: usize,
    /// How its noise levels are spaced.
    pub spacing: Spacing,
    /// Guidance towards the class, without a classifier.
    pub guidance: Guidance,
    /// Keeps clean examples within the range of pictures, `[-1, 1]`, under strong guidance.
    pub threshold: Option<DynamicThreshold>,
}

impl Default for SamplingConfig {
    /// Twenty steps of DPM-Solver++ 2M through Karras' levels.
    fn default() -> Self {
        Self {
            sampler: Sampler::Dpmpp2m,
            steps: 20,
            spacing: Spacing::default(),
            guidance: Guidance::default(),
            threshold: None,
        }
    }
}

impl SamplingConfig {
    /// Checks the values against what a model is conditioned on.
    pub(crate) fn validate(
        &self,
        field: &str,
        conditioning: &Conditioning,
    ) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{name}");
        check_steps(self.steps, &at("steps"))?;
        self.sampler.validate().map_err(|e| in_config(e, &at("sampler")))?;
        if let Some(threshold) = self.threshold {
            threshold.validate().map_err(|e| in_config(e, &at("threshold")))?;
        }
        check_guidance(&self.guidance, &at("guidance"), conditioning)
    }
}

/// Guidance that a model can follow.
pub(crate) fn check_guidance(
    guidance: &Guidance,
    field: &str,
    conditioning: &Conditioning,
) -> Result<(), ConfigError> {
    guidance.validate().map_err(|e| in_config(e, field))?;
    if guidance.weight == 1.0 || conditioning.no_label().is_some() {
        return Ok(());
    }
    let expected = match conditioning.classes {
        None => "1 for a model without classes",
        Some(_) => "1 for a model trained with label_dropout of 0",
    };
    Err(ConfigError::value(format!("{field}.weight"), expected, guidance.weight))
}

/// What a solver says of a number, as an error of a config.
pub(crate) fn in_config(error: SolveError, field: &str) -> ConfigError {
    match error {
        SolveError::Value { name, expected, got } => {
            ConfigError::value(format!("{field}.{name}"), expected, got)
        }
        SolveError::TooManySteps { got, steps } => {
            let expected = format!("at most the {steps} steps of the process");
            ConfigError::value(format!("{field}.steps"), expected, got)
        }
        other => ConfigError::Parse { message: other.to_string() },
    }
}

/// At least one step.
pub(crate) fn check_steps(steps: usize, field: &str) -> Result<(), ConfigError> {
    check::within(field, steps, MOST_STEPS)
}

/// More steps of a sampler or solver are a mistake.
const MOST_STEPS: usize = 100_000;

impl Diffusion {
    /// The noise levels of the model's sampler.
    ///
    /// # Errors
    /// More steps than the process has, for spacings that need them.
    pub fn sampling_levels(&self) -> Result<Levels, SolveError> {
        let sampling = &self.config().sampling;
        self.levels.sampling(sampling.spacing, sampling.steps)
    }

    /// The denoiser that samplers see: with guidance and thresholds, at one noise level for all rows.
    pub(crate) fn denoiser<'a>(
        &'a self,
        conditions: &'a Conditions,
    ) -> impl Fn(Tensor<2>, f64) -> Tensor<2> + 'a {
        let SamplingConfig { guidance, threshold, .. } = self.config().sampling;
        let unconditional = self.network.without_labels(conditions);
        let at = |x: Tensor<2>, sigma: f64, conditions: &Conditions| {
            let sigmas = vec![sigma; x.dims()[0]];
            self.clean(x, &sigmas, conditions)
        };
        move |x, sigma| {
            let clean = match &unconditional {
                Some(unconditional) if guidance.applies(sigma) => {
                    let given = at(x.clone(), sigma, conditions);
                    guidance.combine(given, at(x, sigma, unconditional))
                }
                _ => at(x, sigma, conditions),
            };
            match threshold {
                Some(threshold) => threshold.clip(clean),
                None => clean,
            }
        }
    }

    /// `n` flat examples; a callback sees each step.
    ///
    /// # Shapes
    /// The result is `[n, features]`.
    ///
    /// # Errors
    /// Levels that cannot be made, or a network that gives a number that is not finite: the error
    /// names step and noise level.
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn generate(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
        on_step: impl FnMut(&Step<2>),
    ) -> Result<Tensor<2>, SolveError> {
        let levels = self.sampling_levels()?;
        let shape = [n, self.config().features()];
        let start = levels.start(shape, noise, &self.device().inner()) * options.temperature;
        self.generate_from(start, &levels, &options.condition, noise, on_step)
    }

    /// The rest of the way from flat examples that have noise of the first of the levels.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Panics
    /// If a shape is another, or the condition does not fit.
    pub fn generate_from(
        &self,
        start: Tensor<2>,
        levels: &Levels,
        condition: &Condition,
        noise: &mut Noise,
        on_step: impl FnMut(&Step<2>),
    ) -> Result<Tensor<2>, SolveError> {
        let model = self.valid();
        let conditions = model.network.conditions(condition, start.dims()[0]);
        let sampler = model.config().sampling.sampler;
        sampler.sample(model.denoiser(&conditions), start, levels, noise, on_step)
    }
}

/// The noise that sampling starts from has the spread of the temperature: 1 is the model.
///
/// # Errors
/// As [`Diffusion::generate`].
impl<const D: usize> Sample<D> for Diffusion {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        options.check(self, n)?;
        let drawn = self.generate(n, options, noise, |_| {})?;
        Ok(unflatten(drawn, &self.config().event))
    }
}
