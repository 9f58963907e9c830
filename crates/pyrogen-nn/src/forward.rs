//! Burn's layers, run by the operations of `pyrogen-ops`.
//!
//! A layer keeps its parameters, its names and its records; only how it is worked out differs.
//! Values equal the layers' own `forward` to rounding.

use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{GroupNorm, Linear, PaddingConfig2d};
use burn::tensor::Tensor;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use pyrogen_ops as ops;

/// A linear layer along the last axis: `[.., in]` to `[.., out]`.
///
/// # Panics
/// If the width does not fit.
pub fn linear<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    linear_map(layer).apply(x)
}

/// [`linear`], with what comes before it and what is added to it, all in one pass.
pub fn linear_map<const D: usize>(layer: &Linear) -> ops::LinearMap<D> {
    ops::LinearMap::new(layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()))
}

/// A convolution: `[batch, in, height, width]` to `[batch, out, ..]`.
///
/// # Panics
/// If the channels do not fit.
pub fn conv2d(layer: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let (size, kernel) = ([height, width], layer.kernel_size);
    let padding = match layer.padding {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        // The result has `ceil(size / stride)` places, the odd one of the padding behind.
        PaddingConfig2d::Same => [0, 1].map(|a| {
            let covered = layer.dilation[a] * (kernel[a] - 1) + 1;
            let places = size[a].div_ceil(layer.stride[a]);
            let all = ((places - 1) * layer.stride[a] + covered).saturating_sub(size[a]);
            (all / 2, all - all / 2)
        }),
    };
    let options = ConvOptions {
        stride: layer.stride,
        padding,
        dilation: layer.dilation,
        groups: layer.groups,
    };
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    ops::conv2d(x, layer.weight.val(), bias, options)
}

/// A transposed convolution: `[batch, in, height, width]` to `[batch, out, ..]`.
///
/// # Panics
/// If the channels do not fit.
pub fn conv_transpose2d(layer: &ConvTranspose2d, x: Tensor<4>) -> Tensor<4> {
    let options = ConvTransposeOptions::new(
        layer.stride,
        layer.padding,
        layer.padding_out,
        layer.dilation,
        layer.groups,
    );
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    ops::conv_transpose2d(x, layer.weight.val(), bias, options)
}

/// Group normalisation of `[batch, channels, ..]`.
///
/// # Panics
/// If the channels do not fit.
pub fn group_norm<const D: usize>(layer: &GroupNorm, x: Tensor<D>) -> Tensor<D> {
    match (&layer.gamma, &layer.beta) {
        (Some(gamma), Some(beta)) => {
            ops::group_norm(x, layer.num_groups, gamma.val(), beta.val(), layer.epsilon)
        }
        _ => layer.forward(x),
    }
}

/// [`group_norm`], then `x sigmoid(x)`, in one pass.
///
/// # Panics
/// As [`group_norm`].
pub fn group_norm_silu<const D: usize>(layer: &GroupNorm, x: Tensor<D>) -> Tensor<D> {
    match (&layer.gamma, &layer.beta) {
        (Some(gamma), Some(beta)) => {
            ops::group_norm_silu(x, layer.num_groups, gamma.val(), beta.val(), layer.epsilon)
        }
        _ => ops::silu(layer.forward(x)),
    }
}
