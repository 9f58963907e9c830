//! The layers of `transformers` that stand within the layers of this crate.

use crate::{Feed, GptConfig, Norm, Positions};

/// The networks of `transformers` that this crate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gpt2,
    Llama,
}

/// A layer of `transformers` within one of ours.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) width: usize,
}

impl Kind {
    pub(super) fn of(config: &GptConfig) -> Option<Self> {
        match (config.norm, config.feed, &config.positions) {
            (Norm::Rms, Feed::Swiglu, Positions::Rotary(_)) => Some(Self::Llama),
            (Norm::Layer, Feed::Gelu | Feed::GeluTanh, Positions::Learned) => Some(Self::Gpt2),
            _ => None,
        }
    }

    /// What stands before a block's number.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Gpt2 => "transformer.h.",
            Self::Llama => "model.layers.",
        }
    }

    /// Our layers of a block, each with theirs side by side.
    pub(super) fn layers(self, config: &GptConfig) -> [(&'static str, Vec<Part>); 4] {
        let (d, width, hidden) = (config.head_width(), config.width, config.hidden());
        let (inner, keys) = (config.heads * d, config.key_heads() * d);
        let parts = |parts: &[(&'static str, usize)]| {
            parts.iter().map(|&(name, width)| Part { name, width }).collect::<Vec<_>>()
        };
        match self {
            Self::Gpt2 => [
                ("qkv", parts(&[("attn.c_attn", inner + 2 * keys)])),
                ("projection", parts(&[("attn.c_proj", width)])),
                ("wide", parts(&[("mlp.c_fc", hidden)])),
                ("narrow", parts(&[("mlp.c_proj", width)])),
            ],
            Self::Llama => [
                (
                    "qkv",
                    parts(&[
                        ("self_attn.q_proj", inner),
                        ("self_attn.k_proj", keys),
                        ("self_attn.v_proj", keys),
                    ]),
                ),
                ("projection", parts(&[("self_attn.o_proj", width)])),
                ("wide", parts(&[("mlp.gate_proj", hidden), ("mlp.up_proj", hidden)])),
                ("narrow", parts(&[("mlp.down_proj", width)])),
            ],
        }
    }

    /// Inputs of one of our layers.
    pub(super) fn inputs(self, config: &GptConfig, name: &str) -> usize {
        match name {
            "projection" => config.heads * config.head_width(),
            "narrow" => config.hidden(),
            _ => config.width,
        }
    }
}
