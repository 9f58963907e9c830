//! Latent Dirichlet allocation by variational Bayes.

mod bound;
mod config;

use pyrogen_core::{Draws, Noise};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub(crate) use config::{MOST_TOPICS, topics as check_topics};
pub use config::{Online, VariationalConfig};

use pyrogen_core::special::host::digamma;

use crate::fold::{Folded, Limits, Weights, fold};
use crate::prior::{from_logs, symmetric_from_log};
use crate::special::exp_digamma;
use crate::{Corpus, LearnPrior, TopicError, Topics};

/// Words whose topics are drawn or summed as one piece of work.
const WORDS: usize = 64;

/// Steps of a prior's fixed point after each pass.
const PRIOR_STEPS: usize = 5;

/// Latent Dirichlet allocation by variational Bayes, a pass at a time: the whole state of learning,
/// so that a state that was written and read back goes on bit for bit.
///
/// ```text
/// topic_k ~ Dirichlet(eta)       q(topic_k) = Dirichlet(lambda_k)
/// θ_d ~ Dirichlet(alpha)         q(θ_d) = Dirichlet(gamma_d)
/// z_di ~ θ_d, w_di ~ topic_{z_di}
/// ```
///
/// In batch mode a pass updates every `q(θ_d)`, then every `q(topic_k)`, then the priors; none of
/// these lowers the bound. With [`Online`] a pass visits the documents in random
/// order, batch by batch, with `q(θ_d)` from ones (Hoffman, Blei and Bach 2010, algorithm 2).
///
/// # References
/// Blei, Ng and Jordan (2003); Hoffman, Blei and Bach (2010), "Online learning for latent Dirichlet
/// allocation"; priors by the fixed points of Minka (2000).
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_topic::{Corpus, Variational, VariationalConfig};
///
/// // Two kinds of documents: words 0 to 2, words 3 to 5.
/// let documents: Vec<Vec<(u32, u32)>> =
///     (0..40).map(|d| (0..3).map(|i| (d % 2 * 3 + i, 2 + i)).collect()).collect();
/// let corpus = Corpus::new(6, &documents)?;
/// let config = VariationalConfig { topics: 2, ..Default::default() };
/// let mut fit = Variational::new(config, &corpus, &Noise::new(Seed(1)))?;
/// for _ in 0..20 {
///     fit.pass(&corpus)?;
/// }
/// let shares = fit.topics().shares(&corpus)?;
/// assert!(shares[0].iter().any(|s| *s > 0.9));
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variational {
    config: VariationalConfig,
    words: usize,
    alpha: Vec<f64>,
    eta: f64,
    /// `[words, topics]`.
    lambda: Vec<f64>,
    /// `[documents, topics]`, in batch mode after a pass.
    gamma: Option<Vec<f64>>,
    /// The bound of the last pass over all documents at once.
    last: Option<f64>,
    /// Whether documents begin with what the last pass came to.
    warm: bool,
    passes: u64,
    updates: u64,
    /// What the order of the documents is drawn from.
    seed: u64,
}

/// What a pass came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pass {
    /// The bound on the log-likelihood of all documents, in nats: in batch mode before the topics
    /// were updated, so that it never falls from pass to pass. With minibatches an estimate: the sum
    /// over batches, each with the topics it met, and the topics' part at the end.
    pub bound: f64,
    /// Words of all documents.
    pub tokens: u64,
}

impl Variational {
    /// A fit at its start: `lambda ~ Gamma(100, 1/100)`, as scikit-learn and gensim begin.
    ///
    /// # Errors
    /// Settings that cannot be used, or documents without words.
    pub fn new(
        config: VariationalConfig,
        corpus: &Corpus,
        noise: &Noise,
    ) -> Result<Self, TopicError> {
        config.validate()?;
        let (topics, words) = (config.topics, corpus.words());
        if corpus.tokens() == 0 {
            return Err(TopicError::AllEmpty { documents: corpus.len() });
        }
        let mut lambda = vec![0.0; words * topics];
        let rows = lambda.par_chunks_mut(WORDS * topics).enumerate();
        let start = noise.fork("lambda");
        rows.for_each(|(i, rows)| {
            let mut draws = Draws::item(&start, i as u64);
            rows.iter_mut().for_each(|v| *v = draws.gamma(100.0) / 100.0);
        });
        let even = 1.0 / topics as f64;
        Ok(Self {
            words,
            alpha: vec![config.alpha.unwrap_or(even); topics],
            eta: config.eta.unwrap_or(even),
            lambda,
            gamma: None,
            last: None,
            warm: false,
            passes: 0,
            updates: 0,
            seed: noise.fork("order").bits_vec(1)[0],
            config,
        })
    }

