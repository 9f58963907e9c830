//! From a picture to a picture: a U-Net draws, patches are judged.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{ConfigError, Noise};
use pyrogen_nn::{Activation, conv_transpose2d, conv2d, forward, group_norm, ops};
use serde::{Deserialize, Serialize};

use super::{Plan, checked_image};
use crate::dual::Dual;
use crate::given::Given;
use crate::head::Verdict;
use crate::layers::{Conv, Held, Shape};
use crate::minibatch::with_deviation;
use crate::networks::dcgan::halved;
use pyrogen_core::config::check::widths;
use pyrogen_core::config::count::{product, sum};

/// A stage: it halves or doubles height and width.
const STAGE: Shape = Shape(4, 2, 1);
const THREE: Shape = Shape(3, 1, 1);
const SLOPE: f64 = 0.2;
const EPSILON: f64 = 1e-5;

/// Pictures from pictures (pix2pix; Isola et al. 2017, section 3.2 and appendix 6.1).
///
/// The condition is a picture, the context: a sketch, a small version, one with a hole. Height and
/// width are the example's or those divided by two some times (then each place is repeated). The
/// generator reads it with the latents and the class as further channels, each number the same
/// everywhere, so that one context has many pictures. The discriminator judges patches: it has a logit
/// for each place of its last maps, and reads context and class as channels, too.
///
/// ```text
/// generator      convolutions of stride 2 down, transposed ones up, each beside the maps of its size
/// discriminator  convolutions of stride 2, then one of stride 1
/// ```
///
/// Differs from the paper: group normalisation in the generator where that has batch normalisation,
/// so that examples do not depend on each other; latents instead of dropout as the source of
/// variation (Zhu et al. 2017, "Toward multimodal image-to-image translation", section 3.4); the last
/// convolution sees the input.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetConfig {
    /// Channels of the generator's stages, from the picture on.
    pub channels: Vec<usize>,
    /// Channels of the discriminator's stages; more of them judge larger patches.
    pub patches: Vec<usize>,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self { channels: vec![32, 64], patches: vec![32, 64] }
    }
}

impl UnetConfig {
    pub(super) fn validate(
        &self,
        field: &str,
        image: [usize; 3],
        context: Option<&[usize]>,
    ) -> Result<(), ConfigError> {
        for (name, channels) in [("channels", &self.channels), ("patches", &self.patches)] {
            let field = format!("{field}.{name}");
            widths(&field, channels)?;
            halved(&field, channels.len(), image)?;
        }
        let [_, height, width] = image;
        let fits = |context: &[usize]| match *context {
            [_, h, w] => (0..)
                .map_while(|k| {
                    (height >> k > 0 && width >> k > 0).then(|| [height >> k, width >> k, 1 << k])
                })
                .any(|[a, b, times]| [a, b] == [h, w] && [a * times, b * times] == [height, width]),
            _ => false,
        };
        if context.is_some_and(fits) {
            return Ok(());
        }
        let expected =
            format!("[channels, {height}, {width}] with `unet`, or that divided by two some times");
        let got = context.map_or("none".to_string(), |context| format!("{context:?}"));
        Err(ConfigError::value("context", expected, got))
    }

    /// Channels of context and class beside a picture.
    fn condition(plan: &Plan) -> usize {
        let context = plan.context.and_then(|c| c.first().copied()).unwrap_or(0);
        context.saturating_add(plan.classes)
    }

    /// Channels into each stage down, and out of the last.
    fn down(&self, plan: &Plan) -> Vec<usize> {
        let first = Self::condition(plan).saturating_add(plan.latents);
        [&[first], self.channels.as_slice()].concat()
    }

    /// Channels into and out of each stage up.
    fn up(&self) -> Vec<[usize; 2]> {
        let stages = self.channels.len();
        let out = |i: usize| if i == 0 { self.channels[0] } else { self.channels[i - 1] };
        (0..stages)
            .rev()
            .map(|i| {
                // The lowest stage reads the bottom, the others also the maps of their size.
                let times = if i + 1 == stages { 1 } else { 2 };
                [self.channels[i].saturating_mul(times), out(i)]
            })
            .collect()
    }

    /// Channels into the last convolution.
    fn joined(&self, plan: &Plan) -> usize {
        self.channels[0].saturating_add(self.down(plan)[0])
    }

    /// Channels into each stage of the discriminator, and out of the last.
    fn judged(&self, plan: &Plan) -> Vec<usize> {
        let first = checked_image(plan.event)[0].saturating_add(Self::condition(plan));
        [&[first], self.patches.as_slice()].concat()
    }

    fn seen_last(&self, plan: &Plan) -> usize {
        let last = self.patches.last().copied().unwrap_or(0);
        last.saturating_add(usize::from(plan.head.deviation))
    }

    pub(super) fn generator_params(&self, plan: &Plan) -> usize {
        let stage = |a, b| product(&[a, b, STAGE.0, STAGE.0]);
        let norm = |c: usize| c.saturating_mul(2);
        let down = self.down(plan);
        let image = checked_image(plan.event)[0];
        sum([
            sum(down.windows(2).map(|w| stage(w[0], w[1]))),
            sum(self.channels.iter().map(|&c| norm(c))),
            sum(self.up().into_iter().map(|[a, b]| stage(a, b).saturating_add(norm(b)))),
            product(&[self.joined(plan), image, 9]),
            image,
        ])
    }

    pub(super) fn discriminator_params(&self, plan: &Plan) -> usize {
        let held = Held { spectral: plan.head.spectral, bias: true };
        let judged = self.judged(plan);
        let stages = judged.windows(2).map(|w| Conv::num_params([w[0], w[1]], STAGE, held));
        sum(stages).saturating_add(Conv::num_params([self.seen_last(plan), 1], THREE, held))
    }

