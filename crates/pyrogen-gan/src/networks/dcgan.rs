//! Strided convolutions.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::{ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{ConfigError, Noise};
use pyrogen_nn::{Activation, BatchNorm, conv_transpose2d, forward, linear};
use serde::{Deserialize, Serialize};

use super::{Plan, checked_image};
use crate::dual::Dual;
use crate::given::Given;
use crate::head::{Head, HeadConfig, Verdict};
use crate::layers::{Conv, Held, Shape};
use pyrogen_core::config::check::widths;
use pyrogen_core::config::count::{product, sum};

/// Kernel, stride and padding of a stage: it halves or doubles height and width.
const STAGE: Shape = Shape(4, 2, 1);

/// The slope of the discriminator's activations below zero.
const SLOPE: f64 = 0.2;

/// Convolutions of stride 2 (Radford et al. 2016).
///
/// ```text
/// generator      latents -> dense, norm, relu -> (transposed convolution, norm, relu) .. -> tanh
/// discriminator  picture -> (convolution, leaky relu 0.2) .. -> dense
/// ```
///
/// The generator has batch normalisation, in which classes choose scale and shift. A stage halves (in
/// the generator doubles) height and width, so both have to be divisible by two as often: pictures of
/// 28x28 take one stage or two, 32x32 up to five, 8x8 up to three.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DcganConfig {
    /// Channels of each stage, from the picture on.
    pub channels: Vec<usize>,
    /// Whether the discriminator's stages after the first are normalised over the batch, too; not
    /// with a penalty on its slope, and seldom good beside spectral normalisation.
    pub norm: bool,
}

impl Default for DcganConfig {
    fn default() -> Self {
        Self { channels: vec![32, 64], norm: false }
    }
}

impl DcganConfig {
    pub(super) fn validate(&self, field: &str, image: [usize; 3]) -> Result<(), ConfigError> {
        let stages = format!("{field}.channels");
        widths(&stages, &self.channels)?;
        halved(&stages, self.channels.len(), image)
    }

    /// Channels, height and width after the last stage.
    fn bottom(&self, plan: &Plan) -> [usize; 3] {
        let [_, height, width] = checked_image(plan.event);
        let (last, stages) = (self.channels.last().copied().unwrap_or(1), self.channels.len());
        [last, height >> stages, width >> stages]
    }

    /// Channels from the picture to the last stage.
    fn all(&self, plan: &Plan) -> Vec<usize> {
        [&[checked_image(plan.event)[0]], self.channels.as_slice()].concat()
    }

    /// How stage `i` of the discriminator is held.
    fn held(&self, plan: &Plan, i: usize) -> Held {
        Held { spectral: plan.head.spectral, bias: !self.normalised(i) }
    }

    fn normalised(&self, i: usize) -> bool {
        self.norm && i > 0
    }

    fn head(&self, plan: &Plan) -> HeadConfig {
        HeadConfig { maps: self.bottom(plan), pooled: false, ..plan.head }
    }

    pub(super) fn generator_params(&self, plan: &Plan) -> usize {
        let all = self.all(plan);
        let bottom = self.bottom(plan);
        let stage = |(i, w): (usize, &[usize])| {
            let weight = product(&[w[0], w[1], STAGE.0, STAGE.0]);
            let rest = if i == 0 { w[0] } else { BatchNorm::num_params(w[0], plan.classes) };
            weight.saturating_add(rest)
        };
        sum([
            product(&[plan.latents, product(&bottom)]),
            BatchNorm::num_params(bottom[0], plan.classes),
            sum(all.windows(2).enumerate().map(stage)),
        ])
    }

    pub(super) fn discriminator_params(&self, plan: &Plan) -> usize {
        let all = self.all(plan);
        let stage = |(i, w): (usize, &[usize])| {
            let norm = if self.normalised(i) { BatchNorm::num_params(w[1], 0) } else { 0 };
            Conv::num_params([w[0], w[1]], STAGE, self.held(plan, i)).saturating_add(norm)
        };
        sum(all.windows(2).enumerate().map(stage)).saturating_add(self.head(plan).num_params())
    }

