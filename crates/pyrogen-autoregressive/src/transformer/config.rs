//! Sizes and choices of a transformer.

use burn::tensor::Device;
use pyrogen_core::config::{check, count};
use pyrogen_core::{ConfigError, Seed};
use serde::{Deserialize, Serialize};

use super::Gpt;
use crate::lora::LoraConfig;

/// How a place enters the network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Positions {
    /// A learned vector a place, added to the token's (Radford et al. 2018).
    Learned,
    /// Queries and keys are turned by angles that grow with the place (Su et al. 2021).
    Rotary(RotaryConfig),
    /// Sines and cosines of the place are added to the token's vector, which is multiplied by
    /// `sqrt(width)` (Vaswani et al. 2017, sections 3.4 and 3.5).
    Sinusoidal,
}

/// Rotary position embedding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RotaryConfig {
    /// The longest wavelength is `2 pi base`.
    pub base: f64,
    /// How a context longer than that of training is reached.
    pub scaling: RotaryScaling,
}

impl Default for RotaryConfig {
    fn default() -> Self {
        Self { base: 10_000.0, scaling: RotaryScaling::None }
    }
}

/// How angles are stretched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RotaryScaling {
    /// Not at all.
    #[default]
    None,
    /// Places are divided by a factor (Chen et al. 2023).
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Long wavelengths are stretched, short ones kept, as Llama 3.1 does.
    Llama3 {
        /// The factor of long wavelengths.
        factor: f64,
        /// The context over the wavelength below which a wavelength is long.
        low: f64,
        /// The context over the wavelength above which a wavelength is short.
        high: f64,
        /// The context of training.
        context: f64,
    },
}

impl RotaryConfig {
    /// The angle a place adds, for each pair of a head of `d` features.
    pub(crate) fn frequencies(&self, d: usize) -> Vec<f64> {
        let plain = (0..d / 2).map(|i| self.base.powf(-2.0 * i as f64 / d as f64));
        plain.map(|f| self.scaling.of(f)).collect()
    }
}

impl RotaryScaling {
    fn of(self, frequency: f64) -> f64 {
        match self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low, high, context } => {
                let turns = context * frequency / std::f64::consts::TAU;
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                (1.0 - kept) * frequency / factor + kept * frequency
            }
        }
    }
}

/// What is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Norm {
    /// Mean and variance (Ba et al. 2016).
    Layer,
    /// The root mean square (Zhang and Sennrich 2019).
    Rms,
}

/// The dense layers of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Feed {
    /// GELU between two layers.
    Gelu,
    /// Its approximation by a hyperbolic tangent, which GPT-2 has.
    GeluTanh,
    /// `max(x, 0)` between two layers (Vaswani et al. 2017).
    Relu,
    /// `silu(x W_gate) * (x W_up)`, then a layer (Shazeer 2020).
    Swiglu,
}

/// An architecture that a config starts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// Radford et al. 2019: learned places, layer normalisation, GELU, biases.
    Gpt2,
    /// Rotary places, root mean square, SwiGLU, normalised queries and keys, no biases.
    #[default]
    Modern,
}

/// Configuration of a [`Gpt`].
///
/// ```
/// use pyrogen_autoregressive::{GptConfig, Preset};
///
/// let small = GptConfig { vocabulary: 65, layers: 2, width: 48, ..GptConfig::of(Preset::Gpt2) };
/// assert!(small.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GptConfig {
    /// Number of tokens, with the end of a document.
    pub vocabulary: usize,
    /// Places that the network reads at most.
    pub context: usize,
    /// Blocks.
    pub layers: usize,
    /// Features of a place.
    pub width: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and of values, a divisor of `heads`; null for as many.
    pub key_heads: Option<usize>,
    /// Features of a head; null for `width / heads`.
    pub head_width: Option<usize>,
    /// Features between the dense layers; null for `4 width`, of SwiGLU `8/3 width` up to a
    /// multiple of 16.
    pub hidden: Option<usize>,
    /// How a place enters.
    pub positions: Positions,
    /// What is normalised.
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
    /// Whether the last layer is the embedding of tokens (Press and Wolf 2017).
    pub tied: bool,
    /// Places that a query sees at most, its own with them; null for all.
    pub window: Option<usize>,
    /// The share of features that training leaves out of embeddings and of what each half of a block
    /// adds. Weights of the attention are left alone.
    pub dropout: f64,
    /// Whether texts end: the end of a document is then learnt, drawn and scored. A model of one long
    /// text has no ends.
    pub ends: bool,
    /// The share of documents that training reads with their middle at the end, so that the model also
    /// fills gaps between two texts. It takes three tokens more. 0 for none.
    pub infill: f64,
    /// Adapters of low rank, which alone are trained; null for none.
    pub lora: Option<LoraConfig>,
}

