//! Monotonic rational-quadratic splines in one pass over memory.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// The shape of a [`spline`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplineShape {
    /// Number of bins.
    pub bins: usize,
    /// The interval is `[-bound, bound]`.
    pub bound: f64,
    /// Whether the interval is a circle. If not, the spline is the identity outside.
    pub circular: bool,
    /// Parameters of widths and heights become `p / (1 + |p| / most_size)`.
    pub most_size: f64,
    /// Parameters of slopes become `p / (1 + |p| / most_slope)`.
    pub most_slope: f64,
}

impl SplineShape {
    /// Parameters of a number's spline: widths, heights, slopes.
    pub fn parameters(&self) -> usize {
        if self.circular { 3 * self.bins } else { 3 * self.bins - 1 }
    }
}

/// A monotonic rational-quadratic spline of each number, or its inverse, where that is one pass: single
/// precision on the host. The result and the logarithm of the slope; `None` elsewhere.
///
/// Widths and heights are the softmax of their parameters, with 1e-3 of the interval at least; slopes at
/// inner knots (for a circle at the first ones) are `1e-3 + softplus(p + ln(e^(1 - 1e-3) - 1))`.
///
/// # Shapes
/// `parameters` is that of `x` with one axis more, `[.., shape.parameters()]`.
///
/// # Numerics
/// Within some units in the last place of the interval's width. What is NaN stays NaN.
///
/// # Panics
/// If the shapes do not fit.
///
/// # References
/// Durkan, Bekasov, Murray and Papamakarios (2019), "Neural Spline Flows", section 3.1.
pub fn spline<const D: usize, const P: usize>(
    x: &Tensor<D>,
    parameters: &Tensor<P>,
    shape: SplineShape,
    inverse: bool,
) -> Option<[Tensor<D>; 2]> {
    let (dims, all) = (x.dims(), parameters.dims());
    let fits = P == D + 1 && all[..D] == dims[..] && all[P - 1] == shape.parameters();
    assert!(fits, "spline: {all:?} are no parameters of {dims:?}, {shape:?}");
    #[cfg(feature = "flex")]
    if on_host(x) && on_host(parameters) {
        let op = host::Spline { shape, inverse };
        let both: Tensor<2> = apply(op, [x.clone().into(), parameters.clone().into()]);
        let part = |i: usize| both.clone().narrow(0, i, 1).reshape(dims);
        return Some([part(0), part(1)]);
    }
    let _ = inverse;
    None
}

#[cfg(feature = "flex")]
#[path = "spline_host.rs"]
mod host;
