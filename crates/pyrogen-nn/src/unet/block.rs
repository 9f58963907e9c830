//! The parts of a U-Net: residual blocks, attention, and a level of both.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use pyrogen_core::Noise;
use pyrogen_ops as ops;

use super::{Downsampling, Modulation, UNetConfig};
use crate::forward;
use crate::layers::{conv2d, group_norm, linear, near_zero};

/// Two convolutions beside a shortcut, conditioned on the time: see [`Modulation`].
///
/// ```text
/// h = conv1(silu(norm1(x)))
/// h = conv2(silu(norm2(h + shift)))               or conv2(silu(norm2(h) (1 + scale) + shift))
/// y = shortcut(x) + h
/// ```
#[derive(Module, Debug)]
pub struct ResBlock {
    /// Normalises what enters.
    pub norm1: GroupNorm,
    /// From the channels that enter to those that leave.
    pub conv1: Conv2d,
    /// From the time's vector to the channels, or twice as many for scale and shift.
    pub time: Linear,
    /// Normalises between the convolutions.
    pub norm2: GroupNorm,
    /// Starts near zero, so that a new block changes little.
    pub conv2: Conv2d,
    /// A product a place, where the number of channels changes.
    pub shortcut: Option<Conv2d>,
    #[module(skip)]
    modulation: Modulation,
}

impl ResBlock {
    /// From `d_in` to `d_out` channels.
    pub(super) fn new(
        config: &UNetConfig,
        [d_in, d_out]: [usize; 2],
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let maps = match config.modulation {
            Modulation::Shift => d_out,
            Modulation::ScaleShift => 2 * d_out,
        };
        Self {
            norm1: group_norm(config.groups, d_in, config.epsilon, device),
            conv1: conv2d(&three_by_three(d_in, d_out), noise, device),
            time: linear(config.time_width(), maps, noise, device),
            norm2: group_norm(config.groups, d_out, config.epsilon, device),
            conv2: near_zero(conv2d(&three_by_three(d_out, d_out), noise, device)),
            shortcut: (d_in != d_out)
                .then(|| conv2d(&Conv2dConfig::new([d_in, d_out], [1, 1]), noise, device)),
            modulation: config.modulation,
        }
    }

    /// # Shapes
    /// `x` is `[batch, d_in, height, width]`, `time` `[batch, width of the time]`, the result
    /// `[batch, d_out, height, width]`.
    ///
    /// # Panics
    /// If a size does not fit.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<2>) -> Tensor<4> {
        let h = forward::group_norm_silu(&self.norm1, x.clone());
        let h = forward::conv2d(&self.conv1, h);
        let modulation = forward::linear(&self.time, time);
        let h = match self.modulation {
            Modulation::Shift => {
                forward::group_norm_silu(&self.norm2, ops::add_channels(h, modulation))
            }
            Modulation::ScaleShift => {
                let [batch, maps] = modulation.dims();
                let part = |i: usize| modulation.clone().narrow(1, i * maps / 2, maps / 2);
                let h = forward::group_norm(&self.norm2, h);
                let scale = (part(0) + 1.0).reshape([batch, maps / 2, 1, 1]);
                ops::silu(ops::add_channels(h * scale, part(1)))
            }
        };
        let h = forward::conv2d(&self.conv2, h);
        match &self.shortcut {
            Some(shortcut) => forward::conv2d(shortcut, x) + h,
            None => x + h,
        }
    }
}

/// Attention of every place of a picture to all places, beside a shortcut:
/// `x + output(attention(qkv(norm(x))))`.
#[derive(Module, Debug)]
pub struct PictureAttention {
    /// Normalises what enters.
    pub norm: GroupNorm,
    /// Queries, keys and values side by side, `[channels, 3 * channels]`.
    pub qkv: Linear,
    /// Starts near zero.
    pub output: Linear,
    #[module(skip)]
    heads: usize,
}

impl PictureAttention {
    pub(super) fn new(
        config: &UNetConfig,
        channels: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        Self {
            norm: group_norm(config.groups, channels, config.epsilon, device),
            qkv: linear(channels, 3 * channels, noise, device),
            output: near_zero(linear(channels, channels, noise, device)),
            heads: config.head_width.map_or(1, |head| channels / head),
        }
    }

    /// `[batch, channels, height, width]` to the same shape.
    ///
    /// # Panics
    /// If the channels do not fit.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let rows = forward::group_norm(&self.norm, x.clone());
        let rows = rows.reshape([batch, channels, height * width]).swap_dims(1, 2);
        let rows = ops::self_attention(forward::linear(&self.qkv, rows), self.heads, false);
        let rows = forward::linear(&self.output, rows);
        x + rows.swap_dims(1, 2).reshape([batch, channels, height, width])
    }
}

/// The blocks of one size, and the convolution that leads to the next.
#[derive(Module, Debug)]
pub struct Level {
    /// Residual blocks.
    pub blocks: Vec<ResBlock>,
    /// One behind each block, or none.
    pub attention: Vec<PictureAttention>,
    /// Halves the size on the way down; follows the doubling on the way up.
    pub resample: Option<Conv2d>,
}

impl Level {
    pub(super) fn new(
        config: &UNetConfig,
        level: usize,
        channels: &[(usize, usize)],
        resample: Option<Conv2dConfig>,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let attends = config.attention.contains(&level);
        let (mut blocks, mut attention) = (Vec::new(), Vec::new());
        for &(d_in, d_out) in channels {
            blocks.push(ResBlock::new(config, [d_in, d_out], noise, device));
            if attends {
                attention.push(PictureAttention::new(config, d_out, noise, device));
            }
        }
        let resample = resample.map(|resample| conv2d(&resample, noise, device));
        Self { blocks, attention, resample }
    }

    pub(super) fn block(&self, i: usize, x: Tensor<4>, time: Tensor<2>) -> Tensor<4> {
        let x = self.blocks[i].forward(x, time);
        match self.attention.get(i) {
            Some(attention) => attention.forward(x),
            None => x,
        }
    }
}

/// The innermost blocks.
#[derive(Module, Debug)]
pub struct Middle {
    /// The first block.
    pub first: ResBlock,
    /// Between the blocks, or not there.
    pub attention: Option<PictureAttention>,
    /// The second block.
    pub second: ResBlock,
}

impl Middle {
    pub(super) fn new(
        config: &UNetConfig,
        channels: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let ends = [channels, channels];
        Self {
            first: ResBlock::new(config, ends, noise, device),
            attention: config
                .middle_attention
                .then(|| PictureAttention::new(config, channels, noise, device)),
            second: ResBlock::new(config, ends, noise, device),
        }
    }

    pub(super) fn forward(&self, x: Tensor<4>, time: Tensor<2>) -> Tensor<4> {
        let x = self.first.forward(x, time.clone());
        let x = match &self.attention {
            Some(attention) => attention.forward(x),
            None => x,
        };
        self.second.forward(x, time)
    }
}

/// A convolution that keeps the size.
pub(super) fn three_by_three(d_in: usize, d_out: usize) -> Conv2dConfig {
    Conv2dConfig::new([d_in, d_out], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
}

/// A convolution that halves the size.
pub(super) fn halving(config: &UNetConfig, channels: usize) -> Conv2dConfig {
    let padding = match config.downsampling {
        Downsampling::Centred => PaddingConfig2d::Explicit(1, 1, 1, 1),
        Downsampling::Corner => PaddingConfig2d::Explicit(0, 0, 1, 1),
    };
    three_by_three(channels, channels).with_stride([2, 2]).with_padding(padding)
}
