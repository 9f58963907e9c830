//! Residual blocks.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{ConfigError, Noise};
use pyrogen_nn::{Activation, BatchNorm, conv2d, forward, linear, ops};
use serde::{Deserialize, Serialize};

use super::{Plan, checked_image};
use crate::dual::Dual;
use crate::given::Given;
use crate::head::{Head, HeadConfig, Verdict};
use crate::layers::{Conv, Held, Shape};
use crate::networks::dcgan::halved;
use crate::pool::halve;
use pyrogen_core::config::check::widths;
use pyrogen_core::config::count::{product, sum};

const THREE: Shape = Shape(3, 1, 1);
const ONE: Shape = Shape(1, 1, 0);

/// Residual networks (Miyato et al. 2018, tables 3 to 6, figure 8).
///
/// ```text
/// generator block      x -> norm, act, double, conv, norm, act, conv   + (double, 1x1 conv)
/// discriminator block  x -> act, conv, act, conv, halve                + (1x1 conv, halve)
/// ```
///
/// The generator starts from a dense layer, has a block a stage, and ends with norm, act and a
/// convolution; norms are batch normalisation, in which classes choose scale and shift. The
/// discriminator has a block a stage (the first without the activation in front), one more that
/// keeps the size, act, and the sum over places. A stage halves or doubles height and width, as in
/// [`DcganConfig`](super::DcganConfig).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResnetConfig {
    /// Channels of each stage, from the picture on.
    pub channels: Vec<usize>,
    /// Between convolutions: the rectifier in the paper.
    pub activation: Activation,
}

impl Default for ResnetConfig {
    fn default() -> Self {
        Self { channels: vec![32, 64], activation: Activation::Relu }
    }
}

impl ResnetConfig {
    pub(super) fn validate(&self, field: &str, image: [usize; 3]) -> Result<(), ConfigError> {
        let stages = format!("{field}.channels");
        widths(&stages, &self.channels)?;
        self.activation.validate(&format!("{field}.activation"))?;
        halved(&stages, self.channels.len(), image)
    }

    fn last(&self) -> usize {
        self.channels.last().copied().unwrap_or(1)
    }

    /// Channels, height and width where the generator starts.
    fn bottom(&self, plan: &Plan) -> [usize; 3] {
        let [_, height, width] = checked_image(plan.event);
        let stages = self.channels.len();
        [self.last(), height >> stages, width >> stages]
    }

    /// Channels into and out of each block of the generator.
    fn drawn(&self) -> Vec<[usize; 2]> {
        let into = [self.channels.as_slice(), &[self.last()]].concat();
        into.windows(2).rev().map(|w| [w[1], w[0]]).collect()
    }

    /// The same of the discriminator, and whether the block halves.
    fn read(&self, plan: &Plan) -> Vec<([usize; 2], bool)> {
        let first = checked_image(plan.event)[0];
        let all = [&[first], self.channels.as_slice()].concat();
        let stages = all.windows(2).map(|w| ([w[0], w[1]], true));
        stages.chain([([self.last(); 2], false)]).collect()
    }

    fn head(&self, plan: &Plan) -> HeadConfig {
        HeadConfig { maps: self.bottom(plan), pooled: true, ..plan.head }
    }

    pub(super) fn generator_params(&self, plan: &Plan) -> usize {
        let bottom = product(&self.bottom(plan));
        let block = |[a, b]: [usize; 2]| {
            sum([
                BatchNorm::num_params(a, plan.classes),
                BatchNorm::num_params(b, plan.classes),
                product(&[9, b, a.saturating_add(b)]),
                product(&[a, b]),
            ])
        };
        let image = checked_image(plan.event)[0];
        sum([
            product(&[plan.latents.saturating_add(1), bottom]),
            sum(self.drawn().into_iter().map(block)),
            BatchNorm::num_params(self.channels[0], plan.classes),
            product(&[9, self.channels[0], image]),
            image,
        ])
    }

    pub(super) fn discriminator_params(&self, plan: &Plan) -> usize {
        let held = Held { spectral: plan.head.spectral, bias: true };
        let block = |([a, b], halves): ([usize; 2], bool)| {
            let shortcut = if halves { Conv::num_params([a, b], ONE, held) } else { 0 };
            let conv = |from| Conv::num_params([from, b], THREE, held);
            sum([conv(a), conv(b), shortcut])
        };
        let blocks = sum(self.read(plan).into_iter().map(block));
        blocks.saturating_add(self.head(plan).num_params())
    }

