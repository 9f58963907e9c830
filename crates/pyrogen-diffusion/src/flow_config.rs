//! What a model by flow matching is made of.

use pyrogen_core::{ConfigError, normal_quantile};
use pyrogen_solve::{FlowPath, FlowSolver, Guidance, Pairing};
use serde::{Deserialize, Serialize};

use crate::TimeNetwork;
use crate::conditional::Conditioning;
use crate::sampling::{check_guidance, check_steps};

/// Configuration of a [`FlowMatching`](crate::FlowMatching) model.
///
/// ```
/// use pyrogen_core::config;
/// use pyrogen_diffusion::{FlowConfig, solve::Pairing};
///
/// let text = r#"{"event": [2], "network": {"mlp": {"width": 64}}, "pairing": "optimal_transport"}"#;
/// let flow: FlowConfig = config::from_json(text)?;
/// flow.validate()?;
/// assert_eq!(flow.pairing, Pairing::OptimalTransport);
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// The network.
    pub network: TimeNetwork,
    /// The way from data to noise.
    pub path: FlowPath,
    /// Which noise goes with which example; optimal transport pairs within a worker's part of the
    /// batch.
    pub pairing: Pairing,
    /// Which times training sees.
    pub times: FlowTimes,
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// Shape of the context beside the noisy example.
    pub context: Option<Vec<usize>>,
    /// The share of training labels that are hidden, so that guidance is possible.
    pub label_dropout: f64,
    /// How samples are drawn.
    pub sampling: FlowSampling,
}

impl Default for FlowConfig {
    /// A U-Net for the embedded digits, on straight lines.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            network: TimeNetwork::default(),
            path: FlowPath::default(),
            pairing: Pairing::default(),
            times: FlowTimes::default(),
            classes: None,
            context: None,
            label_dropout: 0.1,
            sampling: FlowSampling::default(),
        }
    }
}

/// Which times training sees, and how often.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FlowTimes {
    /// All alike.
    #[default]
    Uniform,
    /// `1 / (1 + exp(-n))` with normal `n`: more in the middle (Esser et al. 2024, eq. 19).
    LogitNormal {
        /// Mean of `n`.
        mean: f64,
        /// Standard deviation of `n`.
        std: f64,
    },
}

impl FlowTimes {
    /// The time that a number in (0, 1) draws.
    pub(crate) fn time(&self, uniform: f64) -> f64 {
        match *self {
            Self::Uniform => uniform,
            Self::LogitNormal { mean, std } => {
                1.0 / (1.0 + (-(mean + std * normal_quantile(uniform))).exp())
            }
        }
    }

    fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match *self {
            Self::LogitNormal { mean, std }
                if !(mean.is_finite() && std.is_finite() && std > 0.0) =>
            {
                let expected = "a finite mean and a positive std";
                Err(ConfigError::value(field, expected, format!("{mean} and {std}")))
            }
            _ => Ok(()),
        }
    }
}

/// How samples are drawn from a [`FlowMatching`](crate::FlowMatching) model.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowSampling {
    /// How the flow is followed.
    pub solver: FlowSolver,
    /// Steps from noise to data.
    pub steps: usize,
    /// Guidance towards the class; its interval is of noise levels relative to the signal.
    pub guidance: Guidance,
}

impl Default for FlowSampling {
    /// Twenty steps of the midpoint method.
    fn default() -> Self {
        Self { solver: FlowSolver::default(), steps: 20, guidance: Guidance::default() }
    }
}

impl FlowSampling {
    pub(crate) fn validate(
        &self,
        field: &str,
        conditioning: &Conditioning,
    ) -> Result<(), ConfigError> {
        check_steps(self.steps, &format!("{field}.steps"))?;
        let guidance = format!("{field}.guidance");
        if self.guidance.rescale != 0.0 {
            let field = format!("{guidance}.rescale");
            return Err(ConfigError::value(field, "0 for a velocity", self.guidance.rescale));
        }
        check_guidance(&self.guidance, &guidance, conditioning)
    }
}

impl FlowConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.conditioning().validate(&self.network)?;
        self.times.validate("times")?;
        self.sampling.validate("sampling", &self.conditioning())
    }
}
