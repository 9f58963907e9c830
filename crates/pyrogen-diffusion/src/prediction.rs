//! What the network is asked for, and how its errors are weighed.

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

/// What the network is asked for.
///
/// With an example `x`, standard normal `n`, and noise level `sigma` relative to the signal,
/// `a = 1 / sqrt(1 + sigma^2)` and `s = sigma a`:
///
/// | prediction | the network reads | and is asked for | the example is |
/// |---|---|---|---|
/// | epsilon | `a x + s n` | `n` | `(input - s output) / a` |
/// | example | `a x + s n` | `x` | `output` |
/// | velocity | `a x + s n` | `a n - s x` | `a input - s output` |
/// | EDM | `c (x + sigma n)` | `(x - skip (x + sigma n)) / out` | `skip (x + sigma n) + out output` |
///
/// with `c = 1 / sqrt(sigma^2 + d^2)`, `skip = d^2 c^2`, `out = sigma d c` for data of standard
/// deviation `d`.
///
/// # References
/// Ho et al. 2020 (epsilon); Salimans and Ho 2022, appendix D (velocity); Karras et al. 2022, table
/// 1 (EDM).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Prediction {
    /// The noise.
    Epsilon,
    /// The example without noise.
    Example,
    /// A mixture of both that is well scaled at every level.
    #[default]
    Velocity,
    /// A mixture of both by the noise level and the spread of the data.
    Edm {
        /// Standard deviation of the data.
        sigma_data: f64,
    },
}

/// A noise level: signal and noise of a variance-preserving process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// What the example is multiplied with, `a`.
    pub signal: f64,
    /// What the noise is multiplied with, `s = sqrt(1 - a^2)`.
    pub noise: f64,
}

/// The level at which `sigma` is infinite counts as this one.
const LARGEST_SIGMA: f64 = 4096.0;

impl Level {
    /// The level of a noise of standard deviation `sigma` on an example.
    pub fn of_sigma(sigma: f64) -> Self {
        let signal = 1.0 / (1.0 + sigma * sigma).sqrt();
        Self { signal, noise: sigma * signal }
    }

    /// The level at which `alpha` of the signal's variance is left.
    pub fn of_alpha(alpha: f64) -> Self {
        Self { signal: alpha.sqrt(), noise: (1.0 - alpha).sqrt() }
    }

    /// Standard deviation of the noise relative to the signal, at most 4096.
    pub fn sigma(&self) -> f64 {
        (self.noise / self.signal).min(LARGEST_SIGMA)
    }

    /// `1 / sigma^2`.
    pub fn snr(&self) -> f64 {
        (self.signal / self.noise).powi(2)
    }
}

/// Factors of the example and of the noise.
pub(crate) type Mix = [f64; 2];

impl Prediction {
    /// Checks the parameter.
    ///
    /// # Errors
    /// A `sigma_data` that is not positive.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match *self {
            Self::Edm { sigma_data } if !(sigma_data.is_finite() && sigma_data > 0.0) => {
                let field = format!("{field}.edm.sigma_data");
                Err(ConfigError::value(field, "a positive number", sigma_data))
            }
            _ => Ok(()),
        }
    }

    /// What the network reads, of example and noise.
    pub(crate) fn input(&self, level: Level) -> Mix {
        match *self {
            Self::Edm { sigma_data } => {
                let sigma = level.sigma();
                let c = 1.0 / sigma.hypot(sigma_data);
                [c, c * sigma]
            }
            _ => [level.signal, level.noise],
        }
    }

    /// What it is asked for, of example and noise.
    pub(crate) fn target(&self, level: Level) -> Mix {
        match *self {
            Self::Epsilon => [0.0, 1.0],
            Self::Example => [1.0, 0.0],
            Self::Velocity => [-level.noise, level.signal],
            Self::Edm { sigma_data } => {
                let c = 1.0 / level.sigma().hypot(sigma_data);
                [level.sigma() * c / sigma_data, -sigma_data * c]
            }
        }
    }

    /// Factors that give the example of `x = example + sigma * noise`: of `x` itself, of the
    /// network's answer, and of `x` as the network's input.
    pub(crate) fn example(&self, sigma: f64) -> Preconditioning {
        let Level { signal, noise } = Level::of_sigma(sigma);
        match *self {
            Self::Epsilon => Preconditioning { skip: 1.0, out: -sigma, input: signal },
            Self::Example => Preconditioning { skip: 0.0, out: 1.0, input: signal },
            Self::Velocity => Preconditioning { skip: signal * signal, out: -noise, input: signal },
            Self::Edm { sigma_data } => {
                let c = 1.0 / sigma.hypot(sigma_data);
                let skip = (sigma_data * c).powi(2);
                Preconditioning { skip, out: sigma * sigma_data * c, input: c }
            }
        }
    }

    /// The square of the factor between an error of the network and one of the example.
    fn squared_out(&self, level: Level) -> f64 {
        match *self {
            Self::Epsilon => level.sigma().powi(2),
            Self::Example => 1.0,
            Self::Velocity => level.noise.powi(2),
            Self::Edm { sigma_data } => {
                let sigma = level.sigma();
                (sigma * sigma_data / sigma.hypot(sigma_data)).powi(2)
            }
        }
    }
}

/// `skip * x + out * network(input * x)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preconditioning {
    pub skip: f64,
    pub out: f64,
    pub input: f64,
}

/// How the squared error of the network is weighed at each noise level.
///
/// | weighting | weight of the error of the example `x` |
/// |---|---|
/// | plain | that which makes the network's own error count alike at every level |
/// | min-SNR | `min(1 / sigma^2, gamma)` |
/// | EDM | `(sigma^2 + d^2) / (sigma d)^2` |
///
/// Plain is the simple loss of Ho et al. (2020, eq. 14) with epsilon, and with the EDM prediction it
/// is the EDM weighting.
///
/// # References
/// Hang et al. 2023, "Efficient diffusion training via min-SNR weighting", eq. 7 and 8; Karras et al.
/// 2022, eq. 8.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Weighting {
    /// The network's errors count alike.
    #[default]
    Plain,
    /// The example's errors count by the signal-to-noise ratio, up to a limit.
    MinSnr {
        /// The limit: 5 in the paper.
        gamma: f64,
    },
    /// The weighting of EDM for data of a standard deviation.
    Edm {
        /// Standard deviation of the data.
        sigma_data: f64,
    },
}

impl Weighting {
    /// Checks the parameter.
    ///
    /// # Errors
    /// One that is not positive.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let (name, value) = match *self {
            Self::Plain => return Ok(()),
            Self::MinSnr { gamma } => ("min_snr.gamma", gamma),
            Self::Edm { sigma_data } => ("edm.sigma_data", sigma_data),
        };
        if value.is_finite() && value > 0.0 {
            return Ok(());
        }
        Err(ConfigError::value(format!("{field}.{name}"), "a positive number", value))
    }

    /// The weight of the network's squared error.
    pub(crate) fn weight(&self, prediction: &Prediction, level: Level) -> f64 {
        let out = prediction.squared_out(level);
        match *self {
            Self::Plain => 1.0,
            Self::MinSnr { gamma } => level.sigma().powi(-2).min(gamma) * out,
            Self::Edm { sigma_data } => {
                let sigma = level.sigma();
                (sigma.hypot(sigma_data) / (sigma * sigma_data)).powi(2) * out
            }
        }
    }
}
