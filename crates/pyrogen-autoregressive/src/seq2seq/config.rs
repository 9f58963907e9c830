//! Sizes and choices of an encoder with a decoder.

use burn::tensor::Device;
use pyrogen_core::config::{check, count};
use pyrogen_core::{ConfigError, Seed};
use serde::{Deserialize, Serialize};

use super::Seq2Seq;
use crate::transformer::{Feed, GptConfig, Norm, Positions, Preset};

/// Configuration of a [`Seq2Seq`].
///
/// ```
/// use pyrogen_autoregressive::{Preset, Seq2SeqConfig};
///
/// let small = Seq2SeqConfig { source_vocabulary: 30, vocabulary: 40, width: 64, ..Seq2SeqConfig::default() };
/// assert!(small.validate().is_ok());
/// let classic = Seq2SeqConfig { dropout: 0.1, ..Seq2SeqConfig::of(Preset::Gpt2) };
/// assert!(classic.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Seq2SeqConfig {
    /// Number of tokens of sources, with their end.
    pub source_vocabulary: usize,
    /// Number of tokens of targets, with their end.
    pub vocabulary: usize,
    /// Tokens of a source at most, with its end.
    pub source_context: usize,
    /// Tokens of a target at most, with its start.
    pub context: usize,
    /// Blocks of the encoder.
    pub encoder_layers: usize,
    /// Blocks of the decoder.
    pub layers: usize,
    /// Features of a place.
    pub width: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and of values, a divisor of `heads`; null for as many.
    pub key_heads: Option<usize>,
    /// Features between the dense layers; null for `4 width`, of SwiGLU `8/3 width` up to a
    /// multiple of 16.
    pub hidden: Option<usize>,
    /// How a place enters. Rotary places turn the self-attention alone.
    pub positions: Positions,
    /// What is normalised, before each part of a block.
    pub norm: Norm,
    /// What the normalisations add to a variance.
    pub norm_epsilon: f64,
    /// The dense layers.
    pub feed: Feed,
    /// Whether queries and keys of each head are normalised (Henry et al. 2020).
    pub qk_norm: bool,
    /// Whether the layers of the attention have a bias.
    pub attention_bias: bool,
    /// Whether the dense layers have one.
    pub feed_bias: bool,
    /// Whether the last layer is the embedding of the targets' tokens (Press and Wolf 2017).
    pub tied: bool,
    /// Whether sources and targets have one vocabulary with one embedding.
    pub shared: bool,
    /// The share of features that training leaves out of embeddings and of what each part of a block
    /// adds. Weights of the attention are left alone.
    pub dropout: f64,
    /// The share of the probability that training spreads evenly over all tokens (Szegedy et al. 2016,
    /// section 7).
    pub label_smoothing: f64,
}

impl Default for Seq2SeqConfig {
    fn default() -> Self {
        Self::of(Preset::default())
    }
}

impl Seq2SeqConfig {
    /// A small model of an architecture: [`Preset::Gpt2`] is the classic one, with learned places, layer
    /// normalisation, GELU and biases.
    pub fn of(preset: Preset) -> Self {
        let gpt = GptConfig::of(preset);
        Self {
            source_vocabulary: 257,
            vocabulary: 257,
            source_context: 256,
            context: 256,
            encoder_layers: 3,
            layers: 3,
            width: 128,
            heads: 4,
            key_heads: None,
            hidden: None,
            positions: gpt.positions,
            norm: gpt.norm,
            norm_epsilon: gpt.norm_epsilon,
            feed: gpt.feed,
            qk_norm: gpt.qk_norm,
            attention_bias: gpt.attention_bias,
            feed_bias: gpt.feed_bias,
            tied: true,
            shared: false,
            dropout: 0.0,
            label_smoothing: 0.0,
        }
    }

    /// The decoder without its attention to the source.
    pub(super) fn decoder(&self) -> GptConfig {
        GptConfig {
            vocabulary: self.vocabulary,
            context: self.context,
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            key_heads: self.key_heads,
            head_width: None,
            hidden: self.hidden,
            positions: self.positions,
            norm: self.norm,
            norm_epsilon: self.norm_epsilon,
            feed: self.feed,
            qk_norm: self.qk_norm,
            attention_bias: self.attention_bias,
            feed_bias: self.feed_bias,
            tied: self.tied,
            window: None,
            dropout: self.dropout,
            ends: true,
            infill: 0.0,
            lora: None,
        }
    }

    /// The encoder as a network of the same blocks.
    pub(super) fn encoder(&self) -> GptConfig {
        GptConfig {
            vocabulary: self.source_vocabulary,
            context: self.source_context,
            layers: self.encoder_layers,
            tied: true,
            ..self.decoder()
        }
    }

    /// Checks the values.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let counts = [
            ("source_vocabulary", self.source_vocabulary),
            ("source_context", self.source_context),
        ];
        counts.into_iter().try_for_each(|(name, value)| check::at_least_one(name, value))?;
        check::layers("encoder_layers", self.encoder_layers)?;
        self.decoder().validate()?;
        if self.shared && self.source_vocabulary != self.vocabulary {
            let expected = format!("{}, as `vocabulary`, where it is shared", self.vocabulary);
            let got = self.source_vocabulary;
            return Err(ConfigError::value("source_vocabulary", expected, got));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let got = self.label_smoothing;
            return Err(ConfigError::value("label_smoothing", "in [0, 1)", got));
        }
        check::params("layers", self.count())
    }

    /// Number of parameters.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count())
    }

    fn count(&self) -> usize {
        let (encoder, decoder) = (self.encoder(), self.decoder());
        let (w, d) = (self.width, decoder.head_width());
        let bias = usize::from(self.attention_bias);
        let layer = |out: usize| out.saturating_mul(w.saturating_add(bias));
        let keys = 2 * decoder.key_heads() * d;
        let norm = if self.norm == Norm::Layer { 2 * w } else { w };
        let heads = if self.qk_norm { 2 * d } else { 0 };
        // All heads of queries together are as wide as the network.
        let cross = count::sum([norm, layer(w), layer(keys), layer(w), heads]);
        let shared = if self.shared { self.vocabulary.saturating_mul(w) } else { 0 };
        let all = [encoder.count(), decoder.count(), self.layers.saturating_mul(cross)];
        count::sum(all).saturating_sub(shared)
    }

    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Seq2Seq, ConfigError> {
        self.validate()?;
        Ok(Seq2Seq::new(self, seed, device))
    }
}
