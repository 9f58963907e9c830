//! Element-wise non-linear functions.

use burn::tensor::Tensor;
use pyrogen_core::ConfigError;
use pyrogen_ops as ops;
use serde::{Deserialize, Serialize};

/// An element-wise non-linear function, chosen in a configuration.
///
/// In JSON a name, `"relu"`, or a name with its parameter, `{"leaky_relu": {"slope": 0.2}}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0) + slope * min(x, 0)` (Maas et al. 2013).
    LeakyRelu {
        /// The slope below zero.
        slope: f64,
    },
    /// `x` above zero, `alpha * (exp(x) - 1)` below (Clevert et al. 2016, eq. 16).
    Elu {
        /// Minus the limit at minus infinity.
        alpha: f64,
    },
    /// `x * sigmoid(x)`, also called swish (Elfwing et al. 2018).
    #[default]
    Silu,
    /// `x * Phi(x)` with the normal distribution function, not its approximation (Hendrycks and
    /// Gimpel 2016).
    Gelu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// Checks the parameter, if there is one; `field` is the path that an error names.
    ///
    /// # Errors
    /// A parameter that is not finite.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let (name, value) = match *self {
            Self::LeakyRelu { slope } => ("leaky_relu.slope", slope),
            Self::Elu { alpha } => ("elu.alpha", alpha),
            _ => return Ok(()),
        };
        if value.is_finite() {
            return Ok(());
        }
        Err(ConfigError::value(format!("{field}.{name}"), "a finite number", value))
    }

    /// Applies the function to each element.
    ///
    /// # Numerics
    /// The exponential of [`Elu`](Self::Elu) sees only what is not above zero, so that large
    /// values make neither infinities nor gradients that are not numbers.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match *self {
            Self::Relu => ops::leaky_relu(x, 0.0),
            Self::LeakyRelu { slope } => ops::leaky_relu(x, slope),
            Self::Elu { alpha } => {
                let above = x.clone().greater_scalar(0);
                let below = x.clone().mask_fill(above.clone(), 0.0).exp() - 1.0;
                (below * alpha).mask_where(above, x)
            }
            Self::Silu => ops::silu(x),
            Self::Gelu => ops::gelu(x),
            Self::Tanh => ops::tanh(x),
        }
    }
}
