//! Penalties on the discriminator's slope, with gradients by first-order differentiation.

use burn::tensor::Tensor;

use crate::Penalty;

/// How far the two points of the central difference are apart from the example, as a part of the
/// root mean square length of the examples.
pub(crate) const STEP: f64 = 1e-2;

/// Lengths below this are taken for it.
const SMALLEST: f64 = 1e-12;

/// A penalty on the slope `g` of a function at points, as a number whose value is exact and whose
/// gradient is that of a central difference.
///
/// ```text
/// value     R1        E|g|^2 / 2
///           gradient  E(|g| - 1)^2
/// gradient  of  s [F(x + h c d) - F(x - h c d)] / (2 h),   F(x) = sum of the logits at x
///           d = g / |g|,  s c = |g| / n        (R1)
///                         s c = 2 (|g| - 1) / n  (gradient)
/// ```
///
/// The gradient of `E|g|^2 / 2` by the weights is `E[g . dg/dw]`, and `g . dg/dw` with `g` held fixed
/// is the gradient by the weights of the slope of `F` along `g`: a number that a central difference
/// gives by two evaluations of `F`, each differentiable once. So a penalty costs one forward and
/// backward pass for `g` and two forward passes that join the loss.
///
/// `function` is `F` with its gradients by the weights; `fixed` is the same function with a graph of
/// its own, which the backward pass for `g` consumes.
///
/// # Numerics
/// The values are those of the first backward pass, exact to rounding. The gradient has the error of
/// the difference, of the order of `h^2` where `F` is smooth, `h` where it has kinks (leaky
/// rectifiers), and of rounding over `h`. `c` is scaled so that its mean size is one; `h` is a
/// hundredth of the examples' root mean square length.
///
/// # References
/// Mescheder, Geiger and Nowozin 2018, eq. 9 (R1); Gulrajani et al. 2017, eq. 3.
pub(crate) fn penalty(
    kind: &Penalty,
    x: Tensor<2>,
    function: impl Fn(Tensor<2>) -> Tensor<1>,
    fixed: impl Fn(Tensor<2>) -> Tensor<1>,
) -> Tensor<1> {
    let (slope, length) = slope(&x, fixed);
    let (value, pull) = match kind {
        Penalty::R1 { .. } => (length.clone().square().mean() * 0.5, length.clone()),
        Penalty::Gradient { .. } => {
            let above = length.clone() - 1.0;
            (above.clone().square().mean(), above * 2.0)
        }
    };
    let rows = x.dims()[0] as f64;
    let size = pull.clone().abs().mean().clamp_min(SMALLEST);
    let h = x.clone().square().mean() * x.dims()[1] as f64;
    let h = (h.sqrt() * STEP).clamp_min(SMALLEST);
    let direction = slope / length * (pull / size.clone().reshape([1, 1]));
    let step = direction * h.clone().reshape([1, 1]);
    let difference = function(x.clone() + step.clone()) - function(x - step);
    let rise = difference * (size / (h * (2.0 * rows)));
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