    pub(super) fn generator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> ResnetGenerator {
        let bottom = self.bottom(plan);
        let dense = linear(plan.latents, product(&bottom), noise, device);
        let block = |[a, b]: [usize; 2]| DrawingBlock {
            norms: [a, b].map(|c| BatchNorm::new(c, plan.classes, device)),
            convs: [
                square([a, b], 3, false, noise, device),
                square([b, b], 3, false, noise, device),
            ],
            shortcut: square([a, b], 1, false, noise, device),
        };
        let blocks = self.drawn().into_iter().map(block).collect();
        let image = checked_image(plan.event)[0];
        ResnetGenerator {
            dense,
            blocks,
            norm: BatchNorm::new(self.channels[0], plan.classes, device),
            last: square([self.channels[0], image], 3, true, noise, device),
            bottom,
            activation: self.activation,
        }
    }

    pub(super) fn discriminator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> ResnetDiscriminator {
        let held = Held { spectral: plan.head.spectral, bias: true };
        let block = |([a, b], halves): ([usize; 2], bool)| ReadingBlock {
            convs: [[a, b], [b, b]].map(|c| Conv::new(c, THREE, held, noise, device)),
            shortcut: halves.then(|| Conv::new([a, b], ONE, held, noise, device)),
        };
        ResnetDiscriminator {
            blocks: self.read(plan).into_iter().map(block).collect(),
            head: self.head(plan).init(noise, device),
            activation: self.activation,
        }
    }
}

/// A convolution that keeps the size. Behind a block comes a normalisation, which takes a shift
/// away: only the last convolution has one.
fn square(
    channels: [usize; 2],
    kernel: usize,
    bias: bool,
    noise: &mut Noise,
    device: &Device,
) -> Conv2d {
    let pad = kernel / 2;
    let config = Conv2dConfig::new(channels, [kernel; 2])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(bias);
    conv2d(&config, noise, device)
}

#[derive(Module, Debug)]
struct DrawingBlock {
    norms: [BatchNorm; 2],
    convs: [Conv2d; 2],
    shortcut: Conv2d,
}

impl DrawingBlock {
    fn forward(
        &self,
        x: Tensor<4>,
        activation: &Activation,
        classes: &Option<Tensor<2>>,
    ) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let double = |x| ops::upsample_nearest(x, [2 * height, 2 * width]);
        let h = activation.forward(self.norms[0].forward(x.clone(), classes.clone()));
        let h = forward::conv2d(&self.convs[0], double(h));
        let h = activation.forward(self.norms[1].forward(h, classes.clone()));
        // A 1x1 convolution before the doubling costs a quarter of one behind it, and is the same.
        forward::conv2d(&self.convs[1], h) + double(forward::conv2d(&self.shortcut, x))
    }
}

/// A dense layer, then blocks that double the size.
#[derive(Module, Debug)]
pub(super) struct ResnetGenerator {
    dense: Linear,
    blocks: Vec<DrawingBlock>,
    norm: BatchNorm,
    last: Conv2d,
    #[module(skip)]
    bottom: [usize; 3],
    #[module(skip)]
    activation: Activation,
}

impl ResnetGenerator {
    pub fn forward(&self, z: Tensor<2>, given: &Given) -> Tensor<4> {
        let [channels, height, width] = self.bottom;
        let batch = z.dims()[0];
        let maps = forward::linear(&self.dense, z).reshape([batch, channels, height, width]);
        let maps = self
            .blocks
            .iter()
            .fold(maps, |x, block| block.forward(x, &self.activation, &given.classes));
        let maps = self.activation.forward(self.norm.forward(maps, given.classes.clone()));
        forward::conv2d(&self.last, maps)
    }
}

#[derive(Module, Debug)]
struct ReadingBlock {
    convs: [Conv; 2],
    /// Where the block halves height and width.
    shortcut: Option<Conv>,
}

impl ReadingBlock {
    fn forward(&self, x: Dual<4>, activation: &Activation, first: bool) -> Dual<4> {
        let h = if first { x.clone() } else { x.clone().activate(activation) };
        let h = self.convs[1].forward(self.convs[0].forward(h).activate(activation));
        match &self.shortcut {
            // The mean of a 1x1 convolution is that of the mean, at a quarter of the cost.
            Some(shortcut) => h.linear(halve) + shortcut.forward(x.linear(halve)),
            None => h + x,
        }
    }

    fn iterate(self) -> Self {
        Self { convs: self.convs.map(Conv::iterate), shortcut: self.shortcut.map(Conv::iterate) }
    }
}

/// Blocks that halve the size, one that keeps it, then the head.
#[derive(Module, Debug)]
pub(super) struct ResnetDiscriminator {
    blocks: Vec<ReadingBlock>,
    head: Head,
    #[module(skip)]
    activation: Activation,
}

impl ResnetDiscriminator {
    pub fn forward(&self, x: Dual<4>, given: &Given) -> Verdict {
        let blocks = self.blocks.iter().enumerate();
        let maps = blocks.fold(x, |x, (i, block)| block.forward(x, &self.activation, i == 0));
        self.head.forward(maps.activate(&self.activation), given)
    }

    pub fn iterate(mut self) -> Self {
        self.blocks = self.blocks.into_iter().map(ReadingBlock::iterate).collect();
        self.head = self.head.iterate();
        self
    }
}
