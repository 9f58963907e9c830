//! The probability of words and assignments.

use pyrogen_core::special::host::lgamma;
use rayon::prelude::*;

use super::{BLOCK, Gibbs, column_sums};
use crate::{Corpus, TopicError};

/// `ln Γ(n + a) - ln Γ(a)` for whole `n`: a table of the first.
struct Rising {
    a: f64,
    base: f64,
    table: Vec<f64>,
}

impl Rising {
    fn new(a: f64) -> Self {
        let mut sum = 0.0;
        let next = |n: usize| {
            let out = sum;
            sum += (a + n as f64).ln();
            out
        };
        Self { a, base: lgamma(a), table: (0..64).map(next).collect() }
    }

    fn at(&self, n: f64) -> f64 {
        match self.table.get(n as usize) {
            Some(value) => *value,
            None => lgamma(n + self.a) - self.base,
        }
    }
}

impl Gibbs {
    /// `ln p(words, assignments | alpha, beta)` in nats, topics and shares integrated out.
    ///
    /// # Errors
    /// Other documents than those of the start.
    ///
    /// # References
    /// Griffiths and Steyvers (2004), equations 2 and 3.
    pub fn log_joint(&self, corpus: &Corpus) -> Result<f64, TopicError> {
        self.fits(corpus)?;
        Ok(self.words_part(corpus) + self.documents_part(corpus))
    }

    /// `ln p(words | assignments)`.
    fn words_part(&self, corpus: &Corpus) -> f64 {
        let topics = self.config.topics;
        let by_words = corpus.by_words();
        let rising = Rising::new(self.beta);
        let block = |block: usize| -> (f64, Vec<f64>) {
            let (mut sum, mut totals) = (0.0, vec![0.0; topics]);
            let mut row = vec![0.0; topics];
            for word in block * BLOCK..((block + 1) * BLOCK).min(self.words) {
                row.fill(0.0);
                self.count(by_words.word(word), &mut row);
                for (n, total) in row.iter().zip(&mut totals).filter(|(n, _)| **n > 0.0) {
                    sum += rising.at(*n);
                    *total += n;
                }
            }
            (sum, totals)
        };
        let blocks: Vec<(f64, Vec<f64>)> =
            (0..self.words.div_ceil(BLOCK)).into_par_iter().map(block).collect();
        let mut sum: f64 = blocks.iter().map(|b| b.0).sum();
        sum += self.seeds_part(corpus);
        let prior = column_sums(&self.prior());
        for (k, prior) in prior.iter().take(topics).enumerate() {
            let total: f64 = blocks.iter().map(|b| b.1[k]).sum();
            sum -= lgamma(total + prior) - lgamma(*prior);
        }
        sum
    }

    /// What changes where a word's prior is not `beta`.
    fn seeds_part(&self, corpus: &Corpus) -> f64 {
        let mut sum = 0.0;
        let mut row = vec![0.0; self.config.topics];
        let mut weights = std::collections::BTreeMap::new();
        for seed in &self.guide.seeds {
            *weights.entry((seed.word, seed.topic)).or_insert(0.0) += seed.weight;
        }
        for ((word, topic), weight) in weights {
            row.fill(0.0);
            self.count(corpus.by_words().word(word as usize), &mut row);
            let (n, a) = (row[usize::from(topic)], self.beta + weight);
            sum += lgamma(n + a) - lgamma(a) - lgamma(n + self.beta) + lgamma(self.beta);
        }
        sum
    }

    /// `ln p(assignments)`.
    fn documents_part(&self, corpus: &Corpus) -> f64 {
        let rising: Vec<Rising> = self.alpha.iter().map(|a| Rising::new(*a)).collect();
        let all = Rising::new(self.alpha.iter().sum());
        let starts = corpus.token_starts();
        let document = |d: usize| -> f64 {
            let own = &self.assigned[starts[d]..starts[d + 1]];
            let mut counts = vec![0.0; rising.len()];
            own.iter().for_each(|k| counts[usize::from(*k)] += 1.0);
            let parts: f64 = rising.iter().zip(&counts).map(|(r, n)| r.at(*n)).sum();
            let total = match self.guide.allowed.get(d) {
                None => all.at(own.len() as f64),
                Some(allowed) => {
                    let sum: f64 = allowed.iter().map(|k| self.alpha[usize::from(*k)]).sum();
                    if own.is_empty() { 0.0 } else { Rising::new(sum).at(own.len() as f64) }
                }
            };
            parts - total
        };
        let parts: Vec<f64> =
            (0..corpus.len()).into_par_iter().with_min_len(BLOCK).map(document).collect();
        parts.iter().sum()
    }
}
