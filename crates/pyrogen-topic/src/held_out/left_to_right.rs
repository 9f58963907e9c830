//! `ln p(words)` of a document, estimated from left to right.

use pyrogen_core::{Draws, Noise};
use serde::{Deserialize, Serialize};

use crate::fold::{Weights, dot};
use crate::{Corpus, Document, TopicError, Topics};

/// Particle filters of one estimate, which know nothing of each other: their spread is its error.
const GROUPS: usize = 4;

/// How the left-to-right estimate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeftToRight {
    /// Particles: sequences of assignments that are drawn side by side, in four groups.
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
    /// Its Monte Carlo standard error, by the spread of the groups.
    pub std_err: f64,
}

impl Topics {
    /// `ln p(words | alpha, topics)` of each document, in nats, estimated with the shares of topics
    /// integrated out:
    ///
    /// ```text
    /// p(w) = Π_n p(w_n | w_<n)
    /// p(w_n | w_<n) ~ Σ_r v_r Σ_k topic_k(w_n) (alpha_k + n_k(z^r_<n)) / (Σ alpha + n - 1)
    /// ```
    ///
    /// `z^r_<n` are particles with weights `v_r`, whose assignments are drawn anew by Gibbs steps
    /// before each word. A particle's weight is multiplied by its `p(w_n | z^r_<n)`; where the weights
    /// become unequal the particles are resampled. So the estimate of `p(w)` has no bias, and that of
    /// `ln p(w)` is below it in expectation by about half its squared error. Without the weights, as
    /// the two papers have it, the earlier assignments lag behind each new word: on documents of a
    /// few words that is a bias of hundredths of a nat a document.
    ///
    /// The words of a document are taken in random order. An empty document has 0; a word that no
    /// topic has gives minus infinity. The perplexity is `exp(-Σ_d ln p(w_d) / Σ_d words_d)`.
    ///
    /// # Errors
    /// Documents of another vocabulary, or fewer than eight particles.
    ///
    /// # References
    /// Wallach, Murray, Salakhutdinov and Mimno (2009), "Evaluation methods for topic models",
    /// algorithm 3; Buntine (2009), "Estimating likelihoods for topic models", algorithm 2; weights
    /// and resampling as Del Moral, Doucet and Jasra (2006), "Sequential Monte Carlo samplers".
    pub fn left_to_right(
        &self,
        corpus: &Corpus,
        config: &LeftToRight,
        noise: &Noise,
    ) -> Result<Vec<LogEstimate>, TopicError> {
        self.check(corpus)?;
        if config.particles < 2 * GROUPS {
            let (expected, got) = (2 * GROUPS, config.particles);
            return Err(TopicError::Length { what: "particles, at least", expected, got });
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
    let each = config.particles.div_ceil(GROUPS);
    let logs: Vec<f64> = (0..GROUPS)
        .map(|_| Filter::new(topics, weights, each, words.len()).run(&words, config.moves, draws))
        .collect();
    let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return LogEstimate { nats: max, std_err: 0.0 };
    }
    let n = GROUPS as f64;
    let mean = logs.iter().map(|l| (l - max).exp()).sum::<f64>() / n;
    let squares: f64 = logs.iter().map(|l| ((l - max).exp() - mean).powi(2)).sum();
    LogEstimate { nats: max + mean.ln(), std_err: (squares / (n - 1.0) / n).sqrt() / mean }
}

/// Particles side by side.
struct Filter<'a> {
    weights: &'a Weights,
    /// The sum of the prior's parameters.
    total: f64,
    particles: Vec<Particle>,
    /// The weight of each particle, up to a factor.
    values: Vec<f64>,
    room: Vec<f64>,
}

impl<'a> Filter<'a> {
    fn new(topics: &Topics, weights: &'a Weights, particles: usize, words: usize) -> Self {
        let mut shares = vec![0.0; weights.width];
        shares[..topics.len()].copy_from_slice(topics.alpha());
        let particle = Particle { shares, assigned: Vec::with_capacity(words), next: 0 };
        Self {
            weights,
            total: topics.alpha().iter().sum(),
            particles: vec![particle; particles],
            values: vec![1.0; particles],
            room: vec![0.0; weights.width],
        }
    }

    /// The logarithm of the estimate.
    fn run(mut self, words: &[u32], moves: usize, draws: &mut Draws) -> f64 {
        let mut nats = 0.0;
        for (n, &word) in words.iter().enumerate() {
            let row = self.weights.row(word as usize);
            let before: f64 = self.values.iter().sum();
            for (particle, value) in self.particles.iter_mut().zip(&mut self.values) {
                particle.move_earlier(words, self.weights, moves, draws, &mut self.room);
                *value *= dot(&particle.shares, row) / (self.total + n as f64);
            }
            let sum: f64 = self.values.iter().sum();
            if sum <= 0.0 {
                return f64::NEG_INFINITY;
            }
            nats += (sum / before).ln();
            self.values.iter_mut().for_each(|v| *v /= sum);
            let squares: f64 = self.values.iter().map(|v| v * v).sum();
            if squares * self.values.len() as f64 > 2.0 {
                self.resample(draws.uniform());
            }
            for (particle, _) in
                self.particles.iter_mut().zip(&self.values).filter(|(_, v)| **v > 0.0)
            {
                particle.add(row, draws, &mut self.room);
            }
        }
        nats
    }

    /// Each particle in proportion to its weight, which sum to 1, by one uniform number (Kitagawa
    /// 1996).
    fn resample(&mut self, u: f64) {
        let n = self.values.len();
        let mut from = Vec::with_capacity(n);
        let (mut at, mut sum) = (0, self.values[0]);
        for i in 0..n {
            let place = (i as f64 + u) / n as f64;
            while sum <= place && at + 1 < n {
                at += 1;
                sum += self.values[at];
            }
            from.push(at);
        }
        self.particles = from.into_iter().map(|i| self.particles[i].clone()).collect();
        self.values.fill(1.0 / n as f64);
    }
}

/// Assignments of the words so far.
#[derive(Clone)]
struct Particle {
    /// The prior with the counts of the assignments.
    shares: Vec<f64>,
    assigned: Vec<u16>,
    /// The next of the earlier assignments to be drawn anew.
    next: usize,
}

impl Particle {
    /// Assigns the next word.
    fn add(&mut self, row: &[f64], draws: &mut Draws, room: &mut [f64]) {
        room.iter_mut().zip(self.shares.iter().zip(row)).for_each(|(r, (s, w))| *r = s * w);
        let k = draws.place(room);
        self.shares[k] += 1.0;
        self.assigned.push(k as u16);
    }

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
