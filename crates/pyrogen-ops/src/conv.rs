//! Two-dimensional convolution and its transpose.

use burn::tensor::Tensor;
use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Cross-correlation of pictures with kernels, as in every library of the field called a
/// convolution: `y[o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] x[c, i s + u - p, j s + v - p]`.
///
/// # Shapes
/// `x` is `[batch, channels, height, width]`, `weight` `[outputs, channels / groups, kh, kw]`,
/// `bias` `[outputs]`; the result is `[batch, outputs, out_height, out_width]`.
///
/// # Numerics
/// On the host, groups of one: windows as columns of a matrix, one matrix product for a group of
/// pictures. Sums are in another order than Burn's own.
///
/// # Panics
/// If the sizes do not fit.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if on_host(&x) && options.groups == 1 {
        let windows = host::windows(x.dims(), weight.dims(), &options);
        let op = host::Conv { windows, transposed: false };
        return match bias {
            Some(bias) => apply(op, [x.into(), weight.into(), bias.into()]),
            None => apply(op, [x.into(), weight.into()]),
        };
    }
    module::conv2d(x, weight, bias, options)
}

/// The transpose of [`conv2d`]: pictures grow by the stride.
///
/// # Shapes
/// `x` is `[batch, channels, height, width]`, `weight` `[channels, outputs / groups, kh, kw]`,
/// `bias` `[outputs]`; the result is `[batch, outputs, out_height, out_width]` with
/// `out_height = (height - 1) stride - 2 padding + dilation (kh - 1) + padding_out + 1`.
///
/// # Panics
/// If the sizes do not fit.
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if on_host(&x) && options.groups == 1 {
        let windows = host::transposed(x.dims(), weight.dims(), &options);
        let op = host::Conv { windows, transposed: true };
        return match bias {
            Some(bias) => apply(op, [x.into(), weight.into(), bias.into()]),
            None => apply(op, [x.into(), weight.into()]),
        };
    }
    module::conv_transpose2d(x, weight, bias, options)
}

#[cfg(feature = "flex")]
#[path = "conv_host.rs"]
mod host;
