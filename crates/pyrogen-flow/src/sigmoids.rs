//! Sums of sigmoids that rise.

use burn::tensor::Tensor;
use pyrogen_core::bijection::Bijection;
use pyrogen_ops::softplus;

use crate::numbers::{LOG_SCALE, bounded};
use crate::root::root;

/// A parameter of 0 is a slope of 1: `ln(e - 1)`.
const AT_ONE: f64 = 0.541_324_854_612_918_3;

/// The largest shift of a sigmoid.
const SHIFT: f64 = 1000.0;

/// For each number of a batch a network of sigmoids,
/// `y = logit(sum_k w_k sigmoid(a_k x + b_k))` with `a > 0`, `w > 0` and `sum w = 1`.
///
/// # Numerics
/// Both `ln sum_k w_k sigmoid(d_k)` and `ln sum_k w_k sigmoid(-d_k)` are computed as they stand, and `y` is
/// their difference: nothing is lost where the sum is near 0 or 1, and far out the map is a line. Between
/// sigmoids far from each other the map is nearly flat, and what f32 cannot tell apart there has no inverse:
/// the inverse is then a point of the flat part.
pub(crate) struct Sigmoids {
    /// `[batch, features, units]`, as the others.
    log_weight: Tensor<3>,
    slope: Tensor<3>,
    shift: Tensor<3>,
}

impl Sigmoids {
    /// From parameters, `[batch, features, 3 units]`: slopes, weights, shifts.
    pub fn new(parameters: Tensor<3>) -> Self {
        let units = parameters.dims()[2] / 3;
        let part = |i: usize| parameters.clone().narrow(2, i * units, units);
        let weight = bounded(part(1), LOG_SCALE);
        Self {
            slope: softplus(bounded(part(0), LOG_SCALE) + AT_ONE),
            log_weight: weight.clone() - log_sum_exp(weight).unsqueeze_dim(2),
            shift: bounded(part(2), SHIFT),
        }
    }

    fn detached(&self) -> Self {
        Self {
            log_weight: self.log_weight.clone().detach(),
            slope: self.slope.clone().detach(),
            shift: self.shift.clone().detach(),
        }
    }

    /// `ln` of the sum and of what it lacks to 1, and what they are made of: `ln sigmoid(d)` and
    /// `ln sigmoid(-d)`.
    fn sums(&self, x: Tensor<2>) -> [(Tensor<2>, Tensor<3>); 2] {
        let d = self.slope.clone() * x.unsqueeze_dim(2) + self.shift.clone();
        [d.clone().neg(), d].map(|d| {
            let log = softplus(d).neg();
            (log_sum_exp(self.log_weight.clone() + log.clone()), log)
        })
    }

    fn value(&self, x: Tensor<2>) -> Tensor<2> {
        let [(above, _), (below, _)] = self.sums(x);
        above - below
    }
}

impl Bijection<2, 2, 2> for Sigmoids {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [(above, log_above), (below, log_below)] = self.sums(x);
        let each = self.log_weight.clone() + self.slope.clone().log() + log_above + log_below;
        let log_slope = log_sum_exp(each) - above.clone() - below.clone();
        (above - below, log_slope)
    }

    /// The logit of a mean of sigmoids lies between their least and their greatest argument, so that the
    /// root lies between those of the lines `a_k x + b_k = y`.
    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let plain = self.detached();
        let lines =
            (y.clone().detach().unsqueeze_dim(2) - plain.shift.clone()) / plain.slope.clone();
        let low = lines.clone().min_dim(2).squeeze_dim(2);
        let high = lines.max_dim(2).squeeze_dim(2);
        let rising = |x: Tensor<2>, free: bool| match free {
            true => (plain.value(x.clone()), x),
            false => {
                let (y, log_slope) = self.forward(x);
                (y, log_slope.exp())
            }
        };
        let x = root(rising, y, low, high);
        let log_slope = self.forward(x.clone()).1;
        (x, log_slope.neg())
    }
}

/// Along the last axis.
fn log_sum_exp(x: Tensor<3>) -> Tensor<2> {
    let most = x.clone().detach().max_dim(2);
    let sum = (x - most.clone()).exp().sum_dim(2).log() + most;
    sum.squeeze_dim(2)
}
