//! Through which noise levels a sampler goes.

use std::str::FromStr;

use burn::tensor::{Device, Tensor};
use pyrogen_core::{ConfigError, Noise};
use serde::{Deserialize, Serialize};

use crate::flow::kept;
use crate::{NoiseSchedule, SolveError};

/// How the levels of a few steps are taken from a training schedule.
///
/// | spacing | levels |
/// |---|---|
/// | linspace | equal distances from the last training step to the first, both included |
/// | leading | every `steps / n`-th training step, from step 0 on |
/// | trailing | every `steps / n`-th training step, back from the last |
/// | Karras | equal distances of `sigma^(1 / rho)` |
/// | exponential | equal distances of `ln sigma` |
///
/// # References
/// Lin et al. 2024, table 2 (linspace, leading, trailing); Karras et al. 2022, equation 5.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Spacing {
    /// Equal distances of the training step; levels between two steps are log-linear.
    Linspace,
    /// Every so many steps, from step 0 on: leaves out the noisiest steps.
    Leading,
    /// Every so many steps, back from the last: right for few steps.
    Trailing,
    /// More steps at small noise.
    Karras {
        /// 7 in the paper; larger puts more steps at small noise.
        rho: f64,
    },
    /// Equal ratios.
    Exponential,
}

impl Spacing {
    /// The names that `FromStr` knows, for help texts.
    pub const NAMES: &'static str = "linspace, leading, trailing, karras, exponential";
}

impl FromStr for Spacing {
    type Err = ConfigError;

    /// The spacing of a name; `karras` has `rho = 7`.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Ok(match text {
            "linspace" => Self::Linspace,
            "leading" => Self::Leading,
            "trailing" => Self::Trailing,
            "karras" => Self::default(),
            "exponential" => Self::Exponential,
            _ => {
                let expected = format!("one of {}", Self::NAMES);
                return Err(ConfigError::value("spacing", expected, format!("`{text}`")));
            }
        })
    }
}

impl Default for Spacing {
    /// Karras' with `rho = 7`.
    fn default() -> Self {
        Self::Karras { rho: 7.0 }
    }
}

/// Noise levels from the first to 0: finite, strictly decreasing.
///
/// A sampler with `n` steps has `n + 1` levels; step `i` goes from level `i` to level `i + 1`.
///
/// ```
/// use pyrogen_solve::Levels;
///
/// let levels = Levels::karras(10, 0.002, 80.0, 7.0)?;
/// assert_eq!((levels.steps(), levels.values()[10]), (10, 0.0));
/// assert!((levels.first() - 80.0).abs() < 1e-9);
///
/// let wrong = Levels::new(vec![1.0, 2.0, 0.0]).unwrap_err();
/// assert!(wrong.to_string().contains("strictly decrease"));
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Levels(Vec<f64>);

