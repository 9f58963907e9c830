//! Networks between events and grids of vectors.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::count;
use pyrogen_core::{ConfigError, Noise, unflatten};
use pyrogen_nn::{Activation, ConvConfig, Mlp, MlpConfig, conv_transpose2d, conv2d, forward};
use serde::{Deserialize, Serialize};

use pyrogen_core::config::check::at_least_one;

/// Which network reads events and writes them, and where codes sit.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum VqNetwork {
    /// Convolutions, for events `[channels, height, width]`: a code at each point of the last
    /// stage's grid. Each stage halves height and width, rounding up.
    Conv {
        /// Channels of each stage, from the picture on.
        channels: Vec<usize>,
        /// What follows each layer but the last.
        activation: Activation,
    },
    /// Dense layers, for events of any shape.
    Mlp {
        /// Widths of the hidden layers.
        hidden: Vec<usize>,
        /// What follows each hidden layer.
        activation: Activation,
        /// Number of codes of an example.
        positions: usize,
    },
}

impl Default for VqNetwork {
    fn default() -> Self {
        Self::Conv { channels: vec![64], activation: Activation::default() }
    }
}

impl VqNetwork {
    pub(super) fn validate(&self, field: &str, event: &[usize]) -> Result<(), ConfigError> {
        match self {
            Self::Mlp { positions, .. } => {
                self.mlp().validate(&format!("{field}.mlp"))?;
                at_least_one(&format!("{field}.mlp.positions"), *positions)
            }
            Self::Conv { channels, activation } => {
                let Ok(image) = <[usize; 3]>::try_from(event) else {
                    let expected = format!("`mlp` for examples of shape {event:?}");
                    return Err(ConfigError::value(field, expected, "conv"));
                };
                let (channels, activation) = (channels.clone(), *activation);
                let conv = ConvConfig { channels, hidden: vec![], activation };
                conv.validate(&format!("{field}.conv"), image)
            }
        }
    }

    /// Number of positions that have a code.
    pub(super) fn positions(&self, event: &[usize]) -> usize {
        match self {
            Self::Mlp { positions, .. } => *positions,
            Self::Conv { channels, .. } => {
                let [h, w] = *sizes(event, channels.len()).last().expect("one or more");
                h.saturating_mul(w)
            }
        }
    }

    fn mlp(&self) -> MlpConfig {
        match self {
            Self::Mlp { hidden, activation, .. } => {
                MlpConfig { hidden: hidden.clone(), activation: *activation }
            }
            Self::Conv { activation, .. } => {
                MlpConfig { hidden: Vec::new(), activation: *activation }
            }
        }
    }

    /// Number of parameters of encoder and decoder together.
    pub(super) fn params(
        &self,
        event: &[usize],
        dim: usize,
        drawn: &[usize],
        maps: usize,
    ) -> usize {
        let sum = |parts: &[usize]| count::sum(parts.iter().copied());
        match self {
            Self::Mlp { positions, .. } => {
                let (mlp, codes) = (self.mlp(), positions.saturating_mul(dim));
                let decoder =
                    mlp.mirrored().num_params(codes, count::product(drawn).saturating_mul(maps));
                mlp.num_params(count::product(event), codes).saturating_add(decoder)
            }
            Self::Conv { channels, .. } => {
                let layer = |a: usize, b: usize, k: usize| sum(&[count::product(&[a, b, k]), b]);
                let last = channels[channels.len() - 1];
                let mut count = vec![layer(last, dim, 1), layer(dim, last, KERNEL * KERNEL)];
                let with = |first: usize| [&[first], channels.as_slice()].concat();
                for pair in with(event[0]).windows(2) {
                    count.push(layer(pair[0], pair[1], KERNEL * KERNEL));
                }
                for pair in with(drawn[0].saturating_mul(maps)).windows(2) {
                    count.push(layer(pair[1], pair[0], KERNEL * KERNEL));
                }
                sum(&count)
            }
        }
    }

