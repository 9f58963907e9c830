//! How samples are drawn.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Condition, ConfigError, Noise, Sample, SampleOptions, unflatten};
use pyrogen_solve::{Levels, Sampler, SolveError, Spacing, Step};
use serde::{Deserialize, Serialize};

use crate::Diffusion;
use crate::told::{Telling, Told};

/// How samples are drawn from a [`Diffusion`] model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// The sampler.
    pub sampler: Sampler,
    /// Its steps.
    pub steps: usize,
    /// How its noise levels are spaced.
    pub spacing: Spacing,
    /// Guidance towards the class.
    pub guidance: Guidance,
}

impl Default for SamplingConfig {
    /// Twenty steps of DPM-Solver++ 2M through Karras' levels.
    fn default() -> Self {
        Self {
            sampler: Sampler::Dpmpp2m,
            steps: 20,
            spacing: Spacing::default(),
            guidance: Guidance::default(),
        }
    }
}

/// Guidance without a classifier (Ho and Salimans 2022): the answer with the class, carried on
/// beyond the answer without, `without + weight (with - without)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guidance {
    /// 1 is the conditional model as it is, 0 the unconditional one, more is closer to the class
    /// and less varied.
    pub weight: f64,
    /// The noise levels at which it acts, all if not given (Kynkäänniemi et al. 2024).
    pub interval: Option<[f64; 2]>,
}

impl Default for Guidance {
    fn default() -> Self {
        Self { weight: 1.0, interval: None }
    }
}

impl SamplingConfig {
    /// Checks the values against what a model is told.
    pub(crate) fn validate(&self, field: &str, telling: &Telling) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{name}");
        if self.steps == 0 {
            return Err(ConfigError::value(at("steps"), "at least 1", 0));
        }
        self.sampler.validate().map_err(|e| match e {
            SolveError::Value { name, expected, got } => {
                ConfigError::value(at(&format!("sampler.{name}")), expected, got)
            }
            other => ConfigError::Parse { message: other.to_string() },
        })?;
        self.guidance.validate(&at("guidance"), telling)
    }
}

impl Guidance {
    pub(crate) fn validate(&self, field: &str, telling: &Telling) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{name}");
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(ConfigError::value(
                at("weight"),
                "a number that is not negative",
                self.weight,
            ));
        }
        if self.weight != 1.0 && telling.no_label().is_none() {
            let expected = match telling.classes {
                None => "1 for a model without classes",
                Some(_) => "1 for a model trained with label_dropout of 0",
            };
            return Err(ConfigError::value(at("weight"), expected, self.weight));
        }
        match self.interval {
            Some([low, high]) if !(low >= 0.0 && low < high) => Err(ConfigError::value(
                at("interval"),
                "[low, high] of noise levels",
                format!("[{low}, {high}]"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the answer without the class is needed at a noise level.
    pub(crate) fn acts(&self, sigma: f64) -> bool {
        self.weight != 1.0 && self.interval.is_none_or(|[low, high]| sigma >= low && sigma <= high)
    }
}

impl Diffusion {
    /// The noise levels of the model's sampler.
    ///
    /// # Errors
    /// More steps than the process has, for spacings that need them.
    pub fn sampling_levels(&self) -> Result<Levels, SolveError> {
        let sampling = &self.config().sampling;
        self.levels.sampling(sampling.spacing, sampling.steps)
    }

    /// The denoiser that samplers see: with guidance, at one noise level for all rows.
    pub(crate) fn denoiser<'a>(
        &'a self,
        told: &'a Told,
    ) -> impl Fn(Tensor<2>, f64) -> Tensor<2> + 'a {
        let guidance = self.config().sampling.guidance;
        let without = self.network.without_labels(told);
        move |x, sigma| {
            let sigmas = vec![sigma; x.dims()[0]];
            match &without {
                Some(without) if guidance.acts(sigma) => {
                    let free = self.clean(x.clone(), &sigmas, without);
                    let given = self.clean(x, &sigmas, told);
                    free.clone() + (given - free) * guidance.weight
                }
                _ => self.clean(x, &sigmas, told),
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
        let told = model.network.told(condition, start.dims()[0]);
        let sampler = model.config().sampling.sampler;
        sampler.sample(model.denoiser(&told), start, levels, noise, on_step)
    }
}

/// The noise that sampling starts from has the spread of the temperature: 1 is the model.
///
/// # Panics
/// As [`Diffusion::generate`], whose errors are panics here.
impl<const D: usize> Sample<D> for Diffusion {
    fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<D> {
        let drawn = self.generate(n, options, noise, |_| {});
        unflatten(drawn.unwrap_or_else(|e| panic!("Diffusion: {e}")), &self.config().event)
    }
}
