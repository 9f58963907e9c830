//! Dense networks for rows, conditioned on a time and a class.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::config::check;
use pyrogen_core::{ConfigError, Noise};
use pyrogen_ops as ops;
use serde::{Deserialize, Serialize};

use crate::layers::near_zero;
use crate::{LayerNorm, TimeEmbedding, TimeEncoding, forward, linear};

/// Configuration of a [`TimeMlp`].
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeMlpConfig {
    /// Features of every layer.
    pub width: usize,
    /// Residual blocks.
    pub blocks: usize,
    /// How the time enters.
    pub time: TimeEncoding,
}

impl Default for TimeMlpConfig {
    fn default() -> Self {
        Self { width: 128, blocks: 3, time: TimeEncoding::default() }
    }
}

impl TimeMlpConfig {
    /// Checks the values; `field` is the path that an error names.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        check::at_least_one(&format!("{field}.width"), self.width)?;
        check::layers(&format!("{field}.blocks"), self.blocks)?;
        self.time.validate(&format!("{field}.time"))
    }

    /// Number of parameters from `d_in` numbers to `d_out`, with a row for each class;
    /// `usize::MAX` where it does not fit.
    pub fn num_params(&self, d_in: usize, d_out: usize, classes: Option<usize>) -> usize {
        let dense = |i: usize, o: usize| i.saturating_add(1).saturating_mul(o);
        let w = self.width;
        let block = dense(w, w).saturating_mul(3).saturating_add(w.saturating_mul(2));
        [
            dense(d_in, w),
            TimeEmbedding::num_params_of(w, w, classes),
            block.saturating_mul(self.blocks),
            w.saturating_mul(2),
            dense(w, d_out),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// The network from `d_in` numbers to `d_out`, with a row of the embedding for each class. The
    /// last layer of each block and of the network starts near zero.
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
    ) -> TimeMlp {
        let w = self.width;
        TimeMlp {
            enter: linear(d_in, w, noise, device),
            time: TimeEmbedding::new(self.time, w, w, classes, noise, device),
            blocks: (0..self.blocks)
                .map(|_| TimeMlpBlock {
                    norm: LayerNorm::new(w, device),
                    first: linear(w, w, noise, device),
                    time: linear(w, w, noise, device),
                    second: near_zero(linear(w, w, noise, device)),
                })
                .collect(),
            norm: LayerNorm::new(w, device),
            leave: near_zero(linear(w, d_out, noise, device)),
        }
    }
}

/// Dense layers with shortcuts, conditioned on a time and a class:
/// `h = h + second(silu(first(norm(h)) + time))` in each block.
#[derive(Module, Debug)]
pub struct TimeMlp {
    enter: Linear,
    time: TimeEmbedding,
    blocks: Vec<TimeMlpBlock>,
    norm: LayerNorm,
    leave: Linear,
}

#[derive(Module, Debug)]
struct TimeMlpBlock {
    norm: LayerNorm,
    first: Linear,
    time: Linear,
    second: Linear,
}

impl TimeMlp {
    /// Reads rows at their times, and their classes where the network was made for classes.
    ///
    /// # Shapes
    /// `x` is `[batch, d_in]`, `time` and `labels` are `[batch]`, the result is `[batch, d_out]`.
    ///
    /// # Panics
    /// If a size does not fit, or labels are missing, out of range or not wanted.
    pub fn forward(
        &self,
        x: Tensor<2>,
        time: Tensor<1>,
        labels: Option<Tensor<1, Int>>,
    ) -> Tensor<2> {
        assert_eq!([x.dims()[0]], time.dims(), "TimeMlp: one time an example");
        let time = self.time.forward(time, labels);
        let x = self.blocks.iter().fold(forward::linear(&self.enter, x), |x, block| {
            let h = forward::linear(&block.first, block.norm.forward(x.clone()));
            let h = ops::silu(h + forward::linear(&block.time, time.clone()));
            x + forward::linear(&block.second, h)
        });
        forward::linear(&self.leave, ops::silu(self.norm.forward(x)))
    }
}
