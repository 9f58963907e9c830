//! Pictures of half the size.

use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;

/// The mean of each square of two by two places.
///
/// # Shapes
/// `[batch, channels, height, width]` to half the height and half the width, which are even.
pub(crate) fn halve(x: Tensor<4>) -> Tensor<4> {
    let options = AvgPoolOptions::new([2, 2]).with_stride([2, 2]);
    avg_pool2d(x, options)
}
