//! Burn's layers with initial weights from a [`Noise`] stream.
//!
//! Weights and biases start uniform on `±1 / sqrt(fan_in)`, as PyTorch's do. Burn's own initial
//! values are lazy and are replaced before anything is drawn.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear};
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

/// A group normalisation with a scale of one and a shift of zero.
///
/// # Panics
/// If the channels are not divisible by the groups.
pub fn group_norm(groups: usize, channels: usize, epsilon: f64, device: &Device) -> GroupNorm {
    let config = GroupNormConfig::new(groups, channels).with_epsilon(epsilon);
    let mut layer = config.init(device);
    layer.gamma = Some(init::constant([channels], 1.0, device));
    layer.beta = Some(init::constant([channels], 0.0, device));
    layer
}

/// A layer's weights divided by 1000: what it adds to a shortcut starts near zero, and the layers
/// before it still get a gradient.
pub(crate) fn near_zero<M: Module>(layer: M) -> M {
    struct Shrink;
    impl ModuleMapper for Shrink {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            // Detached behind the product: a leaf of the graph again.
            Param::from_tensor((param.val() * 1e-3).detach())
        }
    }
    layer.map(&mut Shrink)
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