    pub(super) fn generator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> UnetGenerator {
        let [image, height, width] = checked_image(plan.event);
        let norm = |channels: usize| group_norm(groups(channels), channels, EPSILON, device);
        let mut stage = |w: &[usize]| {
            let config = Conv2dConfig::new([w[0], w[1]], [STAGE.0; 2])
                .with_stride([STAGE.1; 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false);
            conv2d(&config, noise, device)
        };
        let down = self.down(plan).windows(2).map(&mut stage).collect();
        let up = self.up().into_iter().map(|channels| {
            let config = ConvTranspose2dConfig::new(channels, [STAGE.0; 2])
                .with_stride([STAGE.1; 2])
                .with_padding([STAGE.2; 2])
                .with_bias(false);
            conv_transpose2d(&config, noise, device)
        });
        let up = up.collect();
        let last = Conv2dConfig::new([self.joined(plan), image], [THREE.0; 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        UnetGenerator {
            down,
            down_norms: self.channels.iter().map(|&c| norm(c)).collect(),
            up,
            up_norms: self.up().into_iter().map(|[_, c]| norm(c)).collect(),
            last: conv2d(&last, noise, device),
            condition: ConditionChannels::new(plan, [height, width]),
        }
    }

    pub(super) fn discriminator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> PatchDiscriminator {
        let [_, height, width] = checked_image(plan.event);
        let held = Held { spectral: plan.head.spectral, bias: true };
        let judged = self.judged(plan);
        let stages = judged.windows(2).map(|w| Conv::new([w[0], w[1]], STAGE, held, noise, device));
        let stages = stages.collect();
        PatchDiscriminator {
            stages,
            last: Conv::new([self.seen_last(plan), 1], THREE, held, noise, device),
            condition: ConditionChannels::new(plan, [height, width]),
            deviation: plan.head.deviation,
        }
    }
}

/// Up to eight groups of four channels or more: a group of one channel would be nothing but zeros
/// where the maps have one place.
fn groups(channels: usize) -> usize {
    let fits = |groups: &usize| channels.is_multiple_of(*groups) && channels / groups >= 4;
    [8, 4, 2].into_iter().find(fits).unwrap_or(1)
}

/// Makes channels of a condition.
#[derive(Debug, Clone)]
struct ConditionChannels {
    context: [usize; 3],
    size: [usize; 2],
}

impl ConditionChannels {
    fn new(plan: &Plan, size: [usize; 2]) -> Self {
        Self { context: checked_image(plan.context.unwrap_or(&[])), size }
    }

    /// The context at the example's size, and numbers of an example as channels.
    fn channels(&self, given: &Given, numbers: Option<Tensor<2>>) -> Tensor<4> {
        let ([channels, mut height, mut width], [h, w]) = (self.context, self.size);
        let context = given.context.clone().expect("a checked condition");
        let batch = context.dims()[0];
        let mut maps = context.reshape([batch, channels, height, width]);
        while height < h {
            (height, width) = (2 * height, 2 * width);
            maps = ops::upsample_nearest(maps, [height, width]);
        }
        let spread = |x: Tensor<2>| {
            let [_, channels] = x.dims();
            x.reshape([batch, channels, 1, 1]).expand([batch, channels, h, w])
        };
        let all = [given.classes.clone(), numbers].into_iter().flatten().map(spread);
        Tensor::cat([maps].into_iter().chain(all).collect(), 1)
    }
}

/// Down and up again, with the maps of each size beside.
#[derive(Module, Debug)]
pub(super) struct UnetGenerator {
    down: Vec<Conv2d>,
    down_norms: Vec<GroupNorm>,
    up: Vec<ConvTranspose2d>,
    up_norms: Vec<GroupNorm>,
    last: Conv2d,
    #[module(skip)]
    condition: ConditionChannels,
}

impl UnetGenerator {
    pub fn forward(&self, z: Tensor<2>, given: &Given) -> Tensor<4> {
        let input = self.condition.channels(given, Some(z));
        let mut seen = Vec::new();
        let mut x = input.clone();
        for (stage, norm) in self.down.iter().zip(&self.down_norms) {
            x = forward::group_norm(norm, forward::conv2d(stage, x));
            x = ops::leaky_relu(x, SLOPE);
            seen.push(x.clone());
        }
        seen.pop();
        for (stage, norm) in self.up.iter().zip(&self.up_norms) {
            x = forward::group_norm(norm, forward::conv_transpose2d(stage, x));
            x = ops::leaky_relu(x, 0.0);
            x = Tensor::cat(vec![x, seen.pop().unwrap_or_else(|| input.clone())], 1);
        }
        forward::conv2d(&self.last, x)
    }
}

/// Convolutions to a logit a patch.
#[derive(Module, Debug)]
pub(super) struct PatchDiscriminator {
    stages: Vec<Conv>,
    last: Conv,
    #[module(skip)]
    condition: ConditionChannels,
    #[module(skip)]
    deviation: bool,
}

impl PatchDiscriminator {
    pub fn forward(&self, x: Dual<4>, given: &Given) -> Verdict {
        let x = x.beside(self.condition.channels(given, None));
        let leaky = Activation::LeakyRelu { slope: SLOPE };
        let maps = self.stages.iter().fold(x, |x, stage| stage.forward(x).activate(&leaky));
        let features = maps.value.clone().flatten(1, 3);
        let maps = if self.deviation { with_deviation(maps) } else { maps };
        let logits = self.last.forward(maps).linear(|x| x.flatten(1, 3));
        Verdict { logits, classes: None, features }
    }

    pub fn iterate(mut self) -> Self {
        self.stages = self.stages.into_iter().map(Conv::iterate).collect();
        self.last = self.last.iterate();
        self
    }
}
