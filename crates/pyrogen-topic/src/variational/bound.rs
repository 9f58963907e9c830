//! The evidence lower bound.

use pyrogen_core::special::host::{digamma, lgamma};
use rayon::prelude::*;

use super::{Variational, WORDS};
use crate::fold::{Folded, document_bound, fold};
use crate::{Corpus, TopicError};

impl Variational {
    /// The bound on the log-likelihood of documents, old or new, in nats:
    ///
    /// ```text
    /// Σ_d E[ln p(w_d | θ_d, topics) + ln p(θ_d | alpha) - ln q(θ_d)] scale
    ///     + Σ_k E[ln p(topic_k | eta) - ln q(topic_k)]
    /// ```
    ///
    /// with `q(θ_d)` fitted from ones. `scale` is 1 for all documents, and `D / n` for `n` of `D`; the
    /// perplexity of scikit-learn and gensim is `exp(-bound / (scale words))`.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    ///
    /// # References
    /// Hoffman, Blei and Bach (2010), equations 1 and 4.
    pub fn bound(&self, corpus: &Corpus, scale: f64) -> Result<f64, TopicError> {
        self.fits(corpus)?;
        let folded = fold(corpus, &self.weights(), &self.alpha, None, self.limits());
        Ok(scale * self.documents_bound(corpus, &folded) + self.topics_bound())
    }

    pub(super) fn documents_bound(&self, corpus: &Corpus, folded: &Folded) -> f64 {
        let one = |d: usize| {
            let gamma = &folded.gamma(d)[..self.config.topics];
            document_bound(&self.alpha, gamma, folded.logs[d], corpus.document(d).tokens())
        };
        let parts: Vec<f64> = (0..corpus.len()).into_par_iter().map(one).collect();
        parts.iter().sum()
    }

    /// `Σ_k E[ln p(topic_k | eta) - ln q(topic_k)]`.
    pub(super) fn topics_bound(&self) -> f64 {
        let (topics, eta) = (self.config.topics, self.eta);
        let totals = self.totals();
        let bases: Vec<f64> = totals.iter().map(|t| digamma(*t)).collect();
        let prior = lgamma(eta);
        let one = |rows: &[f64]| -> f64 {
            let row = |row: &[f64]| -> f64 {
                let part =
                    |(v, base): (&f64, &f64)| (eta - v) * (digamma(*v) - base) + lgamma(*v) - prior;
                row.iter().zip(&bases).map(part).sum()
            };
            rows.chunks(topics).map(row).sum()
        };
        let parts: Vec<f64> = self.lambda.par_chunks(WORDS * topics).map(one).collect();
        let ends: f64 = totals.iter().map(|t| lgamma(eta * self.words as f64) - lgamma(*t)).sum();
        parts.iter().sum::<f64>() + ends
    }
}
