//! Smooth rectifiers of Burn's operations, whose gradients keep the input alone.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::tensor::{Tensor, activation::sigmoid};

use crate::device::DeviceOp;
use crate::elementwise::{CUBIC, ROOT};

/// A function `x s(x)`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Smooth {
    Silu,
    Gelu,
    GeluTanh,
}

impl<const D: usize> DeviceOp<1, D, D> for Smooth {
    fn forward(&self, [x]: [Tensor<D>; 1]) -> (Tensor<D>, Vec<Tensor<D>>) {
        (x.clone() * self.share(x.clone()), vec![x])
    }

    /// The slope is `s(x) + x s'(x)`.
    fn backward(&self, saved: Vec<Tensor<D>>, grad: Tensor<D>) -> [Tensor<D>; 1] {
        let [x] = saved.try_into().expect("the input");
        let share = self.share(x.clone());
        let rest = match self {
            Self::Gelu => {
                let density = (x.clone() * x.clone() * -0.5).exp() * (1.0 / (2.0 * PI).sqrt());
                x * density
            }
            Self::GeluTanh => {
                let square = x.clone() * x.clone();
                let slope = (square * (3.0 * CUBIC) + 1.0) * ROOT;
                x * slope * share.clone() * (share.clone().neg() + 1.0)
            }
            Self::Silu => x * share.clone() * (share.clone().neg() + 1.0),
        };
        [grad * (share + rest)]
    }
}

impl Smooth {
    /// What share of `x` goes through.
    ///
    /// Burn's own GELU has the derivative of the approximation by a hyperbolic tangent (up to 4e-4 off) on
    /// devices that do not bring their own.
    fn share<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
            Self::GeluTanh => {
                let cube = x.clone() * x.clone() * x.clone();
                sigmoid((x + cube * CUBIC) * ROOT)
            }
            Self::Silu => sigmoid(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn gradients_of_the_input_alone() {
        for op in [Smooth::Silu, Smooth::Gelu, Smooth::GeluTanh] {
            assert_gradients(&op, [(leaf([4, 33], 1) * 3.0).detach().require_grad()]);
        }
    }
}
