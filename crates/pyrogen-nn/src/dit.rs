//! Diffusion transformers: pictures as sequences of patches, conditioned on a time and a class.

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::config::{check, count};
use pyrogen_core::{ConfigError, Noise};
use pyrogen_ops as ops;
use serde::{Deserialize, Serialize};

use crate::layers::near_zero;
use crate::{Activation, TimeEmbedding, TimeEncoding, conv2d, forward, linear};

/// Configuration of a [`Dit`].
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DitConfig {
    /// Side of a patch; it must divide height and width.
    pub patch: usize,
    /// Features of a place, a multiple of 4.
    pub width: usize,
    /// Blocks.
    pub blocks: usize,
    /// Attention heads of a block.
    pub heads: usize,
    /// Hidden features of a block's dense layers, in multiples of the width.
    pub expansion: usize,
    /// How the time enters.
    pub time: TimeEncoding,
}

impl Default for DitConfig {
    fn default() -> Self {
        Self {
            patch: 2,
            width: 128,
            blocks: 4,
            heads: 4,
            expansion: 4,
            time: TimeEncoding::default(),
        }
    }
}

/// Sines and cosines of a time.
const TIME: usize = 256;

/// What the normalisations add to a variance.
const EPSILON: f64 = 1e-6;

impl DitConfig {
    /// Checks the values for pictures of `[channels, height, width]`; `field` is the path that an
    /// error names.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self, field: &str, [_, height, width]: [usize; 3]) -> Result<(), ConfigError> {
        let refuse = |name: &str, expected: &str, got: usize| {
            Err(ConfigError::value(format!("{field}.{name}"), expected, got))
        };
        let patch = self.patch;
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return refuse("patch", &format!("a divisor of {height} and {width}"), patch);
        }
        check::at_least_one(&format!("{field}.width"), self.width)?;
        if !self.width.is_multiple_of(4) {
            return refuse("width", "a multiple of 4, at least 4", self.width);
        }
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            return refuse("heads", &format!("a divisor of the width, {}", self.width), self.heads);
        }
        check::layers(&format!("{field}.blocks"), self.blocks)?;
        check::layers(&format!("{field}.expansion"), self.expansion)?;
        self.time.validate(&format!("{field}.time"))
    }

    /// Number of parameters from `d_in` channels to `d_out`, with a row for each class;
    /// `usize::MAX` where it does not fit.
    pub fn num_params(&self, d_in: usize, d_out: usize, classes: Option<usize>) -> usize {
        let dense = |i: usize, o: usize| i.saturating_add(1).saturating_mul(o);
        let (w, area) = (self.width, self.patch.saturating_mul(self.patch));
        let hidden = w.saturating_mul(self.expansion);
        let block = [
            dense(w, w.saturating_mul(6)),
            dense(w, w.saturating_mul(3)),
            dense(w, w),
            dense(w, hidden),
            dense(hidden, w),
        ];
        let block = count::sum(block);
        [
            dense(d_in.saturating_mul(area), w),
            TimeEmbedding::num_params_of(TIME, w, classes),
            block.saturating_mul(self.blocks),
            dense(w, w.saturating_mul(2)),
            dense(w, d_out.saturating_mul(area)),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// The network from `d_in` channels to `d_out`, with a row of the embedding for each class.
    ///
    /// Layers that scale, shift and gate, and the last one, start at a thousandth of the usual
    /// range, so that a new block changes nearly nothing (Peebles and Xie 2023 start them at zero,
    /// "adaLN-Zero").
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
    ) -> Dit {
        let (w, patch) = (self.width, self.patch);
        let hidden = w * self.expansion;
        let patches = Conv2dConfig::new([d_in, w], [patch; 2]).with_stride([patch; 2]);
        Dit {
            enter: conv2d(&patches, noise, device),
            time: TimeEmbedding::new(self.time, TIME, w, classes, noise, device),
            blocks: (0..self.blocks)
                .map(|_| DitBlock {
                    modulation: near_zero(linear(w, 6 * w, noise, device)),
                    qkv: linear(w, 3 * w, noise, device),
                    attended: linear(w, w, noise, device),
                    wide: linear(w, hidden, noise, device),
                    narrow: linear(hidden, w, noise, device),
                    heads: self.heads,
                })
                .collect(),
            modulation: near_zero(linear(w, 2 * w, noise, device)),
            leave: near_zero(linear(w, d_out * patch * patch, noise, device)),
            patch,
        }
    }
}