impl Default for GptConfig {
    fn default() -> Self {
        Self::of(Preset::default())
    }
}

impl GptConfig {
    /// A small model of an architecture.
    pub fn of(preset: Preset) -> Self {
        let gpt2 = Self {
            vocabulary: 257,
            context: 256,
            layers: 6,
            width: 192,
            heads: 6,
            key_heads: None,
            head_width: None,
            hidden: None,
            positions: Positions::Learned,
            norm: Norm::Layer,
            norm_epsilon: 1e-5,
            feed: Feed::GeluTanh,
            qk_norm: false,
            attention_bias: true,
            feed_bias: true,
            tied: true,
            window: None,
            dropout: 0.0,
            ends: true,
            infill: 0.0,
            lora: None,
        };
        match preset {
            Preset::Gpt2 => gpt2,
            Preset::Modern => Self {
                positions: Positions::Rotary(RotaryConfig::default()),
                norm: Norm::Rms,
                feed: Feed::Swiglu,
                qk_norm: true,
                attention_bias: false,
                feed_bias: false,
                ..gpt2
            },
        }
    }

    pub(crate) fn key_heads(&self) -> usize {
        self.key_heads.unwrap_or(self.heads)
    }

    pub(crate) fn head_width(&self) -> usize {
        self.head_width.unwrap_or(self.width / self.heads.max(1))
    }

    pub(crate) fn hidden(&self) -> usize {
        self.hidden.unwrap_or(match self.feed {
            Feed::Swiglu => (self.width * 8 / 3).next_multiple_of(16),
            _ => 4 * self.width,
        })
    }

    /// Checks the values.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse =
            |name: &str, expected: &str, got: usize| Err(ConfigError::value(name, expected, got));
        for (name, value) in [
            ("vocabulary", self.vocabulary),
            ("context", self.context),
            ("width", self.width),
            ("heads", self.heads),
            ("key_heads", self.key_heads()),
            ("hidden", self.hidden()),
            ("window", self.window.unwrap_or(1)),
        ] {
            check::at_least_one(name, value)?;
        }
        check::layers("layers", self.layers)?;
        check::at_least_one("head_width", self.head_width())?;
        if self.head_width.is_none() && !self.width.is_multiple_of(self.heads) {
            return refuse("heads", "a divisor of the width", self.heads);
        }
        if !self.heads.is_multiple_of(self.key_heads()) {
            return refuse("key_heads", "a divisor of the heads", self.key_heads());
        }
        if let Positions::Rotary(rotary) = &self.positions {
            check::positive("positions.rotary.base", rotary.base)?;
            if !self.head_width().is_multiple_of(2) {
                return refuse("head_width", "even with rotary places", self.head_width());
            }
        }
        check::positive("norm_epsilon", self.norm_epsilon)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ConfigError::value("dropout", "in [0, 1)", self.dropout));
        }
        if !(0.0..=1.0).contains(&self.infill) {
            return Err(ConfigError::value("infill", "in [0, 1]", self.infill));
        }
        if self.infill > 0.0 && !self.ends {
            let expected = "0 for a text without ends: gaps are those of many documents";
            return Err(ConfigError::value("infill", expected, self.infill));
        }
        if let Some(lora) = &self.lora {
            lora.validate()?;
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

    pub(crate) fn count(&self) -> usize {
        let (w, d, hidden) = (self.width, self.head_width(), self.hidden());
        let inner = self.heads.saturating_mul(d);
        let qkv = (self.heads + 2 * self.key_heads()).saturating_mul(d);
        let layer = |into: usize, out: usize, bias: bool| {
            let lora =
                self.lora.map_or(0, |lora| count::product(&[lora.rank, into.saturating_add(out)]));
            count::sum([into.saturating_mul(out), lora, if bias { out } else { 0 }])
        };
        let norm = match self.norm {
            Norm::Layer => 2 * w,
            Norm::Rms => w,
        };
        let feed = match self.feed {
            Feed::Swiglu => 2,
            _ => 1,
        };
        let block = count::sum([
            2 * norm,
            layer(w, qkv, self.attention_bias),
            layer(inner, w, self.attention_bias),
            layer(w, hidden.saturating_mul(feed), self.feed_bias),
            layer(hidden, w, self.feed_bias),
            if self.qk_norm { 2 * d } else { 0 },
        ]);
        let table = self.vocabulary.saturating_mul(w);
        let places = match self.positions {
            Positions::Learned => self.context.saturating_mul(w),
            Positions::Rotary(_) | Positions::Sinusoidal => 0,
        };
        let head = if self.tied { 0 } else { table };
        count::sum([table, places, head, norm, self.layers.saturating_mul(block)])
    }

    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Gpt, ConfigError> {
        self.validate()?;
        Ok(Gpt::new(self, seed, device))
    }
}
