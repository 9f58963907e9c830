//! [`Topics`]: the model that is used, whichever way it was learnt.

use pyrogen_core::{Draws, Noise};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::fold::{Folded, Limits, Weights, document_bound, fold};
use crate::{Corpus, Document, TopicError};

/// Updates of a document, at most, and when they end: a document costs microseconds, so far beyond
/// what changes a printed digit.
const LIMITS: Limits = Limits { steps: 500, tolerance: 1e-6 };

/// How far the probabilities of a topic may sum from 1: what a file's rounding leaves.
const SUM: f64 = 1e-6;

/// Topics and the prior of documents: latent Dirichlet allocation at a point.
///
/// ```text
/// θ ~ Dirichlet(alpha);  for each word: z ~ θ, w ~ topic_z
/// ```
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_topic::{Corpus, Topics};
///
/// let topics = Topics::new(vec![0.1, 0.1], vec![0.7, 0.2, 0.1, 0.1, 0.2, 0.7], 3)?;
/// let corpus = Corpus::new(3, &[vec![(0, 9), (1, 1)]])?;
/// let shares = topics.shares(&corpus)?;
/// assert!(shares[0][0] > 0.8);
/// let made = topics.document(&Noise::new(Seed(1)), 0, 20);
/// assert_eq!(made.iter().map(|(_, n)| n).sum::<u32>(), 20);
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topics {
    alpha: Vec<f64>,
    /// `[topics, words]`.
    probabilities: Vec<f64>,
    words: usize,
}

impl Topics {
    /// A model of the documents' prior and the topics' probabilities of words, `[topics, words]`.
    ///
    /// # Errors
    /// Lists that do not fit, a parameter that is not above 0, or a topic whose probabilities are
    /// negative or do not sum to 1.
    pub fn new(alpha: Vec<f64>, probabilities: Vec<f64>, words: usize) -> Result<Self, TopicError> {
        let expected = alpha.len() * words;
        if alpha.is_empty() || probabilities.len() != expected || words == 0 {
            let got = probabilities.len();
            return Err(TopicError::Length { what: "probabilities of words", expected, got });
        }
        if let Some(place) = alpha.iter().position(|a| !(a.is_finite() && *a > 0.0)) {
            let (value, expected) = (alpha[place], "finite and above 0");
            return Err(TopicError::Parameter { what: "alpha", place, value, expected });
        }
        for (place, row) in probabilities.chunks(words).enumerate() {
            let sum: f64 = row.iter().sum();
            // Not `>`: NaN is no probability.
            if !((sum - 1.0).abs() <= SUM && row.iter().all(|p| *p >= 0.0)) {
                let (what, expected) = ("the sum of topic", "1, of numbers from 0 on");
                return Err(TopicError::Parameter { what, place, value: sum, expected });
            }
        }
        Ok(Self::normalised(alpha, probabilities, words))
    }

