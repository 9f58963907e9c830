//! Which noise levels training sees.

use pyrogen_core::config::check;
use pyrogen_core::{ConfigError, normal_quantile};
use pyrogen_solve::{BetaSchedule, Levels, NoiseSchedule, SolveError, Spacing};
use serde::{Deserialize, Serialize};

use crate::Level;

/// Which noise levels training sees, and how often.
///
/// In JSON `{"discrete": {"steps": 1000, "schedule": {"cosine": {..}}, "zero_terminal_snr": false}}`
/// or `{"edm": {"mean": -1.2, "std": 1.2, "sigma_min": 0.002, "sigma_max": 80.0}}`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Process {
    /// The steps of a schedule, all alike (Ho et al. 2020).
    Discrete {
        /// Number of steps.
        steps: usize,
        /// The noise of each.
        schedule: BetaSchedule,
        /// Whether nothing of the signal is left at the last step (Lin et al. 2024).
        zero_terminal_snr: bool,
    },
    /// Levels whose logarithm is normal (Karras et al. 2022, table 1).
    Edm {
        /// Mean of `ln sigma`.
        mean: f64,
        /// Standard deviation of `ln sigma`.
        std: f64,
        /// The smallest level of sampling.
        sigma_min: f64,
        /// The level that sampling starts from.
        sigma_max: f64,
    },
}

impl Default for Process {
    fn default() -> Self {
        Self::Discrete { steps: 1000, schedule: BetaSchedule::cosine(), zero_terminal_snr: false }
    }
}

impl Process {
    /// The process of Karras et al. 2022 with the paper's numbers.
    pub fn edm() -> Self {
        Self::Edm { mean: -1.2, std: 1.2, sigma_min: 0.002, sigma_max: 80.0 }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match *self {
            Self::Discrete { .. } => self.schedule(field).map(|_| ()),
            Self::Edm { mean, std, sigma_min, sigma_max } => {
                let checks = [
                    ("mean", mean, mean.is_finite(), "a finite number"),
                    ("std", std, std.is_finite() && std > 0.0, "a positive number"),
                    ("sigma_min", sigma_min, sigma_min.is_finite() && sigma_min > 0.0, "above 0"),
                    (
                        "sigma_max",
                        sigma_max,
                        sigma_max.is_finite() && sigma_max > sigma_min,
                        "above sigma_min",
                    ),
                ];
                for (name, value, good, expected) in checks {
                    if !good {
                        return Err(ConfigError::value(
                            format!("{field}.edm.{name}"),
                            expected,
                            value,
                        ));
                    }
                }
                Ok(())
            }
        }
    }

    /// The schedule of a discrete process.
    fn schedule(&self, field: &str) -> Result<Option<NoiseSchedule>, ConfigError> {
        let Self::Discrete { steps, schedule, zero_terminal_snr } = *self else {
            return Ok(None);
        };
        check::within(&format!("{field}.discrete.steps"), steps, MOST_STEPS)?;
        let built = schedule.build(steps).map_err(|e| match e {
            ConfigError::Value { field: inner, expected, got } => {
                ConfigError::value(format!("{field}.discrete.{inner}"), expected, got)
            }
            other => other,
        })?;
        Ok(Some(if zero_terminal_snr { built.zero_terminal_snr() } else { built }))
    }

    pub(crate) fn noise_levels(&self) -> Result<NoiseLevels, ConfigError> {
        Ok(match (self.schedule("process")?, *self) {
            (Some(schedule), _) => NoiseLevels::Discrete(schedule),
            (None, Self::Edm { mean, std, sigma_min, sigma_max }) => {
                NoiseLevels::Edm { mean, std, sigma_min, sigma_max }
            }
            (None, Self::Discrete { .. }) => unreachable!("a discrete process has a schedule"),
        })
    }
}

/// Steps of the chain of a continuous process.
const CHAIN: usize = 1000;

/// More training steps are a mistake; they are held as a list.
const MOST_STEPS: usize = 100_000;

/// A process, its schedule built.
#[derive(Debug, Clone)]
pub(crate) enum NoiseLevels {
    Discrete(NoiseSchedule),
    Edm { mean: f64, std: f64, sigma_min: f64, sigma_max: f64 },
}

impl NoiseLevels {
    /// The moment of training that a number in (0, 1) draws: a step, or a noise level.
    pub fn moment(&self, uniform: f64) -> f64 {
        match self {
            Self::Discrete(schedule) => {
                let steps = schedule.steps() as f64;
                (uniform * steps).floor().min(steps - 1.0)
            }
            Self::Edm { mean, std, .. } => (mean + std * normal_quantile(uniform)).exp(),
        }
    }

    /// The noise level at a moment of training.
    pub fn level(&self, moment: f64) -> Level {
        match self {
            Self::Discrete(schedule) => {
                let alphas = schedule.alphas_cumprod();
                assert!(
                    moment >= 0.0 && moment.fract() == 0.0 && (moment as usize) < alphas.len(),
                    "Diffusion: {moment} is not a step of a schedule of {}",
                    alphas.len()
                );
                Level::of_alpha(alphas[moment as usize])
            }
            Self::Edm { .. } => Level::of_sigma(moment),
        }
    }

    /// How the network sees a moment of training, in `unit`s.
    pub fn time(&self, moment: f64, unit: f64) -> f64 {
        match self {
            Self::Discrete(schedule) => moment / schedule.steps() as f64 * unit,
            Self::Edm { .. } => moment.ln() / 4.0 * unit,
        }
    }

    /// The moment of training at which the noise is `sigma`.
    pub fn moment_of_sigma(&self, sigma: f64) -> f64 {
        match self {
            Self::Discrete(schedule) => schedule.time_at(sigma),
            Self::Edm { sigma_min, .. } => sigma.max(*sigma_min),
        }
    }

    /// The levels of a chain from the data to noise, increasing.
    pub fn chain(&self) -> Vec<f64> {
        match self {
            Self::Discrete(schedule) => schedule.sigmas().to_vec(),
            Self::Edm { .. } => {
                let levels = self.sampling(Spacing::default(), CHAIN);
                let mut sigmas = levels.expect("checked numbers").values().to_vec();
                sigmas.pop();
                sigmas.reverse();
                sigmas
            }
        }
    }

    /// The smallest and the largest noise level.
    pub fn range(&self) -> [f64; 2] {
        match self {
            Self::Discrete(schedule) => {
                let sigmas = schedule.sigmas();
                [sigmas[0], sigmas[sigmas.len() - 1]]
            }
            Self::Edm { sigma_min, sigma_max, .. } => [*sigma_min, *sigma_max],
        }
    }

    /// The levels that a sampler of so many steps goes through.
    pub fn sampling(&self, spacing: Spacing, steps: usize) -> Result<Levels, SolveError> {
        match self {
            Self::Discrete(schedule) => Levels::of_schedule(schedule, spacing, steps),
            Self::Edm { sigma_min, sigma_max, .. } => match spacing {
                Spacing::Karras { rho } => Levels::karras(steps, *sigma_min, *sigma_max, rho),
                Spacing::Exponential => Levels::exponential(steps, *sigma_min, *sigma_max),
                _ => Err(SolveError::Value {
                    name: "spacing",
                    expected: "karras or exponential for a model without training steps",
                    got: steps as f64,
                }),
            },
        }
    }
}
