//! `ln p(words)` of a document, estimated from left to right.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use crate::draws::Draws;
use crate::fold::{Weights, dot};
use crate::{Corpus, Document, TopicError, Topics};

/// How the left-to-right estimate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeftToRight {
    /// Particles: sequences of assignments that are drawn side by side.
    pub particles: usize,
    /// Assignments before each word that are drawn anew, the whole of a document up to this length
    /// and in turn beyond it. With 0 none is: faster, and less exact.
    pub moves: usize,
}

impl Default for LeftToRight {
    fn default() -> Self {
        Self { particles: 20, moves: 64 }
    }
}

/// An estimate of a log-probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogEstimate {
    /// In nats.
    pub nats: f64,
    /// Its Monte Carlo standard error, by the jackknife over the particles.
    pub std_err: f64,
}

impl Topics {
    /// `ln p(words | alpha, topics)` of each document, in nats, estimated with the shares of topics
    /// integrated out:
    ///
    /// ```text
    /// ln p(w) = Σ_n ln p(w_n | w_<n)
    ///         ~ Σ_n ln (1/R Σ_r Σ_k p(w_n | topic_k) (alpha_k + n_k(z^r_<n)) / (Σ alpha + n - 1))
    /// ```
    ///
    /// `z^r_<n` is drawn by Gibbs steps given the words before `n`. The words of a document are taken
    /// in random order. An empty document has 0; a word that no topic has gives minus infinity. The
    /// perplexity is `exp(-Σ_d ln p(w_d) / Σ_d words_d)`.
    ///
    /// # Errors
    /// Documents of another vocabulary, or fewer than two particles.
    ///
    /// # References
    /// Wallach, Murray, Salakhutdinov and Mimno (2009), "Evaluation methods for topic models",
    /// algorithm 3; Buntine (2009), "Estimating likelihoods for topic models", algorithm 2, which
    /// draws all earlier assignments anew.
    pub fn left_to_right(
        &self,
        corpus: &Corpus,
        config: &LeftToRight,
        noise: &Noise,
    ) -> Result<Vec<LogEstimate>, TopicError> {
        self.check(corpus)?;
        if config.particles < 2 {
            let got = config.particles;
            return Err(TopicError::Length { what: "particles, at least", expected: 2, got });
        }
        let weights = self.weights();
        let noise = noise.fork("left-to-right");
        Ok(Self::each(corpus, |d, document| {
            let mut draws = Draws::item(&noise, d as u64);
            estimate(self, &weights, document, config, &mut draws)
        }))
    }
}

/// The words of a document in random order.
pub(super) fn shuffled(document: Document, draws: &mut Draws) -> Vec<u32> {
    let pairs = document.words.iter().zip(document.counts);
    let mut words: Vec<u32> =
        pairs.flat_map(|(word, n)| std::iter::repeat_n(*word, *n as usize)).collect();
    for i in (1..words.len()).rev() {
        words.swap(i, draws.below(i + 1));
    }
    words
}

fn estimate(
    topics: &Topics,
    weights: &Weights,
    document: Document,
    config: &LeftToRight,
    draws: &mut Draws,
) -> LogEstimate {
    let words = shuffled(document, draws);
    let mut prior = vec![0.0; weights.width];
    prior[..topics.len()].copy_from_slice(topics.alpha());
    let total: f64 = topics.alpha().iter().sum();
    let mut particles: Vec<Particle> = (0..config.particles)
        .map(|_| Particle {
            shares: prior.clone(),
            assigned: Vec::with_capacity(words.len()),
            next: 0,
        })
        .collect();
    let mut room = vec![0.0; weights.width];
    // For each particle, the logarithm of the estimate without it.
    let mut without = vec![0.0; config.particles];
    let mut found = vec![0.0; config.particles];
    let mut nats = 0.0;
    for (n, &word) in words.iter().enumerate() {
        let row = weights.row(word as usize);
        for (particle, p) in particles.iter_mut().zip(&mut found) {
            particle.move_earlier(&words, weights, config.moves, draws, &mut room);
            *p = dot(&particle.shares, row) / (total + n as f64);
            let weight = |(s, w): (&f64, &f64)| s * w;
            room.iter_mut()
                .zip(particle.shares.iter().zip(row).map(weight))
                .for_each(|(r, v)| *r = v);
            if *p > 0.0 {
                let k = draws.place(&room);
                particle.shares[k] += 1.0;
                particle.assigned.push(k as u16);
            }
        }
        let sum: f64 = found.iter().sum();
        if sum <= 0.0 {
            return LogEstimate { nats: f64::NEG_INFINITY, std_err: 0.0 };
        }
        nats += (sum / config.particles as f64).ln();
        let others = (config.particles - 1) as f64;
        for (without, p) in without.iter_mut().zip(&found) {
            *without += ((sum - p).max(f64::MIN_POSITIVE) / others).ln();
        }
    }
    let r = config.particles as f64;
    let mean = without.iter().sum::<f64>() / r;
    let squares: f64 = without.iter().map(|v| (v - mean).powi(2)).sum();
    LogEstimate { nats, std_err: ((r - 1.0) / r * squares).sqrt() }
}

/// Assignments of the words so far.
struct Particle {
    /// The prior with the counts of the assignments.
    shares: Vec<f64>,
    assigned: Vec<u16>,
    /// The next of the earlier assignments to be drawn anew.
    next: usize,
}

impl Particle {
    fn move_earlier(
        &mut self,
        words: &[u32],
        weights: &Weights,
        moves: usize,
        draws: &mut Draws,
        room: &mut [f64],
    ) {
        let length = self.assigned.len();
        for _ in 0..moves.min(length) {
            let at = if self.next < length { self.next } else { 0 };
            self.next = at + 1;
            self.shares[usize::from(self.assigned[at])] -= 1.0;
            let row = weights.row(words[at] as usize);
            room.iter_mut().zip(self.shares.iter().zip(row)).for_each(|(r, (s, w))| *r = s * w);
            let k = draws.place(room);
            self.shares[k] += 1.0;
            self.assigned[at] = k as u16;
        }
    }
}
