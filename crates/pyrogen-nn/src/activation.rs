//! Element-wise non-linear functions.

use burn::nn::Linear;
use burn::tensor::Tensor;
use pyrogen_core::ConfigError;
use pyrogen_ops as ops;
use serde::{Deserialize, Serialize};

use crate::forward;

/// An element-wise non-linear function, chosen in a configuration.
///
/// In JSON a name, `"relu"`, or a name with its parameter, `{"leaky_relu": {"slope": 0.2}}`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        match (*self, self.elementwise()) {
            (_, Some(function)) => function.apply(x),
            (Self::Elu { alpha }, None) => {
                let above = x.clone().greater_scalar(0);
                let below = x.clone().mask_fill(above.clone(), 0.0).exp() - 1.0;
                (below * alpha).mask_where(above, x)
            }
            (other, None) => unreachable!("{other:?} is one of pyrogen-ops' functions"),
        }
    }

    /// The function as `pyrogen-ops` has it, if it does.
    fn elementwise(&self) -> Option<ops::Elementwise> {
        match *self {
            Self::Relu => Some(ops::Elementwise::LeakyRelu(0.0)),
            Self::LeakyRelu { slope } => Some(ops::Elementwise::LeakyRelu(slope as f32)),
            Self::Elu { .. } => None,
            Self::Silu => Some(ops::Elementwise::Silu),
            Self::Gelu => Some(ops::Elementwise::Gelu),
            Self::Tanh => Some(ops::Elementwise::Tanh),
        }
    }

    /// A linear layer of the function's values: in one pass, and without keeping them for the
    /// gradient, where `pyrogen-ops` has the function.
    pub fn then<const D: usize>(&self, layer: &Linear, x: Tensor<D>) -> Tensor<D> {
        self.before(forward::linear_map(layer), x)
    }

    /// As [`then`](Self::then), with a linear map that is no layer: one with masked weights.
    pub fn before<const D: usize>(&self, map: ops::LinearMap<D>, x: Tensor<D>) -> Tensor<D> {
        match self.elementwise() {
            Some(function) => map.after(function).apply(x),
            None => map.apply(self.forward(x)),
        }
    }

    /// The function's derivative at each element, itself differentiable (the rectifiers' has a
    /// derivative of zero): for forward-mode differentiation.
    ///
    /// # Numerics
    /// At zero the rectifiers have the slope of the negative side, as their backward passes do.
    pub fn slope<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match *self {
            Self::Relu => rectifier_slope(x, 0.0),
            Self::LeakyRelu { slope } => rectifier_slope(x, slope),
            Self::Elu { alpha } => {
                let above = x.clone().greater_scalar(0);
                let below = x.mask_fill(above.clone(), 0.0).exp() * alpha;
                below.mask_fill(above, 1.0)
            }
            Self::Silu => {
                let p = ops::sigmoid(x.clone());
                p.clone() + x * p.clone() * (p.neg() + 1.0)
            }
            Self::Gelu => {
                let below = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
                let density = ops::exp(x.clone().square() * -0.5) * DENSITY_AT_ZERO;
                below + x * density
            }
            Self::Tanh => ops::tanh(x).square().neg() + 1.0,
        }
    }
}

/// `1 / sqrt(2 pi)`.
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;

fn rectifier_slope<const D: usize>(x: Tensor<D>, below: f64) -> Tensor<D> {
    let above = x.greater_scalar(0).float();
    above * (1.0 - below) + below
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    /// The slope is what the backward pass gives, and its own derivative the central difference of it.
    #[test]
    fn slopes_are_derivatives() {
        // Rounding of f32, and for the second derivative h^2 and rounding over h.
        const ROUNDING: f64 = 2e-6;
        const DIFFERENCE: f64 = 2e-3;
        const H: f64 = 1e-2;
        let device = device().autodiff();
        let at: [f32; 6] = [-3.0, -1.2, -0.3, 0.4, 1.1, 2.9];
        for activation in [
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Elu { alpha: 0.7 },
            Activation::Silu,
            Activation::Gelu,
            Activation::Tanh,
        ] {
            let x = Tensor::<1>::from_floats(at, &device).require_grad();
            let slope = host(activation.slope(x.clone()));
            let grads = activation.forward(x.clone()).sum().backward();
            for (a, b) in slope.iter().zip(host(x.grad(&grads).unwrap())) {
                assert!((a - b).abs() < ROUNDING, "{activation:?}: {a} {b}");
            }
            let second = activation.slope(x.clone()) + x.clone() * 0.0;
            let second = host(x.grad(&second.sum().backward()).unwrap());
            let around = |h: f64| host(activation.slope(x.clone() + h));
            for ((s, a), b) in second.iter().zip(around(H)).zip(around(-H)) {
                let expected = (a - b) / (2.0 * H);
                assert!((s - expected).abs() < DIFFERENCE, "{activation:?}: {s} {expected}");
            }
        }
    }
}
