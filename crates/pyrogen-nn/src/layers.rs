//! Burn's layers with initial weights from a [`Noise`] stream.
//!
//! Weights and biases start uniform on `±1 / sqrt(fan_in)`, as PyTorch's do. Burn's own initial
//! values are lazy and are replaced before anything is drawn.

use burn::module::Param;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};

/// A linear layer with a bias: `x W + b`, `W` of shape `[d_in, d_out]`.
pub fn linear(d_in: usize, d_out: usize, noise: &mut Noise, device: &Device) -> Linear {
    Linear {
        weight: init::fan_in([d_in, d_out], d_in, noise, device),
        bias: Some(init::fan_in([d_out], d_in, noise, device)),
    }
}

/// A convolution. The fan-in is `in / groups * kernel area`.
///
/// # Panics
/// If the channels are not divisible by the groups.
pub fn conv2d(config: &Conv2dConfig, noise: &mut Noise, device: &Device) -> Conv2d {
    let mut layer = config.init(device);
    let [out, into] = [config.channels[1], config.channels[0] / config.groups];
    let [h, w] = config.kernel_size;
    let fan_in = into * h * w;
    layer.weight = init::fan_in([out, into, h, w], fan_in, noise, device);
    layer.bias = bias(config.bias, out, fan_in, noise, device);
    layer
}

/// A transposed convolution. The fan-in is counted as PyTorch does, `out / groups * kernel area`,
/// which is what the weights' layout `[in, out / groups, ..]` gives its rule for convolutions.
///
/// # Panics
/// If the channels are not divisible by the groups.
pub fn conv_transpose2d(
    config: &ConvTranspose2dConfig,
    noise: &mut Noise,
    device: &Device,
) -> ConvTranspose2d {
    let mut layer = config.init(device);
    let [into, out] = [config.channels[0], config.channels[1] / config.groups];
    let [h, w] = config.kernel_size;
    let fan_in = out * h * w;
    layer.weight = init::fan_in([into, out, h, w], fan_in, noise, device);
    layer.bias = bias(config.bias, config.channels[1], fan_in, noise, device);
    layer
}

fn bias(
    wanted: bool,
    channels: usize,
    fan_in: usize,
    noise: &mut Noise,
    device: &Device,
) -> Option<Param<Tensor<1>>> {
    wanted.then(|| init::fan_in([channels], fan_in, noise, device))
}