    /// The same of numbers in proportion to the probabilities, which must be right.
    pub(crate) fn normalised(alpha: Vec<f64>, mut values: Vec<f64>, words: usize) -> Self {
        for row in values.chunks_mut(words) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|v| *v /= sum);
        }
        Self { alpha, probabilities: values, words }
    }

    /// Number of topics.
    pub fn len(&self) -> usize {
        self.alpha.len()
    }

    /// Whether there are no topics; there is always one.
    pub fn is_empty(&self) -> bool {
        self.alpha.is_empty()
    }

    /// Size of the vocabulary.
    pub fn words(&self) -> usize {
        self.words
    }

    /// The parameters of the documents' prior.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// The probabilities of words in topic `k`.
    ///
    /// # Panics
    /// If there is no such topic.
    pub fn topic(&self, k: usize) -> &[f64] {
        &self.probabilities[k * self.words..][..self.words]
    }

    /// The `n` most probable words of each topic, most probable first; the earlier word of equals.
    pub fn top_words(&self, n: usize) -> Vec<Vec<u32>> {
        let top = |row: &[f64]| {
            let mut order: Vec<u32> = (0..row.len() as u32).collect();
            let key = |w: &u32| (std::cmp::Reverse(OrderedF64(row[*w as usize])), *w);
            let n = n.min(row.len());
            if n > 0 && n < order.len() {
                order.select_nth_unstable_by_key(n - 1, key);
            }
            order.truncate(n);
            order.sort_unstable_by_key(key);
            order
        };
        self.probabilities.chunks(self.words).map(top).collect()
    }

    pub(crate) fn check(&self, corpus: &Corpus) -> Result<(), TopicError> {
        if corpus.words() != self.words {
            return Err(TopicError::Vocabulary { expected: self.words, got: corpus.words() });
        }
        Ok(())
    }

    /// The probabilities, word by word.
    pub(crate) fn weights(&self) -> Weights {
        Weights::new(self.len(), self.words, |word, row| {
            row.iter_mut().enumerate().for_each(|(k, v)| {
                *v = self.probabilities[k * self.words + word];
            });
        })
    }

    pub(crate) fn fold(&self, corpus: &Corpus, weights: &Weights) -> Folded {
        fold(corpus, weights, &self.alpha, None, LIMITS)
    }

    /// The expected shares of topics in each document, `gamma_k / Σ gamma` of its variational
    /// distribution; an empty document has those of the prior.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    pub fn shares(&self, corpus: &Corpus) -> Result<Vec<Vec<f64>>, TopicError> {
        self.check(corpus)?;
        let folded = self.fold(corpus, &self.weights());
        let one = |(d, document): (usize, Document)| {
            let gamma = match document.words {
                [] => &self.alpha[..],
                _ => &folded.gamma(d)[..self.len()],
            };
            let sum: f64 = gamma.iter().sum();
            gamma.iter().map(|g| g / sum).collect()
        };
        Ok(corpus.iter().enumerate().map(one).collect())
    }

    /// A lower bound on `ln p(words)` of each document, in nats; 0 for an empty one, minus infinity
    /// where a word has probability 0 in every topic:
    ///
    /// ```text
    /// E[ln p(words, z | θ, topics) + ln p(θ | alpha) - ln q(θ, z)]
    /// ```
    ///
    /// The words are a sequence, so there is no multinomial coefficient.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    pub fn lower_bound(&self, corpus: &Corpus) -> Result<Vec<f64>, TopicError> {
        self.check(corpus)?;
        let weights = self.weights();
        let folded = self.fold(corpus, &weights);
        let impossible = |w: &u32| weights.row(*w as usize).iter().all(|p| *p == 0.0);
        let one = |(d, document): (usize, Document)| {
            if document.words.iter().any(impossible) {
                return f64::NEG_INFINITY;
            }
            let gamma = &folded.gamma(d)[..self.len()];
            document_bound(&self.alpha, gamma, folded.logs[d], document.tokens())
        };
        Ok(corpus.iter().enumerate().map(one).collect())
    }

    /// A new document of `tokens` words, as counts of distinct words, ascending. Item `item` of a
    /// seed is the same beside any others.
    pub fn document(&self, noise: &Noise, item: u64, tokens: u32) -> Vec<(u32, u32)> {
        let mut words = self.sequence(noise, item, tokens);
        words.sort_unstable();
        let mut out: Vec<(u32, u32)> = Vec::new();
        for word in words {
            match out.last_mut() {
                Some((last, count)) if *last == word => *count += 1,
                _ => out.push((word, 1)),
            }
        }
        out
    }

    /// The same words in the order in which they are drawn.
    pub fn sequence(&self, noise: &Noise, item: u64, tokens: u32) -> Vec<u32> {
        let mut draws = Draws::item(noise, item);
        let theta = draws.dirichlet(&self.alpha);
        let mut counts = vec![0u32; self.len()];
        let topics: Vec<usize> = (0..tokens).map(|_| draws.place(&theta)).collect();
        topics.iter().for_each(|k| counts[*k] += 1);
        // A topic's cumulative probabilities are made once, and only where it is used.
        let mut cumulative: Vec<Vec<f64>> = vec![Vec::new(); self.len()];
        for (k, sums) in cumulative.iter_mut().enumerate().filter(|(k, _)| counts[*k] > 0) {
            let mut sum = 0.0;
            sums.extend(self.topic(k).iter().map(|p| {
                sum += p;
                sum
            }));
        }
        let mut word = |k: usize| {
            let sums = &cumulative[k];
            let at = draws.uniform() * sums[sums.len() - 1];
            sums.partition_point(|s| *s <= at).min(sums.len() - 1) as u32
        };
        topics.into_iter().map(&mut word).collect()
    }

    /// Work over the documents on all cores, results in their order.
    pub(crate) fn each<R: Send>(
        corpus: &Corpus,
        f: impl Fn(usize, Document) -> R + Sync,
    ) -> Vec<R> {
        (0..corpus.len()).into_par_iter().map(|d| f(d, corpus.document(d))).collect()
    }
}

/// Finite numbers in order.
#[derive(PartialEq)]
struct OrderedF64(f64);

impl Eq for OrderedF64 {}

impl PartialOrd for OrderedF64 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedF64 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
