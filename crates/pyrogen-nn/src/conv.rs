//! Convolutional encoder and decoder for pictures of any size.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::{check, count};
use pyrogen_core::{ConfigError, Noise};
use serde::{Deserialize, Serialize};

use crate::{Activation, Mlp, MlpConfig, forward};

const KERNEL: usize = 3;

/// Configuration of a [`ConvEncoder`] and of the [`ConvDecoder`] that mirrors it.
///
/// Each stage is a 3x3 convolution of stride 2: it halves height and width, rounding up.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConvConfig {
    /// Channels of each stage, from the picture on.
    pub channels: Vec<usize>,
    /// Widths of the dense layers between the last stage and the output; may be empty.
    pub hidden: Vec<usize>,
    /// What follows each layer but the last.
    pub activation: Activation,
}

impl Default for ConvConfig {
    fn default() -> Self {
        Self { channels: vec![32, 64], hidden: vec![256], activation: Activation::default() }
    }
}

impl ConvConfig {
    /// Checks the values for pictures of `[channels, height, width]`; `field` is the path that an
    /// error names.
    ///
    /// # Errors
    /// No stage, a stage or layer of width zero, more stages than halvings, or a bad parameter of
    /// the activation.
    pub fn validate(&self, field: &str, image: [usize; 3]) -> Result<(), ConfigError> {
        let stages = format!("{field}.channels");
        check::any_widths(&stages, &self.channels)?;
        check::any_widths(&format!("{field}.hidden"), &self.hidden)?;
        self.activation.validate(&format!("{field}.activation"))?;
        let [_, height, width] = image;
        let most = height.max(width).next_power_of_two().ilog2() as usize;
        if self.channels.is_empty() || self.channels.len() > most {
            return Err(ConfigError::value(
                stages,
                format!("a list of 1 to {most} stages for pictures of {height}x{width}"),
                format!("{} stages", self.channels.len()),
            ));
        }
        Ok(())
    }

