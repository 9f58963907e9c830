//! U-Nets: pictures to pictures, conditioned on a time and a class.

mod block;
mod config;

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::Noise;
use pyrogen_ops as ops;

pub use block::{Level, Middle, PictureAttention, ResBlock};
pub use config::{Downsampling, Modulation, UNetConfig};

use crate::layers::{conv2d, group_norm, near_zero};
use crate::{TimeEmbedding, forward};

/// A U-Net (Ronneberger et al. 2015) of residual blocks with group normalisation, SiLU and
/// attention, conditioned on a time and a class (Ho et al. 2020).
///
/// The way down halves the size from level to level and keeps what every block gives; the way up
/// reads it again. Sizes that are odd are rounded up on the way down and restored exactly.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_nn::UNetConfig;
///
/// let device = Device::flex();
/// let config = UNetConfig { channels: vec![8, 16], ..UNetConfig::default() };
/// let unet = config.init(1, 1, None, &mut Noise::new(Seed(1)), &device);
/// let time = Tensor::<1>::from_floats([3.0, 500.0], &device);
/// assert_eq!(unet.forward(Tensor::zeros([2, 1, 7, 5], &device), time, None).dims(), [2, 1, 7, 5]);
/// ```
#[derive(Module, Debug)]
pub struct UNet {
    /// From the channels of a picture to those of the first level.
    pub enter: Conv2d,
    /// Time and class.
    pub time: TimeEmbedding,
    /// The way down, the full size first.
    pub down: Vec<Level>,
    /// The smallest size.
    pub middle: Middle,
    /// The way up, the smallest size first.
    pub up: Vec<Level>,
    /// Normalises before the last convolution.
    pub norm: GroupNorm,
    /// To the channels of the result; starts near zero.
    pub leave: Conv2d,
}

impl UNetConfig {
    /// The network from `d_in` channels to `d_out`, with a row of the embedding for each class.
    ///
    /// The last layer of each block and of the network starts at a thousandth of the usual range,
    /// so that a new network says nearly zero and its blocks change nearly nothing; Ho et al.
    /// (2020) start them at zero, where the layers before would get no gradient.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails.
    pub fn init(
        &self,
        d_in: usize,
        d_out: usize,
        classes: Option<usize>,
        noise: &mut Noise,
        device: &Device,
    ) -> UNet {
        let (first, last) = (self.channels[0], self.channels.len() - 1);
        let enter = conv2d(&block::three_by_three(d_in, first), noise, device);
        let time = TimeEmbedding::new(self.time, first, self.time_width(), classes, noise, device);
        let down = (0..=last).map(|level| {
            let halving = (level < last).then(|| block::halving(self, self.channels[level]));
            Level::new(self, level, &self.down_channels(level), halving, noise, device)
        });
        let down = down.collect();
        let middle = Middle::new(self, self.channels[last], noise, device);
        let up = (0..=last).rev().map(|level| {
            let c = self.channels[level];
            let doubled = (level > 0).then(|| block::three_by_three(c, c));
            Level::new(self, level, &self.up_channels(level), doubled, noise, device)
        });
        let up = up.collect();
        let norm = group_norm(self.groups, first, self.epsilon, device);
        let leave = near_zero(conv2d(&block::three_by_three(first, d_out), noise, device));
        UNet { enter, time, down, middle, up, norm, leave }
    }
}

impl UNet {
    /// Reads pictures at their times, and their classes where the network was made for classes.
    ///
    /// # Shapes
    /// `x` is `[batch, d_in, height, width]`, `time` and `labels` are `[batch]`, the result is
    /// `[batch, d_out, height, width]`.
    ///
    /// # Panics
    /// If a size does not fit, or labels are missing, out of range or not wanted.
    pub fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        labels: Option<Tensor<1, Int>>,
    ) -> Tensor<4> {
        let [batch, channels, ..] = x.dims();
        let [_, d_in, ..] = self.enter.weight.dims();
        assert!(
            channels == d_in && time.dims() == [batch],
            "UNet: expected pictures [batch, {d_in}, height, width] and times [batch], got {:?} \
             and {:?}",
            x.dims(),
            time.dims()
        );
        let time = self.time.forward(time, labels);
        let mut x = forward::conv2d(&self.enter, x);
        let mut kept = vec![x.clone()];
        for level in &self.down {
            for i in 0..level.blocks.len() {
                x = level.block(i, x, time.clone());
                kept.push(x.clone());
            }
            if let Some(halve) = &level.resample {
                x = forward::conv2d(halve, x);
                kept.push(x.clone());
            }
        }
        x = self.middle.forward(x, time.clone());
        for level in &self.up {
            for i in 0..level.blocks.len() {
                let skip = kept.pop().expect("one for each block");
                x = level.block(i, Tensor::cat(vec![x, skip], 1), time.clone());
            }
            if let (Some(conv), Some(next)) = (&level.resample, kept.last()) {
                let [_, _, height, width] = next.dims();
                x = forward::conv2d(conv, ops::upsample_nearest(x, [height, width]));
            }
        }
        forward::conv2d(&self.leave, forward::group_norm_silu(&self.norm, x))
    }
}
