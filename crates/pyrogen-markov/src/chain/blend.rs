//! Chains combined with weights.

use super::ngram::TokenModel;
use crate::MarkovError;

/// A mixture of models over the same symbols: `p(w | h) = Σ_m weights[m] p_m(w | h)`.
///
/// # References
/// Jelinek and Mercer (1980): weights by expectation maximisation on held-out text.
pub struct Blend<'a> {
    models: Vec<&'a dyn TokenModel>,
    weights: Vec<f64>,
}

impl std::fmt::Debug for Blend<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blend").field("weights", &self.weights).finish_non_exhaustive()
    }
}

impl<'a> Blend<'a> {
    /// Models with weights, which are divided by their sum.
    ///
    /// # Errors
    /// No models, models of other symbols than the first, weights that are negative or all 0.
    pub fn new(models: Vec<&'a dyn TokenModel>, weights: Vec<f64>) -> Result<Self, MarkovError> {
        let Some(first) = models.first() else { return Err(MarkovError::Empty { what: "models" }) };
        if weights.len() != models.len() {
            let (expected, got) = (models.len(), weights.len());
            return Err(MarkovError::Count { name: "weights", expected, got });
        }
        if let Some(other) =
            models.iter().find(|m| m.outcomes() != first.outcomes() || m.end() != first.end())
        {
            let expected = format!("models of {} symbols, ends modelled alike", first.outcomes());
            return Err(MarkovError::request("models", expected, other.outcomes()));
        }
        if let Some(place) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            return Err(MarkovError::Weight { place, value: weights[place] });
        }
        let total: f64 = weights.iter().sum();
        if total == 0.0 {
            return Err(MarkovError::request("weights", "one weight above 0", "none"));
        }
        Ok(Self { weights: weights.iter().map(|w| w / total).collect(), models })
    }

    /// The same models with the weights that fit held-out sequences best, by `rounds` rounds of
    /// expectation maximisation from equal weights.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a symbol that a model does not have.
    pub fn fitted(
        models: Vec<&'a dyn TokenModel>,
        held_out: &[&[u32]],
        rounds: usize,
    ) -> Result<Self, MarkovError> {
        let equal = vec![1.0; models.len()];
        let mut blend = Self::new(models, equal)?;
        let mut logs = Vec::new();
        for model in &blend.models {
            let mut own = Vec::new();
            for sequence in held_out {
                own.extend(model.log_probabilities(sequence)?);
            }
            logs.push(own);
        }
        let tokens = logs[0].len();
        if tokens == 0 {
            return Err(MarkovError::Empty { what: "held-out symbols" });
        }
        for _ in 0..rounds {
            let mut sums = vec![0.0; blend.weights.len()];
            for t in 0..tokens {
                let parts: Vec<f64> =
                    blend.weights.iter().zip(&logs).map(|(w, l)| w * l[t].exp()).collect();
                let total: f64 = parts.iter().sum();
                if total > 0.0 {
                    sums.iter_mut().zip(&parts).for_each(|(sum, p)| *sum += p / total);
                }
            }
            let total: f64 = sums.iter().sum();
            if total > 0.0 {
                blend.weights = sums.iter().map(|s| s / total).collect();
            }
        }
        Ok(blend)
    }

    /// The weights; they add up to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

impl TokenModel for Blend<'_> {
    fn outcomes(&self) -> usize {
        self.models[0].outcomes()
    }

    fn end(&self) -> Option<u32> {
        self.models[0].end()
    }

    fn log_probabilities(&self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError> {
        let mut sums: Vec<f64> = Vec::new();
        for (model, weight) in self.models.iter().zip(&self.weights) {
            let own = model.log_probabilities(sequence)?;
            sums.resize(own.len(), 0.0);
            sums.iter_mut().zip(own).for_each(|(sum, log)| *sum += weight * log.exp());
        }
        Ok(sums.into_iter().map(f64::ln).collect())
    }

    fn next(&self, before: &[u32]) -> Result<Vec<f64>, MarkovError> {
        let mut sums = vec![0.0; self.outcomes()];
        for (model, weight) in self.models.iter().zip(&self.weights) {
            let own = model.next(before)?;
            sums.iter_mut().zip(own).for_each(|(sum, p)| *sum += weight * p);
        }
        Ok(sums)
    }
}