    /// The encoder from pictures `[channels, height, width]` and `extra` further numbers to
    /// `d_out` numbers.
    pub fn encoder(
        &self,
        image: [usize; 3],
        extra: usize,
        d_out: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> ConvEncoder {
        let stages = self.reading_stages(image[0], noise, device);
        let d_in = self.bottom(image).iter().product::<usize>() + extra;
        ConvEncoder {
            stages,
            head: self.head().init(d_in, d_out, noise, device),
            image,
            activation: self.activation,
        }
    }

    /// Convolutions of stride 2 from pictures of so many channels.
    fn reading_stages(&self, channels: usize, noise: &mut Noise, device: &Device) -> Vec<Conv2d> {
        let all = [&[channels], self.channels.as_slice()].concat();
        let stage = |c: &[usize]| {
            let config = Conv2dConfig::new([c[0], c[1]], [KERNEL; 2])
                .with_stride([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
            crate::conv2d(&config, noise, device)
        };
        all.windows(2).map(stage).collect()
    }

    /// The decoder from `d_in` numbers to pictures of `image`, which reads along a context: a
    /// picture of `context` channels (0 for none) and the same height and width.
    ///
    /// The context goes through stages like the encoder's. The last one's maps join the `d_in`
    /// numbers, and each stage of the decoder reads the context's maps of its size beside its own,
    /// as a U-Net does (Ronneberger et al. 2015).
    pub fn decoder(
        &self,
        d_in: usize,
        image: [usize; 3],
        context: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> ConvDecoder {
        let bottom = self.bottom(image);
        let flat = bottom.iter().product();
        let (wider, times) = if context == 0 { (d_in, 1) } else { (d_in + flat, 2) };
        let head = self.head().mirrored().init(wider, flat, noise, device);
        let all = [&[image[0]], self.channels.as_slice()].concat();
        let sizes = self.sizes(image);
        let stages = (0..self.channels.len())
            .rev()
            .map(|i| {
                // From ceil(s / 2) back to s: an even s needs one row more than 2 * ceil(s / 2) - 1.
                let more = |s: usize| usize::from(s.is_multiple_of(2));
                let config = ConvTranspose2dConfig::new([all[i + 1] * times, all[i]], [KERNEL; 2])
                    .with_stride([2, 2])
                    .with_padding([1, 1])
                    .with_padding_out(sizes[i].map(more));
                crate::conv_transpose2d(&config, noise, device)
            })
            .collect();
        let seen = [context, image[1], image[2]];
        let context = match context {
            0 => Vec::new(),
            channels => self.reading_stages(channels, noise, device),
        };
        ConvDecoder { head, stages, context, bottom, seen, activation: self.activation }
    }

    /// Number of parameters of the encoder; `usize::MAX` where it does not fit.
    pub fn encoder_params(&self, image: [usize; 3], extra: usize, d_out: usize) -> usize {
        let d_in = count::product(&self.bottom(image)).saturating_add(extra);
        self.stage_params(image[0], 1, |c| c[1]).saturating_add(self.head().num_params(d_in, d_out))
    }

    /// Number of parameters of the decoder; `usize::MAX` where it does not fit.
    pub fn decoder_params(&self, d_in: usize, image: [usize; 3], context: usize) -> usize {
        let (head, flat) = (self.head().mirrored(), count::product(&self.bottom(image)));
        if context == 0 {
            let stages = self.stage_params(image[0], 1, |c| c[0]);
            return stages.saturating_add(head.num_params(d_in, flat));
        }
        let all = [
            self.stage_params(image[0], 2, |c| c[0]),
            self.stage_params(context, 1, |c| c[1]),
            head.num_params(d_in.saturating_add(flat), flat),
        ];
        count::sum(all)
    }

    /// Parameters of stages of which each reads `times` as many channels.
    fn stage_params(&self, first: usize, times: usize, bias: impl Fn(&[usize]) -> usize) -> usize {
        let all = [&[first], self.channels.as_slice()].concat();
        all.windows(2)
            .map(|c| count::product(&[c[0], c[1], times, KERNEL, KERNEL]).saturating_add(bias(c)))
            .fold(0, usize::saturating_add)
    }

    fn head(&self) -> MlpConfig {
        MlpConfig { hidden: self.hidden.clone(), activation: self.activation }
    }

    /// Height and width before the first stage, after it, and so on.
    fn sizes(&self, [_, height, width]: [usize; 3]) -> Vec<[usize; 2]> {
        let half = |size: &[usize; 2]| Some(size.map(|s| s.div_ceil(2)));
        std::iter::successors(Some([height, width]), half).take(self.channels.len() + 1).collect()
    }

    /// Channels, height and width after the last stage.
    fn bottom(&self, image: [usize; 3]) -> [usize; 3] {
        let [height, width] = self.sizes(image)[self.channels.len()];
        let channels = self.channels.last().copied().unwrap_or(image[0]);
        [channels, height, width]
    }
}

/// Convolutions of stride 2, then dense layers: pictures to vectors.
#[derive(Module, Debug)]
pub struct ConvEncoder {
    stages: Vec<Conv2d>,
    head: Mlp,
    #[module(skip)]
    image: [usize; 3],
    #[module(skip)]
    activation: Activation,
}

impl ConvEncoder {
    /// Channels, height and width of the pictures it reads.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// Reads pictures, and where the config has it further numbers (a class, a time) that join
    /// behind the last stage.
    ///
    /// # Shapes
    /// `x` is `[batch, channels, height, width]`, `extra` `[batch, extra]`, the result
    /// `[batch, d_out]`.
    ///
    /// # Panics
    /// If a shape is another.
    pub fn forward(&self, x: Tensor<4>, extra: Option<Tensor<2>>) -> Tensor<2> {
        let dims = x.dims();
        assert_eq!(
            dims[1..],
            self.image,
            "ConvEncoder: expected pictures [batch, {:?}], got {dims:?}",
            self.image
        );
        let maps = self
            .stages
            .iter()
            .fold(x, |x, stage| self.activation.forward(forward::conv2d(stage, x)));
        self.head.forward(join(maps.flatten(1, 3), extra))
    }
}

/// Dense layers, then transposed convolutions of stride 2: vectors to pictures.
#[derive(Module, Debug)]
pub struct ConvDecoder {
    head: Mlp,
    stages: Vec<ConvTranspose2d>,
    context: Vec<Conv2d>,
    #[module(skip)]
    bottom: [usize; 3],
    #[module(skip)]
    seen: [usize; 3],
    #[module(skip)]
    activation: Activation,
}

impl ConvDecoder {
    /// Channels, height and width of the contexts it reads; no channels where it reads none.
    pub fn context_shape(&self) -> [usize; 3] {
        self.seen
    }

    /// Draws pictures, of exactly the size in the config, beside a context where the network was
    /// made for one.
    ///
    /// # Shapes
    /// `z` is `[batch, d_in]`, `context` `[batch, its channels, height, width]`, the result
    /// `[batch, channels, height, width]`.
    ///
    /// # Panics
    /// If an input has another shape, or the context is missing or not expected.
    pub fn forward(&self, z: Tensor<2>, context: Option<Tensor<4>>) -> Tensor<4> {
        assert_eq!(
            context.is_some(),
            !self.context.is_empty(),
            "ConvDecoder: a context is given exactly where the network was made for one"
        );
        let [batch, _] = z.dims();
        let [channels, height, width] = self.bottom;
        let mut seen = context.map(|context| self.read(context)).unwrap_or_default();
        let lowest = seen.last().map(|maps| maps.clone().flatten(1, 3));
        let maps = self.head.forward(join(z, lowest)).reshape([batch, channels, height, width]);
        self.stages.iter().fold(maps, |x, stage| {
            let x = self.activation.forward(x);
            let x = match seen.pop() {
                Some(beside) => Tensor::cat(vec![x, beside], 1),
                None => x,
            };
            forward::conv_transpose2d(stage, x)
        })
    }

    /// The context's maps after each stage.
    fn read(&self, context: Tensor<4>) -> Vec<Tensor<4>> {
        let next = |x: &mut Tensor<4>, stage: &Conv2d| {
            *x = self.activation.forward(forward::conv2d(stage, x.clone()));
            Some(x.clone())
        };
        self.context.iter().scan(context, next).collect()
    }
}

/// `[batch, a]` and `[batch, b]` to `[batch, a + b]`.
pub(crate) fn join(x: Tensor<2>, extra: Option<Tensor<2>>) -> Tensor<2> {
    match extra {
        Some(extra) => Tensor::cat(vec![x, extra], 1),
        None => x,
    }
}