    pub(super) fn generator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> DcganGenerator {
        let (all, bottom) = (self.all(plan), self.bottom(plan));
        // Normalisation takes a shift away, so that only the last stage has one of its own.
        let dense = Linear { bias: None, ..linear(plan.latents, product(&bottom), noise, device) };
        let stages = (0..self.channels.len()).rev().map(|i| {
            let config = ConvTranspose2dConfig::new([all[i + 1], all[i]], [STAGE.0; 2])
                .with_stride([STAGE.1; 2])
                .with_padding([STAGE.2; 2])
                .with_bias(i == 0);
            conv_transpose2d(&config, noise, device)
        });
        DcganGenerator {
            dense,
            stages: stages.collect(),
            norms: self
                .channels
                .iter()
                .rev()
                .map(|&c| BatchNorm::new(c, plan.classes, device))
                .collect(),
            bottom,
        }
    }

    pub(super) fn discriminator(
        &self,
        plan: &Plan,
        noise: &mut Noise,
        device: &Device,
    ) -> DcganDiscriminator {
        let all = self.all(plan);
        let stage = |(i, w): (usize, &[usize])| {
            Conv::new([w[0], w[1]], STAGE, self.held(plan, i), noise, device)
        };
        let stages = all.windows(2).enumerate().map(stage).collect();
        let norms = match self.norm {
            true => self.channels[1..].iter().map(|&c| BatchNorm::new(c, 0, device)).collect(),
            false => Vec::new(),
        };
        DcganDiscriminator { stages, norms, head: self.head(plan).init(noise, device) }
    }
}

/// Height and width divisible by two, `stages` times.
pub(super) fn halved(field: &str, stages: usize, image: [usize; 3]) -> Result<(), ConfigError> {
    let [_, height, width] = image;
    let most = height.trailing_zeros().min(width.trailing_zeros()) as usize;
    if stages <= most {
        return Ok(());
    }
    let expected = match most {
        0 => format!(
            "for pictures with an even height and width (resize them; `mlp` takes any), not {height}x{width}"
        ),
        _ => format!(
            "a list of 1 to {most} stages for pictures of {height}x{width} (each halves both)"
        ),
    };
    Err(ConfigError::value(field, expected, format!("{stages} stages")))
}

/// A dense layer, then transposed convolutions.
#[derive(Module, Debug)]
pub(super) struct DcganGenerator {
    dense: Linear,
    stages: Vec<ConvTranspose2d>,
    norms: Vec<BatchNorm>,
    #[module(skip)]
    bottom: [usize; 3],
}

impl DcganGenerator {
    pub fn forward(&self, z: Tensor<2>, given: &Given) -> Tensor<4> {
        let [channels, height, width] = self.bottom;
        let batch = z.dims()[0];
        let maps = forward::linear(&self.dense, z).reshape([batch, channels, height, width]);
        self.stages.iter().zip(&self.norms).fold(maps, |x, (stage, norm)| {
            let x = norm.forward_leaky(x, given.classes.clone(), 0.0);
            forward::conv_transpose2d(stage, x)
        })
    }
}

/// Convolutions, then the head.
#[derive(Module, Debug)]
pub(super) struct DcganDiscriminator {
    stages: Vec<Conv>,
    norms: Vec<BatchNorm>,
    head: Head,
}

impl DcganDiscriminator {
    /// # Panics
    /// If a direction is given and the network normalises over the batch.
    pub fn forward(&self, x: Dual<4>, given: &Given) -> Verdict {
        let maps = self.stages.iter().enumerate().fold(x, |x, (i, stage)| {
            let x = stage.forward(x);
            let Some(norm) = i.checked_sub(1).and_then(|i| self.norms.get(i)) else {
                return x.activate(&Activation::LeakyRelu { slope: SLOPE });
            };
            assert!(x.tangent.is_none(), "Gan: no slopes through batch normalisation");
            Dual::plain(norm.forward_leaky(x.value, None, SLOPE))
        });
        self.head.forward(maps, given)
    }

    pub fn iterate(mut self) -> Self {
        self.stages = self.stages.into_iter().map(Conv::iterate).collect();
        self.head = self.head.iterate();
        self
    }
}
