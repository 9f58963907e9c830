//! Language models from outside.

mod adapters;
mod constraints;
mod decoding;
mod door;
mod gguf;
mod grammars;
mod int8;
mod muon;
mod networks;
mod pretrained;
mod reference;
mod searches;
mod sentencepiece;
mod seq2seq;
mod tokens;
mod training;
mod translation;
mod warpers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen_autoregressive::{
    Cell, Feed, Gpt, GptConfig, GptText, LanguageModel, Norm, Packed, Positions, Preset, Recurrent,
    RecurrentConfig, RotaryConfig, TextModel, Tokenizer, TokenizerChoice,
};
use pyrogen_core::{Noise, Seed};
use pyrogen_testkit::device;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The largest difference, relative to the largest value or one.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let most = b.iter().fold(1f64, |m, v| m.max(v.abs()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / most).fold(0.0, f64::max)
}

/// Small networks of every choice.
fn gpts() -> Vec<(&'static str, GptConfig)> {
    let small = |preset| GptConfig {
        vocabulary: 7,
        context: 12,
        layers: 2,
        width: 16,
        heads: 4,
        ..GptConfig::of(preset)
    };
    let (old, new) = (small(Preset::Gpt2), small(Preset::Modern));
    vec![
        ("gpt2", old.clone()),
        ("gpt2 untied", GptConfig { tied: false, feed: Feed::Gelu, ..old.clone() }),
        ("modern", new.clone()),
        ("grouped", GptConfig { key_heads: Some(2), qk_norm: false, ..new.clone() }),
        ("one key head", GptConfig { key_heads: Some(1), head_width: Some(6), ..new.clone() }),
        ("waves", GptConfig { positions: Positions::Sinusoidal, feed: Feed::Relu, ..old.clone() }),
        ("window", GptConfig { window: Some(3), ..new.clone() }),
        (
            "mixed",
            GptConfig {
                norm: Norm::Layer,
                positions: Positions::Rotary(RotaryConfig::default()),
                qk_norm: true,
                ..old
            },
        ),
    ]
}

/// A network with weights that say something: the first ones are small.
fn gpt(config: &GptConfig) -> Gpt {
    sharpened(config.init(Seed(3), &device()).unwrap())
}

fn recurrent(cell: Cell) -> Recurrent {
    let config = RecurrentConfig {
        vocabulary: 7,
        context: 12,
        cell,
        layers: 2,
        width: 16,
        ..RecurrentConfig::default()
    };
    sharpened(config.init(Seed(3), &device()).unwrap())
}

/// Weights with more spread.
fn sharpened<M: burn::module::Module>(model: M) -> M {
    struct Spread(Noise);
    impl burn::module::ModuleMapper for Spread {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<burn::tensor::Tensor<D>>,
        ) -> burn::module::Param<burn::tensor::Tensor<D>> {
            let device = param.device();
            let added = self.0.normal(param.dims(), &device) * 0.3;
            param.map(|value| value + added)
        }
    }
    model.map(&mut Spread(Noise::new(Seed(11)).fork("spread")))
}

/// Letters `a` to `f` and the end.
fn letters() -> Arc<Tokenizer> {
    Arc::new(Tokenizer::new(TokenizerChoice::Characters, &["abcdef"]).unwrap())
}

fn text_model(config: &GptConfig) -> GptText {
    TextModel::new(gpt(config), letters())
}

/// Logits of rows, row by row.
fn logits<N: LanguageModel>(model: &N, rows: &Packed) -> Vec<f64> {
    pyrogen_testkit::host(model.logits(rows, &Default::default()))
}
