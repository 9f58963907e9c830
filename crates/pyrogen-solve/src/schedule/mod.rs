//! Which noise a variance-preserving model is trained with: a list of betas.

mod noise_schedule;

pub use noise_schedule::NoiseSchedule;

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

/// How much noise each step of the forward process adds.
///
/// With `u_i = i / (steps - 1)`, `i = 0 .. steps - 1`:
///
/// | schedule | formula |
/// |---|---|
/// | linear | `beta_i = start + u_i (end - start)` |
/// | scaled linear | `sqrt(beta_i) = sqrt(start) + u_i (sqrt(end) - sqrt(start))` |
/// | sigmoid | `beta_i = start + (end - start) / (1 + exp(-(12 u_i - 6)))` |
/// | cosine | `abar(t) = cos(pi/2 (t + offset) / (1 + offset))^2` |
/// | Laplace | `abar(t) = 1 / (1 + exp(-l))`, `l = mu - b sign(1/2 - t) ln(1 - 2 abs(1/2 - t))` |
///
/// The last two give betas as `1 - abar((i + 1) / steps) / abar(i / steps)`. The linear and sigmoid
/// ranges do not depend on the number of steps: they are made for 1000 of them.
///
/// # Numerics
/// In f64. The cosine's betas are at most `max_beta`, because `abar(1) = 0`. The logarithm of the
/// Laplace schedule has 1e-6 added to its argument, so that its two ends are finite.
///
/// # References
/// Ho, Jain and Abbeel 2020 (linear); Rombach et al. 2022 (scaled linear); Nichol and Dhariwal 2021,
/// equation 17 (cosine); Xu et al. 2022, GeoDiff (sigmoid); Hang et al. 2024, "Improved Noise
/// Schedule for Diffusion Training" (Laplace). Diffusers 0.42.1 takes the square root of that
/// `abar` in its place: the `abar` of its "laplace" is the square root of this one. For a model
/// trained with it, give its betas to [`NoiseSchedule::from_betas`].
///
/// ```
/// use pyrogen_solve::BetaSchedule;
///
/// let schedule = BetaSchedule::cosine().build(1000)?;
/// assert_eq!(schedule.steps(), 1000);
/// assert!(schedule.betas()[999] <= 0.999 && schedule.alphas_cumprod()[0] > 0.999);
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BetaSchedule {
    /// Betas on a line.
    Linear {
        /// The first beta.
        start: f64,
        /// The last beta.
        end: f64,
    },
    /// Square roots of the betas on a line.
    ScaledLinear {
        /// The first beta.
        start: f64,
        /// The last beta.
        end: f64,
    },
    /// A cosine for what is left of the signal.
    Cosine {
        /// Keeps the first betas away from zero: 0.008 in the paper.
        offset: f64,
        /// The largest beta: 0.999 in the paper.
        max_beta: f64,
    },
    /// Betas on a sigmoid.
    Sigmoid {
        /// The beta that the left end tends to.
        start: f64,
        /// The beta that the right end tends to.
        end: f64,
    },
    /// A Laplace distribution of the log signal-to-noise ratio.
    Laplace {
        /// Its centre: 0 in the paper.
        mu: f64,
        /// Its width: 0.5 in the paper.
        b: f64,
    },
}

impl Default for BetaSchedule {
    /// Linear from 1e-4 to 0.02.
    fn default() -> Self {
        Self::Linear { start: 1e-4, end: 0.02 }
    }
}

impl BetaSchedule {
    /// The cosine schedule with the paper's numbers: offset 0.008, betas of at most 0.999.
    pub fn cosine() -> Self {
        Self::Cosine { offset: 0.008, max_beta: 0.999 }
    }

    /// The Laplace schedule with the paper's numbers: centre 0, width 0.5.
    pub fn laplace() -> Self {
        Self::Laplace { mu: 0.0, b: 0.5 }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Names the field that is outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let within = |field: &str, value: f64, ok: bool, expected: &str| match ok {
            true => Ok(()),
            false => Err(ConfigError::value(field, expected, value)),
        };
        match *self {
            Self::Linear { start, end }
            | Self::ScaledLinear { start, end }
            | Self::Sigmoid { start, end } => {
                let open = |v: f64| v > 0.0 && v < 1.0;
                within("schedule.start", start, open(start), "above 0 and below 1")?;
                within("schedule.end", end, open(end), "above 0 and below 1")
            }
            Self::Cosine { offset, max_beta } => {
                let ok = offset > 0.0 && offset.is_finite();
                within("schedule.offset", offset, ok, "above 0")?;
                let ok = max_beta > 0.0 && max_beta < 1.0;
                within("schedule.max_beta", max_beta, ok, "above 0 and below 1")
            }
            Self::Laplace { mu, b } => {
                within("schedule.mu", mu, mu.is_finite(), "a finite number")?;
                within("schedule.b", b, b > 0.0 && b.is_finite(), "above 0")
            }
        }
    }

    /// The schedule of `steps` steps.
    ///
    /// # Errors
    /// Fewer than two steps, or a number outside its range.
    pub fn build(&self, steps: usize) -> Result<NoiseSchedule, ConfigError> {
        self.validate()?;
        if steps < 2 {
            return Err(ConfigError::value("steps", "at least 2", steps));
        }
        let line = |from: f64, to: f64, i: usize| from + (to - from) * place(i, steps);
        let betas = (0..steps).map(|i| match *self {
            Self::Linear { start, end } => line(start, end, i),
            Self::ScaledLinear { start, end } => line(start.sqrt(), end.sqrt(), i).powi(2),
            Self::Sigmoid { start, end } => {
                start + (end - start) / (1.0 + (-line(-6.0, 6.0, i)).exp())
            }
            Self::Cosine { offset, max_beta } => {
                let abar = |t: f64| {
                    let angle = (t + offset) / (1.0 + offset) * std::f64::consts::FRAC_PI_2;
                    angle.cos().powi(2)
                };
                step_beta(abar, i, steps).min(max_beta)
            }
            Self::Laplace { mu, b } => step_beta(|t| laplace_abar(t, mu, b), i, steps),
        });
        NoiseSchedule::from_betas(betas.collect())
    }
}

/// `i / (steps - 1)`.
fn place(i: usize, steps: usize) -> f64 {
    i as f64 / (steps - 1) as f64
}

/// `1 - abar((i + 1) / steps) / abar(i / steps)`.
fn step_beta(abar: impl Fn(f64) -> f64, i: usize, steps: usize) -> f64 {
    let t = |i: usize| i as f64 / steps as f64;
    1.0 - abar(t(i + 1)) / abar(t(i))
}

fn laplace_abar(t: f64, mu: f64, b: f64) -> f64 {
    let from_middle = 0.5 - t;
    let log_snr = mu - b * 1f64.copysign(from_middle) * (1.0 - 2.0 * from_middle.abs() + 1e-6).ln();
    1.0 / (1.0 + (-log_snr).exp())
}
