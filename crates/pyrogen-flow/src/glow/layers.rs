//! The other layers of a Glow: normalisation, coupling, and the split between levels.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_nn::{Activation, conv2d, forward};
use pyrogen_ops as ops;

use crate::numbers::{LOG_SCALE, bounded};

/// What a layer gives: the result, and `ln |det|` of each picture, or of all.
pub(super) type Mapped = (Tensor<4>, Tensor<1>);

/// Standard deviations are not started below this.
const SMALLEST: f64 = 1e-6;

/// What a scale starts near: `sigmoid(2)`.
const OPEN: f64 = 2.0;

/// `y = (x - mean) / std` in each channel, by learned numbers that start at those of some examples.
///
/// # References
/// Kingma and Dhariwal (2018), section 3.1.
#[derive(Module, Debug)]
pub(super) struct ActNorm {
    mean: Param<Tensor<1>>,
    log_std: Param<Tensor<1>>,
}

impl ActNorm {
    pub fn new(channels: usize, device: &Device) -> Self {
        let zeros = || init::constant([channels], 0.0, device);
        Self { mean: zeros(), log_std: zeros() }
    }

    /// With the mean and standard deviation of each channel of these pictures.
    pub fn of(x: &Tensor<4>, device: &Device) -> Self {
        let channels = x.dims()[1];
        let rows: Tensor<2> = x.clone().swap_dims(0, 1).flatten(1, 3);
        let mean = rows.clone().mean_dim(1);
        let square = (rows - mean.clone()).square().mean_dim(1);
        let log_std = (square.sqrt() + SMALLEST).log();
        let param = |x: Tensor<2>| {
            let values = x.reshape([channels]).into_data();
            Param::from_tensor(Tensor::<1>::from_data(values, device))
        };
        Self { mean: param(mean), log_std: param(log_std) }
    }

    /// Mean and logarithm of the standard deviation of each channel, `[channels, 1]`.
    pub fn columns(&self) -> [Tensor<2>; 2] {
        [&self.mean, &self.log_std].map(|p| p.val().unsqueeze_dim(1))
    }
}

/// The second half of the channels is shifted and scaled by functions of the first:
/// `y = (x - shift) sigmoid(raw + 2)`.
///
/// # References
/// Kingma and Dhariwal (2018), section 3.3.
#[derive(Module, Debug)]
pub(super) struct AffineCoupling {
    first: Conv2d,
    middle: Conv2d,
    last: Conv2d,
    /// What each class adds to the hidden channels.
    classes: Option<Param<Tensor<2>>>,
}

impl AffineCoupling {
    pub fn new(
        channels: usize,
        width: usize,
        classes: Option<usize>,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let point = Conv2dConfig::new([width, width], [1, 1]);
        Self {
            first: conv2d(&around(channels / 2, width), noise, device),
            middle: conv2d(&point, noise, device),
            last: near_zero(conv2d(&around(width, channels), noise, device)),
            classes: classes.map(|n| init::normal([n, width], 0.05, noise, device)),
        }
    }

    /// Shift and raw scale.
    fn read(&self, stays: Tensor<4>, class: Option<&Tensor<2>>) -> [Tensor<4>; 2] {
        let relu = Activation::Relu;
        let mut hidden = forward::conv2d(&self.first, stays);
        if let (Some(classes), Some(class)) = (&self.classes, class) {
            hidden = ops::add_channels(hidden, class.clone().matmul(classes.val()));
        }
        let hidden = relu.forward(forward::conv2d(&self.middle, relu.forward(hidden)));
        let [shift, raw] = halves(forward::conv2d(&self.last, hidden));
        [shift, bounded(raw, LOG_SCALE) + OPEN]
    }

    pub fn apply(&self, x: Tensor<4>, class: Option<&Tensor<2>>, inverse: bool) -> Mapped {
        let [stays, moves] = halves(x);
        let [shift, raw] = self.read(stays.clone(), class);
        let log_scale = ops::softplus(raw.neg()).neg();
        let (moved, log_det) = match inverse {
            false => ((moves - shift) * log_scale.clone().exp(), log_scale),
            true => (moves * log_scale.clone().neg().exp() + shift, log_scale.neg()),
        };
        (Tensor::cat(vec![stays, moved], 1), each(log_det))
    }
}

/// After a level half of the channels leave as noise: normal, with means and scales that are functions of
/// the half that stays.
///
/// # References
/// Dinh, Sohl-Dickstein and Bengio (2017), "Density Estimation Using Real NVP", section 3.6; Kingma and
/// Dhariwal (2018), figure 2b.
#[derive(Module, Debug)]
pub(super) struct Split {
    network: Conv2d,
}

impl Split {
    pub fn new(channels: usize, noise: &mut Noise, device: &Device) -> Self {
        Self { network: near_zero(conv2d(&around(channels / 2, channels), noise, device)) }
    }

    fn read(&self, stays: Tensor<4>) -> [Tensor<4>; 2] {
        let [mean, raw] = halves(forward::conv2d(&self.network, stays));
        [mean, bounded(raw, LOG_SCALE)]
    }

    /// What stays, the noise, and the log-determinant.
    pub fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Mapped) {
        let [stays, leaves] = halves(x);
        let [mean, log_std] = self.read(stays.clone());
        let noise = (leaves - mean) * log_std.clone().neg().exp();
        (stays, (noise, each(log_std).neg()))
    }

    pub fn inverse(&self, stays: Tensor<4>, noise: Tensor<4>) -> Mapped {
        let [mean, log_std] = self.read(stays.clone());
        let leaves = noise * log_std.clone().exp() + mean;
        (Tensor::cat(vec![stays, leaves], 1), each(log_std))
    }
}

/// A convolution of three by three that keeps the size.
fn around(d_in: usize, d_out: usize) -> Conv2dConfig {
    let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
    Conv2dConfig::new([d_in, d_out], [3, 3]).with_padding(padding)
}

/// Weights divided by 1000: the layer starts at nearly nothing.
fn near_zero(mut layer: Conv2d) -> Conv2d {
    layer.weight = Param::from_tensor((layer.weight.val() * 1e-3).detach());
    layer.bias = layer.bias.map(|bias| Param::from_tensor((bias.val() * 1e-3).detach()));
    layer
}

/// The two halves of the channels.
fn halves(x: Tensor<4>) -> [Tensor<4>; 2] {
    let half = x.dims()[1] / 2;
    [x.clone().narrow(1, 0, half), x.narrow(1, half, half)]
}

/// The sum over each picture.
fn each(x: Tensor<4>) -> Tensor<1> {
    let rows: Tensor<2> = x.flatten(1, 3);
    rows.sum_dim(1).squeeze_dim(1)
}

/// Squares of two by two pixels to four channels.
pub(super) fn squeeze(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let x: Tensor<6> = x.reshape([n, c, h / 2, 2, w / 2, 2]);
    x.permute([0, 1, 3, 5, 2, 4]).reshape([n, 4 * c, h / 2, w / 2])
}

/// Four channels to squares of two by two pixels.
pub(super) fn unsqueeze(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let x: Tensor<6> = x.reshape([n, c / 4, 2, 2, h, w]);
    x.permute([0, 1, 4, 2, 5, 3]).reshape([n, c / 4, 2 * h, 2 * w])
}