impl Levels {
    /// Checked levels; a 0 is added if the last is above it.
    ///
    /// # Errors
    /// No level above 0, one that is negative or not finite, or one that is not below the one
    /// before it.
    pub fn new(mut values: Vec<f64>) -> Result<Self, SolveError> {
        for (index, &value) in values.iter().enumerate() {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(SolveError::Level { index, value });
            }
            if let Some(&before) = index.checked_sub(1).and_then(|i| values.get(i))
                && value >= before
            {
                return Err(SolveError::NotDecreasing { index, before, value });
            }
        }
        if values.last().is_some_and(|&v| v > 0.0) {
            values.push(0.0);
        }
        if values.len() < 2 { Err(SolveError::NoSteps) } else { Ok(Self(values)) }
    }

    /// `n` levels with equal distances of `sigma^(1 / rho)` from `max` to `min`, then 0.
    ///
    /// # Errors
    /// No steps, `min` not above 0, `max` not above `min`, or `rho` not above 0.
    ///
    /// # References
    /// Karras, Aittala, Aila and Laine 2022, equation 5.
    pub fn karras(n: usize, min: f64, max: f64, rho: f64) -> Result<Self, SolveError> {
        SolveError::check("rho", rho, rho > 0.0 && rho.is_finite(), "above 0")?;
        let (low, high) = (min.powf(1.0 / rho), max.powf(1.0 / rho));
        Self::between(n, min, max, |u| (high + u * (low - high)).powf(rho))
    }

    /// `n` levels with equal ratios from `max` to `min`, then 0.
    ///
    /// # Errors
    /// No steps, `min` not above 0, or `max` not above `min`.
    pub fn exponential(n: usize, min: f64, max: f64) -> Result<Self, SolveError> {
        let (low, high) = (min.ln(), max.ln());
        Self::between(n, min, max, |u| (high + u * (low - high)).exp())
    }

    fn between(
        n: usize,
        min: f64,
        max: f64,
        level: impl Fn(f64) -> f64,
    ) -> Result<Self, SolveError> {
        SolveError::check("sigma_min", min, min > 0.0 && min.is_finite(), "above 0")?;
        let above = max > min && max.is_finite();
        SolveError::check("sigma_max", max, above, "above sigma_min")?;
        let last = n.saturating_sub(1).max(1) as f64;
        Self::new((0..n).map(|i| level(i as f64 / last)).collect())
    }

    /// `n` levels of a training schedule, then 0.
    ///
    /// # Errors
    /// No steps, or more than the schedule has: they would fall on levels that training did not have;
    /// `rho` not above 0; a schedule whose levels do not increase.
    pub fn of_schedule(
        schedule: &NoiseSchedule,
        spacing: Spacing,
        n: usize,
    ) -> Result<Self, SolveError> {
        let steps = schedule.steps();
        let sigmas = schedule.sigmas();
        let (min, max) = (sigmas[0], sigmas[steps - 1]);
        if n > steps {
            return Err(SolveError::TooManySteps { got: n, steps });
        }
        match spacing {
            Spacing::Karras { rho } => Self::karras(n, min, max, rho),
            Spacing::Exponential => Self::exponential(n, min, max),
            Spacing::Linspace => {
                let step = (steps - 1) as f64 / n.saturating_sub(1).max(1) as f64;
                let at = |i: usize| schedule.sigma_at((steps - 1) as f64 - step * i as f64);
                Self::new((0..n).map(at).collect())
            }
            Spacing::Leading => {
                let stride = steps.checked_div(n).unwrap_or_default();
                Self::new((0..n).rev().map(|i| sigmas[i * stride]).collect())
            }
            Spacing::Trailing => {
                let stride = steps as f64 / n as f64;
                let at = |i: usize| (steps as f64 - stride * i as f64).round_ties_even() as usize;
                Self::new((0..n).map(|i| sigmas[at(i) - 1]).collect())
            }
        }
    }

    /// The levels; the last is 0.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Number of steps: one less than levels.
    pub fn steps(&self) -> usize {
        self.0.len() - 1
    }

    /// The largest level.
    pub fn first(&self) -> f64 {
        self.0[0]
    }

    /// The steps from the first level of at most `sigma` on: where an example with that much noise
    /// starts.
    ///
    /// # Errors
    /// If no level above 0 is that small.
    pub fn from_level(&self, sigma: f64) -> Result<Self, SolveError> {
        Self::new(self.0.iter().copied().filter(|&v| v <= sigma).collect())
    }

    /// The last `strength` of the steps: 1 is all of them, 0.3 of ten steps the last three.
    ///
    /// # Errors
    /// A strength outside `(0, 1]`, or so small that no step is left.
    pub fn strength(&self, strength: f64) -> Result<Self, SolveError> {
        Self::new(self.0[self.steps() - kept(self.steps(), strength)?..].to_vec())
    }

    /// Where sampling starts: noise at the first level, of mean zero.
    pub fn start<const D: usize>(
        &self,
        shape: [usize; D],
        noise: &mut Noise,
        device: &Device,
    ) -> Tensor<D> {
        noise.normal(shape, device) * self.first()
    }

    /// Where sampling starts from a given example (image to image): the example with noise of the
    /// first level.
    pub fn start_from<const D: usize>(&self, x: Tensor<D>, noise: &mut Noise) -> Tensor<D> {
        let drawn = noise.normal(x.dims(), &x.device());
        x + drawn * self.first()
    }
}
