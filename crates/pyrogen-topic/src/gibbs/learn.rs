//! The priors given the assignments.

use pyrogen_core::special::host::digamma;
use rayon::prelude::*;

use super::{BLOCK, Gibbs};
use crate::prior::{Histogram, from_counts};
use crate::{Corpus, LearnPrior};

/// Fixed-point steps at a time: each costs far less than a sweep.
const STEPS: usize = 10;

/// The least value of a parameter.
const LEAST: f64 = 1e-6;

impl Gibbs {
    /// Moves the priors to where the assignments are more probable. A document that lists its topics
    /// keeps the prior as it is, and so do topics with seed words.
    pub(super) fn learn(&mut self, corpus: &Corpus) {
        if self.learns_alpha() {
            let topics = self.config.topics;
            let mut parts = vec![Histogram::default(); topics];
            let mut totals = Histogram::default();
            let mut assigned = &self.assigned[..];
            let mut counts = vec![0u64; topics];
            for document in corpus.iter() {
                let (own, rest) = assigned.split_at(document.tokens() as usize);
                assigned = rest;
                counts.fill(0);
                own.iter().for_each(|k| counts[usize::from(*k)] += 1);
                totals.add(own.len() as u64);
                parts.iter_mut().zip(&counts).for_each(|(part, n)| part.add(*n));
            }
            let symmetric = self.config.learn_alpha == LearnPrior::Symmetric;
            (0..STEPS).for_each(|_| from_counts(&mut self.alpha, &parts, &totals, symmetric));
        }
        if self.config.learn_beta && self.guide.seeds.is_empty() {
            self.learn_beta(corpus);
        }
    }

    /// [`from_counts`] for one parameter of all words, with topics in the place of documents.
    fn learn_beta(&mut self, corpus: &Corpus) {
        let topics = self.config.topics;
        let by_words = corpus.by_words();
        let count = |block: usize| {
            let mut seen = Histogram::default();
            let mut row = vec![0.0; topics];
            for word in block * BLOCK..((block + 1) * BLOCK).min(self.words) {
                row.fill(0.0);
                self.count(by_words.word(word), &mut row);
                row.iter().filter(|n| **n > 0.0).for_each(|n| seen.add(*n as u64));
            }
            seen
        };
        let blocks: Vec<Histogram> =
            (0..self.words.div_ceil(BLOCK)).into_par_iter().map(count).collect();
        let mut seen = Histogram::default();
        blocks.iter().for_each(|block| seen.merge(block));
        let mut totals = vec![0.0; topics];
        self.assigned.iter().for_each(|k| totals[usize::from(*k)] += 1.0);
        let words = self.words as f64;
        for _ in 0..STEPS {
            let sum = words * self.beta;
            let below: f64 = totals.iter().map(|n| digamma(n + sum) - digamma(sum)).sum();
            if below > 0.0 {
                self.beta = (self.beta * seen.differences(self.beta) / (words * below)).max(LEAST);
            }
        }
    }
}
