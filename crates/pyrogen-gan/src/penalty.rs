//! Penalties on the discriminator's slope, with gradients by first-order differentiation.

use burn::tensor::Tensor;

use crate::Penalty;
use crate::dual::Dual;

/// Lengths below this are taken for it.
const SMALLEST: f64 = 1e-12;

/// A penalty on the slope `g` of a function at points: value and gradient are those of differentiating
/// twice, without doing so.
///
/// ```text
/// R1        E|g|^2 / 2       its gradient by a weight w   E[g . dg/dw]
/// gradient  E(|g| - 1)^2                                  E[2 (|g| - 1) / |g|  g . dg/dw]
/// ```
///
/// In both the gradient is `sum of v . dg/dw` for a direction `v` at each point, held fixed. And
/// `v . g` is the derivative of `F(x) = sum of the logits at x` along `v`, which forward-mode
/// differentiation gives as an ordinary number of the graph: the tangents of a [`Dual`] pass. So a
/// penalty costs a forward and a backward pass for `g`, and a pass of values and tangents that joins
/// the loss. Nothing is approximated.
///
/// `rise` is the derivative of `F` along the direction that is given with the points; `fixed` is `F`
/// with a graph of its own, which the backward pass for `g` consumes.
///
/// # Numerics
/// Where the slope is zero the gradient of its length is taken to be zero, not NaN. Rectifiers have
/// their usual slope of either side, and no curvature at the kink, as everywhere in backward passes.
///
/// # References
/// Mescheder, Geiger and Nowozin 2018, eq. 9 (R1); Gulrajani et al. 2017, eq. 3; Pearlmutter 1994,
/// "Fast exact multiplication by the Hessian", for the order of differentiation.
pub(crate) fn penalty(
    kind: &Penalty,
    x: Tensor<2>,
    rise: impl Fn(Dual<2>) -> Tensor<1>,
    fixed: impl Fn(Tensor<2>) -> Tensor<1>,
) -> Tensor<1> {
    let (slope, length) = slope(&x, fixed);
    let rows = x.dims()[0] as f64;
    let (value, pull) = match kind {
        Penalty::R1 { .. } => (length.clone().square().mean() * 0.5, length.ones_like() / rows),
        Penalty::Gradient { .. } => {
            let above = length.clone() - 1.0;
            (above.clone().square().mean(), above / length * (2.0 / rows))
        }
    };
    let rise = rise(Dual::along(x, slope * pull));
    // The number itself is the value; the rise only lends its gradient.
    rise.clone() - rise.detach() + value
}

/// The value of a penalty alone.
pub(crate) fn value(
    kind: &Penalty,
    x: Tensor<2>,
    fixed: impl Fn(Tensor<2>) -> Tensor<1>,
) -> Tensor<1> {
    let (_, length) = slope(&x, fixed);
    match kind {
        Penalty::R1 { .. } => length.square().mean() * 0.5,
        Penalty::Gradient { .. } => (length - 1.0).square().mean(),
    }
}

/// The slope at each point, `[batch, features]`, and its length, `[batch, 1]`, without a graph.
fn slope(x: &Tensor<2>, fixed: impl Fn(Tensor<2>) -> Tensor<1>) -> (Tensor<2>, Tensor<2>) {
    let x = x.clone().set_require_grad(false).require_grad();
    let gradients = fixed(x.clone()).backward();
    let slope = x.grad(&gradients).unwrap_or_else(|| x.zeros_like().inner());
    let slope = Tensor::from_inner(slope);
    let length = slope.clone().square().sum_dim(1).sqrt().clamp_min(SMALLEST);
    (slope, length)
}
