//! Language models of `pyrogen-autoregressive` as users write with them on a CPU, and byte pairs learnt from
//! a text.

use std::path::PathBuf;
use std::sync::Arc;

use pyrogen::autoregressive::{
    Gpt, GptConfig, Int8Gpt, LanguageModel, Packed, Preset, Start, TextModel, Tokenizer,
    TokenizerChoice,
};
use pyrogen::core::{Noise, Seed};

use crate::language::Write;
use crate::workload::{Plan, Workload, first, plain};

/// Characters and the end: 65 tokens.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";

/// GPT-2's architecture, 6 layers of 384 features in 6 heads.
fn network(plan: Plan, context: usize) -> Gpt {
    let config = GptConfig {
        vocabulary: 65,
        context: plan.pick(context, 16),
        layers: plan.pick(6, 1),
        width: plan.pick(384, 16),
        heads: plan.pick(6, 2),
        ..GptConfig::of(Preset::Gpt2)
    };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn write_with<M: LanguageModel + 'static>(network: M, plan: Plan, texts: u64) -> Box<dyn Workload> {
    let tokenizer = Tokenizer::new(TokenizerChoice::Characters, &[LETTERS]).expect("characters");
    let model = TextModel::new(network, Arc::new(tokenizer));
    Box::new(Write { model, texts, tokens: plan.pick(256, 5) })
}

fn write(plan: Plan, texts: u64) -> Box<dyn Workload> {
    write_with(network(plan, 260), plan, texts)
}

/// One text of 256 tokens by weights of eight bits.
pub fn one_int8(plan: Plan) -> Box<dyn Workload> {
    write_with(Int8Gpt::of(network(plan, 260)), plan, 1)
}

/// Sixteen texts side by side by weights of eight bits.
pub fn sixteen_int8(plan: Plan) -> Box<dyn Workload> {
    write_with(Int8Gpt::of(network(plan, 260)), plan, plan.pick(16, 3))
}

/// One text of 256 tokens.
pub fn one(plan: Plan) -> Box<dyn Workload> {
    write(plan, 1)
}

/// Sixteen texts side by side.
pub fn sixteen(plan: Plan) -> Box<dyn Workload> {
    write(plan, plan.pick(16, 3))
}

/// Sixty-four texts side by side.
pub fn sixty_four(plan: Plan) -> Box<dyn Workload> {
    write(plan, plan.pick(64, 5))
}

struct Prefill {
    network: Gpt,
    tokens: Packed,
}

/// A prompt of 1,024 tokens, up to the logits of the token behind it.
pub fn prefill(plan: Plan) -> Box<dyn Workload> {
    let places = plan.pick(1024, 16);
    let tokens = (0..places as u32).map(|i| i * 37 % 65).collect();
    Box::new(Prefill { network: network(plan, 1024), tokens: Packed::new(tokens, places) })
}

impl Workload for Prefill {
    fn run(&mut self) -> f64 {
        let start = Start { rows: 1, longest: self.tokens.places() };
        let mut state = self.network.start(start);
        first(self.network.advance(&self.tokens, &mut state))
    }
}

/// Where the text lies that both sides learn pairs from.
pub fn file() -> PathBuf {
    std::env::temp_dir().join("pyrogen-bench-words.txt")
}

/// Words of syllables, as frequent as in a language (Zipf 1949), twelve a line.
fn text(bytes: usize) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "va", "we", "xi", "yo", "zu", "an", "er", "is", "on", "ut", "al", "en", "ir", "os", "un",
        "th", "ck",
    ];
    let noise = Noise::new(Seed(1)).fork("bench").fork("words");
    let mut draws = noise.fork("lexicon").uniform_vec(4 * 40_000).into_iter();
    let words: Vec<String> = (0..40_000)
        .map(|rank| {
            let length = 1 + (f64::from(rank + 1).log10() as usize).min(3);
            let syllable = |u: f64| SYLLABLES[(u * 32.0) as usize];
            draws.by_ref().take(4).take(length).map(syllable).collect()
        })
        .collect();
    let mut out = String::with_capacity(bytes + 64);
    let ranks = noise.fork("text").uniform_vec(bytes / 3);
    for (i, u) in ranks.into_iter().enumerate() {
        if out.len() >= bytes {
            break;
        }
        let rank = (words.len() as f64).powf(u) as usize - 1;
        out.push_str(&words[rank.min(words.len() - 1)]);
        out.push(if i % 12 == 11 { '\n' } else { ' ' });
    }
    out
}

struct Pairs {
    text: String,
    tokens: usize,
}

/// Byte pairs of 8,000 tokens learnt from 5 MB of text.
pub fn pairs(plan: Plan) -> Box<dyn Workload> {
    let text = match plan.pick(true, false) {
        true => {
            if !file().exists() {
                std::fs::write(file(), text(5_000_000)).expect("room for the text");
            }
            std::fs::read_to_string(file()).expect("the text")
        }
        false => text(2_000),
    };
    Box::new(Pairs { text, tokens: plan.pick(8_000, 300) })
}

impl Workload for Pairs {
    /// The tokens that there are.
    fn run(&mut self) -> f64 {
        let choice = TokenizerChoice::Bpe { tokens: self.tokens };
        let tokenizer = Tokenizer::new(choice, &[&self.text]).expect("enough tokens");
        tokenizer.tokens() as f64
    }
}