/// A diffusion transformer with adaptive layer normalisation (Peebles and Xie 2023, "Scalable
/// diffusion models with transformers", section 3.2).
///
/// ```text
/// x = patches(picture) + places
/// x = x + gate1 attention(norm(x) (1 + scale1) + shift1)       each block; scale, shift and gate
/// x = x + gate2 dense(norm(x) (1 + scale2) + shift2)           are linear in the time's vector
/// picture = leave(norm(x) (1 + scale) + shift)
/// ```
///
/// Places are sines and cosines of row and column and are not learned. The dense layers have GELU
/// between them, with the normal distribution function.
#[derive(Module, Debug)]
pub struct Dit {
    /// Patches to features.
    pub enter: Conv2d,
    /// Time and class.
    pub time: TimeEmbedding,
    /// The blocks, in order.
    pub blocks: Vec<DitBlock>,
    /// Shift and scale of the last normalisation.
    pub modulation: Linear,
    /// Features to patches.
    pub leave: Linear,
    #[module(skip)]
    patch: usize,
}

/// Attention and dense layers, each conditioned on the time.
#[derive(Module, Debug)]
pub struct DitBlock {
    /// Shift, scale and gate of the attention, then of the dense layers.
    pub modulation: Linear,
    /// Queries, keys and values side by side.
    pub qkv: Linear,
    /// Behind the attention.
    pub attended: Linear,
    /// To the hidden features.
    pub wide: Linear,
    /// Back from them.
    pub narrow: Linear,
    #[module(skip)]
    heads: usize,
}

impl DitBlock {
    fn forward(&self, x: Tensor<3>, time: Tensor<2>) -> Tensor<3> {
        let modulation = rows(forward::linear(&self.modulation, time), 6);
        let [shift1, scale1, gate1, shift2, scale2, gate2]: [Tensor<3>; 6] =
            modulation.try_into().expect("six parts");
        let h = modulated(x.clone(), shift1, scale1);
        let h = ops::self_attention(forward::linear(&self.qkv, h), self.heads, false);
        let x = x + forward::linear(&self.attended, h) * gate1;
        let h = forward::linear(&self.wide, modulated(x.clone(), shift2, scale2));
        x + Activation::Gelu.then(&self.narrow, h) * gate2
    }
}

/// Parts of equal width, each `[batch, 1, width]`.
fn rows(x: Tensor<2>, parts: usize) -> Vec<Tensor<3>> {
    x.chunk(parts, 1).into_iter().map(|part| part.unsqueeze_dim(1)).collect()
}

/// Layer normalisation without parameters, then a scale and a shift.
fn modulated(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>) -> Tensor<3> {
    let ([_, _, width], device) = (x.dims(), x.device());
    let (ones, zeros) = (Tensor::ones([width], &device), Tensor::zeros([width], &device));
    ops::layer_norm(x, ones, zeros, EPSILON) * (scale + 1.0) + shift
}

impl Dit {
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
        let (dims, patch) = (x.dims(), self.patch);
        let [batch, channels, height, width] = dims;
        let [features, d_in, ..] = self.enter.weight.dims();
        assert!(
            channels == d_in
                && height.is_multiple_of(patch)
                && width.is_multiple_of(patch)
                && time.dims() == [batch],
            "Dit: expected pictures [batch, {d_in}, height, width] of patches of {patch} and times \
             [batch], got {dims:?} and {:?}",
            time.dims()
        );
        let time = self.time.forward(time, labels);
        let (tall, wide) = (height / patch, width / patch);
        let x = forward::conv2d(&self.enter, x);
        let x = x.reshape([batch, features, tall * wide]).swap_dims(1, 2);
        let x = x.clone() + places([tall, wide], features, &x.device());
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, time.clone()));
        let modulation = rows(forward::linear(&self.modulation, time), 2);
        let [shift, scale]: [Tensor<3>; 2] = modulation.try_into().expect("two parts");
        let x = forward::linear(&self.leave, modulated(x, shift, scale));
        let d_out = x.dims()[2] / (patch * patch);
        x.reshape([batch, tall, wide, patch, patch, d_out])
            .permute([0, 5, 1, 3, 2, 4])
            .reshape([batch, d_out, height, width])
    }
}

/// Sines and cosines of row and column, `[1, places, width]`: a quarter of the features each, in
/// the order sines and cosines of the column, then of the row.
fn places([tall, wide]: [usize; 2], width: usize, device: &Device) -> Tensor<3> {
    let quarter = width / 4;
    let frequency = |i: usize| (10_000f64).powf(-(i as f64) / quarter as f64);
    let mut values = Vec::with_capacity(tall * wide * width);
    for place in 0..tall * wide {
        for at in [place % wide, place / wide] {
            let phase = |i| at as f64 * frequency(i);
            values.extend((0..quarter).map(|i| phase(i).sin() as f32));
            values.extend((0..quarter).map(|i| phase(i).cos() as f32));
        }
    }
    Tensor::from_data(TensorData::new(values, [1, tall * wide, width]), device)
}