    /// A fit that begins with these parameters of the topics, `[topics, words]`.
    ///
    /// # Errors
    /// As [`new`](Self::new); parameters of the wrong number, or one that is not above 0.
    pub fn from_lambda(
        config: VariationalConfig,
        corpus: &Corpus,
        lambda: &[f64],
        noise: &Noise,
    ) -> Result<Self, TopicError> {
        let (topics, words) = (config.topics, corpus.words());
        let expected = topics * words;
        if lambda.len() != expected {
            return Err(TopicError::Length { what: "lambda", expected, got: lambda.len() });
        }
        if let Some(place) = lambda.iter().position(|v| !(v.is_finite() && *v > 0.0)) {
            let (value, expected) = (lambda[place], "finite and above 0");
            return Err(TopicError::Parameter { what: "lambda", place, value, expected });
        }
        let mut fit = Self::new(config, corpus, noise)?;
        for (word, row) in fit.lambda.chunks_mut(topics).enumerate() {
            row.iter_mut().enumerate().for_each(|(k, v)| *v = lambda[k * words + word]);
        }
        Ok(fit)
    }

    /// Learns from every document once.
    ///
    /// # Errors
    /// Documents of another vocabulary, in batch mode other documents than before, or numbers that
    /// left the finite range.
    pub fn pass(&mut self, corpus: &Corpus) -> Result<Pass, TopicError> {
        self.fits(corpus)?;
        let bound = match self.config.online {
            None => self.batch_pass(corpus)?,
            Some(online) => self.online_pass(corpus, online),
        };
        self.passes += 1;
        if !bound.is_finite() {
            return Err(TopicError::NotFinite {
                what: "the bound",
                value: bound,
                pass: self.passes,
            });
        }
        Ok(Pass { bound, tokens: corpus.tokens() })
    }

    fn batch_pass(&mut self, corpus: &Corpus) -> Result<f64, TopicError> {
        let expected = self.gamma.as_ref().map_or(corpus.len(), |g| g.len() / self.config.topics);
        if expected != corpus.len() {
            let what = "documents of every pass";
            return Err(TopicError::Length { what, expected, got: corpus.len() });
        }
        let weights = self.weights();
        let topics_bound = self.topics_bound();
        let folded = |start: Option<&[f64]>| {
            let folded = fold(corpus, &weights, &self.alpha, start, self.limits());
            let bound = self.documents_bound(corpus, &folded) + topics_bound;
            (folded, bound)
        };
        let mut warm = self.warm || self.passes >= self.config.fresh_passes;
        let (mut folded_now, mut bound) = folded(self.gamma.as_deref().filter(|_| warm));
        if !warm && self.last.is_some_and(|last| bound < last) {
            // From where they were, documents cannot lower it.
            warm = true;
            (folded_now, bound) = folded(self.gamma.as_deref());
        }
        let folded = folded_now;
        (self.warm, self.last) = (warm, Some(bound));
        self.lambda = self.expected_counts(corpus, &weights, &folded, 1.0, 1.0);
        self.learn(corpus, &folded);
        let rows = folded.gamma.chunks(folded.width);
        let mut gamma: Vec<f64> =
            rows.flat_map(|row| row[..self.config.topics].iter().copied()).collect();
        for (row, document) in gamma.chunks_mut(self.config.topics).zip(corpus.iter()) {
            if document.words.is_empty() {
                row.copy_from_slice(&self.alpha);
            }
        }
        self.gamma = Some(gamma);
        Ok(bound)
    }

    fn online_pass(&mut self, corpus: &Corpus, online: Online) -> f64 {
        let order = Noise::new(pyrogen_core::Seed(self.seed)).fork_index(self.passes);
        let order = order.fork("order").permutation(corpus.len());
        let mut bound = 0.0;
        for rows in order.chunks(online.batch_size) {
            let batch = corpus.select(rows);
            let scale = corpus.len() as f64 / rows.len() as f64;
            bound += self.update(&batch, scale, online);
        }
        bound + self.topics_bound()
    }

