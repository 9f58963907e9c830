//! The sampling chain: what is done to the logits of the next token, in the order that is asked for,
//! and the draw.
//!
//! A step changes logits, or sets those that are out to minus infinity. Masks equal those of Hugging
//! Face's `transformers` on the same logits (`tests/fixtures/warpers.json`).

mod bias;
mod dry;
mod eta;
mod min_p;
mod mirostat;
mod no_repeat;
mod occurrence;
mod repetition;
mod temperature;
mod top_k;
mod top_p;
mod typical;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use dry::Dry;
pub use mirostat::Mirostat;

use crate::DecodeError;

/// One step of a sampling chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Step {
    /// Logits divided by a number; 0 leaves the largest alone.
    Temperature(f64),
    /// The largest so many, and what is as large as the last of them (Fan et al. 2018).
    TopK(usize),
    /// The fewest of the largest whose probability is at least this (Holtzman et al. 2020).
    TopP(f64),
    /// Tokens of at least this share of the largest probability (Nguyen et al. 2024).
    MinP(f64),
    /// The tokens whose surprise is nearest to the entropy, up to this probability (Meister et al.
    /// 2023).
    Typical(f64),
    /// Tokens above a threshold that falls with the entropy (Hewitt et al. 2022).
    Eta(f64),
    /// Logits of tokens that were there divided by this where positive, else multiplied (Keskar et al.
    /// 2019).
    Repetition(f64),
    /// So much off a token's logit for each time that it was there.
    Frequency(f64),
    /// So much off a token's logit where it was there.
    Presence(f64),
    /// No run of so many tokens comes twice (Paulus et al. 2018).
    NoRepeat(usize),
    /// Numbers added to the logits of tokens.
    Bias(BTreeMap<u32, f64>),
    /// A penalty that grows with the length of the run that a token would repeat.
    Dry(Dry),
    /// A surprise that is held at a target (Basu et al. 2021, algorithm 2).
    Mirostat(Mirostat),
}

/// What a chain remembers of one sequence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// The most surprise that a token may have, of each mirostat.
    limits: Vec<Option<f64>>,
}

/// Steps in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(pub Vec<Step>);

impl Chain {
    /// Checks every step.
    ///
    /// # Errors
    /// The first number that cannot be used.
    pub fn validate(&self) -> Result<(), DecodeError> {
        self.0.iter().try_for_each(Step::validate)
    }

    /// Whether a draw changes what later draws see.
    pub fn remembers(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Mirostat(_)))
    }

    /// What the chain makes of logits, given the tokens before.
    pub fn apply(&self, logits: &mut [f32], before: &[u32], memory: &mut Memory) {
        memory.limits.resize(self.0.len(), None);
        for (step, limit) in self.0.iter().zip(&mut memory.limits) {
            step.apply(logits, before, limit);
        }
    }

    /// Draws a token of logits by one uniform number, and remembers what must be: the token, and its
    /// probability behind the chain.
    ///
    /// # Errors
    /// Logits of which none is finite, or one is NaN.
    pub fn draw(
        &self,
        logits: &[f32],
        uniform: f64,
        memory: &mut Memory,
    ) -> Result<(u32, f64), DecodeError> {
        let probabilities = probabilities(logits).ok_or(DecodeError::NoToken)?;
        let token = pick(&probabilities, uniform);
        let probability = probabilities[token as usize];
        for (step, limit) in self.0.iter().zip(&mut memory.limits) {
            if let (Step::Mirostat(mirostat), Some(limit)) = (step, limit) {
                mirostat.observe(probability, limit);
            }
        }
        Ok((token, probability))
    }
}

impl Step {
    fn validate(&self) -> Result<(), DecodeError> {
        let wrong = |name, expected, got: String| Err(DecodeError::Setting { name, expected, got });
        let share = |name, v: f64| match v > 0.0 && v <= 1.0 {
            true => Ok(()),
            false => wrong(name, "in (0, 1]", v.to_string()),
        };
        let finite = |name, v: f64| match v.is_finite() {
            true => Ok(()),
            false => wrong(name, "a finite number", v.to_string()),
        };
        match self {
            Self::Temperature(v) if !(v.is_finite() && *v >= 0.0) => {
                wrong("temperature", "at least 0", v.to_string())
            }
            Self::TopK(0) => wrong("top_k", "at least 1", "0".into()),
            Self::NoRepeat(0) => wrong("no_repeat_ngram", "at least 1", "0".into()),
            Self::TopP(v) => share("top_p", *v),
            Self::MinP(v) if !(0.0..=1.0).contains(v) => wrong("min_p", "in [0, 1]", v.to_string()),
            Self::Typical(v) if !(*v > 0.0 && *v < 1.0) => {
                wrong("typical_p", "in (0, 1)", v.to_string())
            }
            Self::Eta(v) if !(*v > 0.0 && *v < 1.0) => wrong("eta", "in (0, 1)", v.to_string()),
            Self::Repetition(v) if !(v.is_finite() && *v > 0.0) => {
                wrong("repetition_penalty", "above 0", v.to_string())
            }
            Self::Frequency(v) => finite("frequency_penalty", *v),
            Self::Presence(v) => finite("presence_penalty", *v),
            Self::Bias(biases) if biases.values().any(|v| v.is_nan()) => {
                wrong("logit_bias", "numbers", "NaN".into())
            }
            Self::Dry(dry) => dry.validate(),
            Self::Mirostat(mirostat) => mirostat.validate(),
            _ => Ok(()),
        }
    }

    fn apply(&self, logits: &mut [f32], before: &[u32], limit: &mut Option<f64>) {
        match self {
            Self::Temperature(temperature) => temperature::apply(logits, *temperature),
            Self::TopK(k) => top_k::apply(logits, *k),
            Self::TopP(p) => top_p::apply(logits, *p),
            Self::MinP(p) => min_p::apply(logits, *p),
            Self::Typical(p) => typical::apply(logits, *p),
            Self::Eta(epsilon) => eta::apply(logits, *epsilon),
            Self::Repetition(penalty) => repetition::apply(logits, before, *penalty),
            Self::Frequency(penalty) => occurrence::frequency(logits, before, *penalty),
            Self::Presence(penalty) => occurrence::presence(logits, before, *penalty),
            Self::NoRepeat(n) => no_repeat::apply(logits, before, *n),
            Self::Bias(biases) => bias::apply(logits, biases),
            Self::Dry(dry) => dry.apply(logits, before),
            Self::Mirostat(mirostat) => mirostat.apply(logits, limit),
        }
    }
}

/// What is out.
const OUT: f32 = f32::NEG_INFINITY;

/// The probabilities of logits; None where one is NaN or infinite, or none is finite.
pub fn probabilities(logits: &[f32]) -> Option<Vec<f64>> {
    let most = logits.iter().copied().fold(OUT, f32::max);
    if !most.is_finite() || logits.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut out: Vec<f64> =
        logits.iter().map(|&v| (f64::from(v) - f64::from(most)).exp()).collect();
    let total: f64 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= total);
    Some(out)
}

/// The entry whose share of (0, 1) holds the number: shares lie in the order of the tokens.
pub(crate) fn pick(probabilities: &[f64], uniform: f64) -> u32 {
    let mut sum = 0.0;
    let mut last = 0;
    for (token, &p) in probabilities.iter().enumerate() {
        if p > 0.0 {
            sum += p;
            last = token as u32;
            if uniform < sum {
                break;
            }
        }
    }
    last
}

/// The tokens with the largest logits first; equal ones in their order.
pub(crate) fn descending(logits: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order
}

#[cfg(test)]
mod tests;
