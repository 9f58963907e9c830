//! Smooth limits for what a network predicts.

use burn::tensor::Tensor;

/// Keeps values within `(-limit, limit)` smoothly: `limit * tanh(x / limit)`.
///
/// For logarithms of scales that a network predicts: their exponential then stays within
/// `exp(±limit)`, and values well below the limit pass nearly unchanged (the cubic error at
/// `x = limit / 10` is 0.3 percent of `x`).
///
/// # Numerics
/// NaN stays NaN. The gradient is `1 - tanh(x / limit)^2`: it shrinks towards the limit and does
/// not jump.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let x = Tensor::<1>::from_floats([-1e9, 0.5, 1e9], &device);
/// let y: Vec<f32> = pyrogen_nn::soft_bound(x, 10.0).into_data().try_to_vec().unwrap();
/// assert_eq!((y[0], y[2]), (-10.0, 10.0));
/// assert!((y[1] - 0.5).abs() < 1e-3);
/// ```
///
/// # Panics
/// If `limit` is not positive.
pub fn soft_bound<const D: usize>(x: Tensor<D>, limit: f64) -> Tensor<D> {
    assert!(limit > 0.0, "soft_bound: the limit must be positive, got {limit}");
    (x / limit).tanh() * limit
}