    /// One update from some documents of a stream of about `total`; gives their bound, without the
    /// topics' part.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    pub fn partial_fit(&mut self, batch: &Corpus, total: f64) -> Result<f64, TopicError> {
        self.fits(batch)?;
        let online = self.config.online.unwrap_or_default();
        Ok(self.update(batch, total / batch.len() as f64, online))
    }

    fn update(&mut self, batch: &Corpus, scale: f64, online: Online) -> f64 {
        self.updates += 1;
        let rate = (online.offset + self.updates as f64).powf(-online.decay).min(1.0);
        let weights = self.weights();
        let folded = fold(batch, &weights, &self.alpha, None, self.limits());
        let bound = self.documents_bound(batch, &folded);
        self.lambda = self.expected_counts(batch, &weights, &folded, scale, rate);
        self.learn(batch, &folded);
        bound
    }

    /// `(1 - rate) lambda + rate (eta + scale Σ_d count_dw phi_dwk)`, word by word over the documents
    /// that have the word: the order of the sums is that of the documents on any number of threads.
    fn expected_counts(
        &self,
        corpus: &Corpus,
        weights: &Weights,
        folded: &Folded,
        scale: f64,
        rate: f64,
    ) -> Vec<f64> {
        let (topics, by_words) = (self.config.topics, corpus.by_words());
        let mut out = vec![0.0; self.lambda.len()];
        let rows = out.par_chunks_mut(topics).with_min_len(WORDS).enumerate();
        rows.for_each_init(
            || vec![0.0; weights.width],
            |sums, (word, row)| {
                sums.fill(0.0);
                for entry in by_words.word(word) {
                    let ratio = folded.ratios[entry.pair as usize];
                    let shares = folded.shares(entry.document as usize);
                    sums.iter_mut().zip(shares).for_each(|(sum, s)| *sum += ratio * s);
                }
                let old = &self.lambda[word * topics..][..topics];
                let parts = row.iter_mut().zip(old).zip(weights.row(word)).zip(sums.iter());
                for (((new, old), weight), sum) in parts {
                    *new = (1.0 - rate) * old + rate * (self.eta + scale * weight * sum);
                }
            },
        );
        out
    }

    /// The fixed points of the priors.
    fn learn(&mut self, corpus: &Corpus, folded: &Folded) {
        if self.passes < self.config.burn_in {
            return;
        }
        let topics = self.config.topics;
        if self.config.learn_alpha != LearnPrior::Fixed {
            let mut means = vec![0.0; topics];
            let mut used = 0.0;
            for (d, _) in corpus.iter().enumerate().filter(|(_, d)| !d.words.is_empty()) {
                let gamma = &folded.gamma(d)[..topics];
                let base = digamma(gamma.iter().sum());
                means.iter_mut().zip(gamma).for_each(|(m, g)| *m += digamma(*g) - base);
                used += 1.0;
            }
            if used > 0.0 {
                means.iter_mut().for_each(|m| *m /= used);
                let symmetric = self.config.learn_alpha == LearnPrior::Symmetric;
                (0..PRIOR_STEPS).for_each(|_| from_logs(&mut self.alpha, &means, symmetric));
            }
        }
        if self.config.learn_eta {
            let bases = self.totals().into_iter().map(digamma).sum::<f64>() / topics as f64;
            let sums: Vec<f64> = self
                .lambda
                .par_chunks(WORDS * topics)
                .map(|rows| rows.iter().map(|v| digamma(*v)).sum::<f64>())
                .collect();
            let mean = sums.iter().sum::<f64>() / self.lambda.len() as f64 - bases;
            for _ in 0..PRIOR_STEPS {
                self.eta = symmetric_from_log(self.eta, self.words, mean);
            }
        }
    }

    /// `Σ_w lambda_wk` of each topic.
    fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.config.topics];
        for row in self.lambda.chunks(self.config.topics) {
            totals.iter_mut().zip(row).for_each(|(t, v)| *t += v);
        }
        totals
    }

    /// `exp(E[ln topic_kw])`.
    fn weights(&self) -> Weights {
        let topics = self.config.topics;
        let scales: Vec<f64> = self.totals().into_iter().map(|t| 1.0 / exp_digamma(t)).collect();
        Weights::new(topics, self.words, |word, row| {
            let lambda = &self.lambda[word * topics..][..topics];
            for ((out, lambda), scale) in row.iter_mut().zip(lambda).zip(&scales) {
                *out = exp_digamma(*lambda) * scale;
            }
        })
    }

    fn limits(&self) -> Limits {
        Limits { steps: self.config.document_steps, tolerance: self.config.document_tolerance }
    }

    fn fits(&self, corpus: &Corpus) -> Result<(), TopicError> {
        if corpus.words() != self.words {
            return Err(TopicError::Vocabulary { expected: self.words, got: corpus.words() });
        }
        if corpus.is_empty() { Err(TopicError::NoDocuments) } else { Ok(()) }
    }

    /// The settings.
    pub fn config(&self) -> &VariationalConfig {
        &self.config
    }

    /// The parameters of the documents' prior, one a topic.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// The parameter of the topics' prior.
    pub fn eta(&self) -> f64 {
        self.eta
    }

    /// The parameters of `q(topic_k)`, `[topics, words]`.
    pub fn lambda(&self) -> Vec<f64> {
        transposed(&self.lambda, self.config.topics)
    }

    /// Passes so far.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// The model with the means of its topics.
    pub fn topics(&self) -> Topics {
        Topics::normalised(self.alpha.clone(), self.lambda(), self.words)
    }

    /// Parameters of `q(θ_d)`, `[documents, topics]`, of documents old or new, from ones.
    ///
    /// # Errors
    /// Documents of another vocabulary.
    pub fn gamma(&self, corpus: &Corpus) -> Result<Vec<f64>, TopicError> {
        self.fits(corpus)?;
        let folded = fold(corpus, &self.weights(), &self.alpha, None, self.limits());
        let rows = folded.gamma.chunks(folded.width);
        Ok(rows.flat_map(|row| row[..self.config.topics].iter().copied()).collect())
    }
}

/// `[columns, rows]` of `[rows, columns]`.
pub(crate) fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.len() / columns;
    let column = |c: usize| (0..rows).map(move |r| values[r * columns + c]);
    (0..columns).flat_map(column).collect()
}
