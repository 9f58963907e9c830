//! Contrastive search: the most probable token that does not say again what was said.

use burn::tensor::Tensor;

use super::run::host;
use super::{Completion, Decoder};
use crate::batch::int_tensor;
use crate::language::{LanguageModel, Start};
use crate::sampling::{descending, probabilities};
use crate::{DecodeError, Packed};

/// How a contrastive search goes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contrastive {
    /// The weight of the penalty, from 0 (the most probable token) to 1.
    pub alpha: f64,
    /// Tokens that are looked at in each step: the most probable so many.
    pub k: usize,
}

impl Default for Contrastive {
    fn default() -> Self {
        Self { alpha: 0.6, k: 4 }
    }
}

impl Contrastive {
    fn validate(&self) -> Result<(), DecodeError> {
        let wrong = |name, expected, got: String| Err(DecodeError::Setting { name, expected, got });
        if !(0.0..=1.0).contains(&self.alpha) {
            return wrong("contrastive.alpha", "in [0, 1]", self.alpha.to_string());
        }
        if self.k == 0 {
            return wrong("contrastive.k", "at least 1", "0".into());
        }
        Ok(())
    }
}

/// Features of tokens, each of length 1.
struct Directions {
    width: usize,
    values: Vec<f32>,
}

impl Directions {
    /// Of `[rows, places, width]`, row by row.
    fn of(features: Tensor<3>) -> Self {
        let width = features.dims()[2];
        let mut values: Vec<f32> = features.into_data().iter::<f32>().collect();
        for row in values.chunks_exact_mut(width) {
            let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            let factor = if length > 0.0 { (1.0 / length) as f32 } else { 0.0 };
            row.iter_mut().for_each(|v| *v *= factor);
        }
        Self { width, values }
    }

    fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..][..self.width]
    }

    /// The largest cosine between these and a direction.
    fn nearest(&self, direction: &[f32]) -> f64 {
        let cosine = |row: &[f32]| {
            row.iter().zip(direction).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
        };
        self.values.chunks_exact(self.width).map(cosine).fold(f64::NEG_INFINITY, f64::max)
    }
}

impl<N: LanguageModel> Decoder<'_, N> {
    /// The completion of a contrastive search, which draws nothing:
    ///
    /// ```text
    /// token = argmax over the k most probable v of
    ///         (1 - alpha) p(v) - alpha max over the tokens x before of cos(h(v), h(x))
    /// ```
    ///
    /// with the features `h` that the last layer reads. `p` is behind the sampling chain. The sequence
    /// ends where the context does.
    ///
    /// # Errors
    /// A prompt that leaves no room, a setting that cannot be used, or logits that are no numbers.
    ///
    /// # Panics
    /// If the model is one of several sources.
    ///
    /// # References
    /// Su et al. 2022, equation 5.
    pub fn contrastive_search(
        &self,
        prompt: &str,
        search: &Contrastive,
    ) -> Result<Completion, DecodeError> {
        search.validate()?;
        self.one_source();
        let (network, tokens) = (self.model.network(), self.framed(prompt)?);
        let vocabulary = network.vocabulary();
        // A token is read before it is chosen: all of them have to fit.
        let most = self.room(tokens.len() + 1)?;
        let rows = search.k.min(vocabulary).next_multiple_of(network.unit());
        let mut state = network.start(Start { rows, longest: tokens.len().saturating_add(most) });
        let packed = Packed::new(tokens.repeat(rows), tokens.len());
        let features = network.represent(&packed, &mut state);
        let mut past = Directions::of(features.clone().narrow(0, 0, 1));
        let last = network.predict(features.narrow(1, tokens.len() - 1, 1));
        let mut logits = host(last.reshape([rows, vocabulary]));
        logits.truncate(vocabulary);
        let mut item = self.item(0, tokens, most)?;
        while item.finish.is_none() {
            let plain = probabilities(&logits).ok_or(DecodeError::NoToken)?;
            self.weigh(&mut logits, &mut item);
            let p = probabilities(&logits).ok_or(DecodeError::NoToken)?;
            let mut candidates = descending(&logits);
            candidates.truncate(search.k);
            candidates.retain(|&token| p[token] > 0.0);
            let mut read: Vec<u32> = candidates.iter().map(|&token| token as u32).collect();
            read.resize(rows, read[read.len() - 1]);
            let features = network.represent(&Packed::new(read, 1), &mut state);
            let next = Directions::of(features.clone());
            let score = |row: usize| {
                let near = past.nearest(next.row(row));
                (1.0 - search.alpha) * p[candidates[row]] - search.alpha * near
            };
            let scores: Vec<f64> = (0..candidates.len()).map(score).collect();
            let best = (1..scores.len()).fold(0, |b, i| if scores[i] > scores[b] { i } else { b });
            let token = candidates[best];
            self.take(&mut item, token as u32, -plain[token].ln());
            past.values.extend_from_slice(next.row(best));
            let all = host(network.predict(features).reshape([rows, vocabulary]));
            logits = all[best * vocabulary..][..vocabulary].to_vec();
            let from = int_tensor(&vec![best as u32; rows], [rows], &network.device());
            network.select(&mut state, &from);
        }
        Ok(item.completion())
    }
}