    pub(super) fn encoder(
        &self,
        event: &[usize],
        dim: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> VqEncoder {
        match self {
            Self::Mlp { positions, .. } => {
                let features = event.iter().product();
                VqEncoder::Mlp(self.mlp().init(features, positions * dim, noise, device))
            }
            Self::Conv { channels, activation } => {
                let all = [&event[..1], channels.as_slice()].concat();
                let stage = |c: &[usize]| {
                    let config = Conv2dConfig::new([c[0], c[1]], [KERNEL; 2])
                        .with_stride([2, 2])
                        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
                    conv2d(&config, noise, device)
                };
                let stages = all.windows(2).map(stage).collect();
                let config = Conv2dConfig::new([all[all.len() - 1], dim], [1, 1]);
                let head = conv2d(&config, noise, device);
                let image = [event[0], event[1], event[2]];
                VqEncoder::Conv(GridEncoder { stages, head, image, activation: *activation })
            }
        }
    }

    pub(super) fn decoder(
        &self,
        event: &[usize],
        dim: usize,
        maps: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> VqDecoder {
        match self {
            Self::Mlp { positions, .. } => {
                let out = event.iter().product::<usize>() * maps;
                let mlp = self.mlp().mirrored().init(positions * dim, out, noise, device);
                VqDecoder::Mlp(mlp)
            }
            Self::Conv { channels, activation } => {
                let all = [&[event[0] * maps], channels.as_slice()].concat();
                let sizes = sizes(event, channels.len());
                let config = Conv2dConfig::new([dim, all[all.len() - 1]], [KERNEL; 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
                let head = conv2d(&config, noise, device);
                let stage = |i: usize| {
                    // From ceil(s / 2) back to s: an even s needs one row more.
                    let more = |s: usize| usize::from(s.is_multiple_of(2));
                    let config = ConvTranspose2dConfig::new([all[i + 1], all[i]], [KERNEL; 2])
                        .with_stride([2, 2])
                        .with_padding([1, 1])
                        .with_padding_out(sizes[i].map(more));
                    conv_transpose2d(&config, noise, device)
                };
                let stages = (0..channels.len()).rev().map(stage).collect();
                let grid = sizes[channels.len()];
                VqDecoder::Conv(GridDecoder { head, stages, grid, activation: *activation })
            }
        }
    }
}

const KERNEL: usize = 3;

/// Height and width before each stage, and after the last.
fn sizes(event: &[usize], stages: usize) -> Vec<[usize; 2]> {
    let mut sizes = vec![[event[1], event[2]]];
    for _ in 0..stages {
        let [h, w] = sizes[sizes.len() - 1];
        sizes.push([h.div_ceil(2), w.div_ceil(2)]);
    }
    sizes
}

/// From flat events to vectors, one a position.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has one
pub(super) enum VqEncoder {
    Mlp(Mlp),
    Conv(GridEncoder),
}

impl VqEncoder {
    /// `[batch, features]` to `[batch * positions, dim]`, the positions of an example one after
    /// the other.
    pub fn forward(&self, x: Tensor<2>, dim: usize) -> Tensor<2> {
        match self {
            Self::Mlp(mlp) => {
                let y = mlp.forward(x);
                let [rows, width] = y.dims();
                y.reshape([rows * width / dim, dim])
            }
            Self::Conv(grid) => grid.forward(x),
        }
    }
}

/// From vectors, one a position, to the maps of flat events.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a model has one
pub(super) enum VqDecoder {
    Mlp(Mlp),
    Conv(GridDecoder),
}

impl VqDecoder {
    /// `[batch * positions, dim]` to `[batch, maps * features]`.
    pub fn forward(&self, z: Tensor<2>, rows: usize) -> Tensor<2> {
        match self {
            Self::Mlp(mlp) => {
                let [n, dim] = z.dims();
                mlp.forward(z.reshape([rows, n / rows * dim]))
            }
            Self::Conv(grid) => grid.forward(z, rows),
        }
    }
}

#[derive(Module, Debug)]
pub(super) struct GridEncoder {
    stages: Vec<Conv2d>,
    head: Conv2d,
    #[module(skip)]
    image: [usize; 3],
    #[module(skip)]
    activation: Activation,
}

impl GridEncoder {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x: Tensor<4> = unflatten(x, &self.image);
        let step = |x, stage: &Conv2d| self.activation.forward(forward::conv2d(stage, x));
        let y = forward::conv2d(&self.head, self.stages.iter().fold(x, step));
        let [rows, dim, h, w] = y.dims();
        y.permute([0, 2, 3, 1]).reshape([rows * h * w, dim])
    }
}

#[derive(Module, Debug)]
pub(super) struct GridDecoder {
    head: Conv2d,
    stages: Vec<ConvTranspose2d>,
    #[module(skip)]
    grid: [usize; 2],
    #[module(skip)]
    activation: Activation,
}

impl GridDecoder {
    fn forward(&self, z: Tensor<2>, rows: usize) -> Tensor<2> {
        let [h, w] = self.grid;
        let dim = z.dims()[1];
        let z = z.reshape([rows, h, w, dim]).permute([0, 3, 1, 2]);
        let step = |y, stage: &ConvTranspose2d| {
            forward::conv_transpose2d(stage, self.activation.forward(y))
        };
        self.stages.iter().fold(forward::conv2d(&self.head, z), step).flatten(1, 3)
    }
}
