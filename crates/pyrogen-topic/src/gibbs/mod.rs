//! Latent Dirichlet allocation by Gibbs sampling.

mod config;
mod guide;
mod joint;
mod kernel;
mod learn;

use pyrogen_core::{Draws, Noise, Seed};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use config::{GibbsConfig, Sampler};
pub use guide::{Guide, SeedWord};

use crate::fold::Weights;
use crate::variational::transposed;
use crate::{Corpus, LearnPrior, TopicError, Topics};
pub(crate) use kernel::draw;
use kernel::{Collapsed, GivenTopics};

/// Words, and documents, of a piece of work: each has draws of its own.
const BLOCK: usize = 64;

/// Latent Dirichlet allocation by Gibbs sampling, a sweep at a time: the whole state, so that one
/// that was written and read back goes on bit for bit.
///
/// ```text
/// topic_k ~ Dirichlet(beta),  θ_d ~ Dirichlet(alpha),  z_di ~ θ_d,  w_di ~ topic_{z_di}
/// ```
///
/// The state is the assignments `z`. Either [`Sampler`] leaves their posterior as it is. The start
/// assigns each word in turn given those before it.
///
/// # Numerics
/// A seed gives the same bytes for any number of threads: documents and words are cut into blocks of
/// 64, each with a stream of its own, and counts are whole numbers.
///
/// # References
/// Griffiths and Steyvers (2004), "Finding scientific topics"; Magnusson, Jonsson, Villani and
/// Broman (2018), "Sparse partially collapsed MCMC for parallel inference in topic models",
/// algorithm 1 with the topics dense; Minka (2000) and Wallach, Mimno and McCallum (2009) for the
/// priors.
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_topic::{Corpus, Gibbs, GibbsConfig, Guide};
///
/// let documents: Vec<Vec<(u32, u32)>> =
///     (0..40).map(|d| (0..3).map(|i| (d % 2 * 3 + i, 2 + i)).collect()).collect();
/// let corpus = Corpus::new(6, &documents)?;
/// let config = GibbsConfig { topics: 2, ..Default::default() };
/// let mut fit = Gibbs::new(config, &corpus, Guide::default(), &Noise::new(Seed(1)))?;
/// for _ in 0..50 {
///     fit.sweep(&corpus)?;
/// }
/// let top = fit.topics(&corpus)?.top_words(3);
/// assert!(top[0].iter().all(|w| *w < 3) != top[1].iter().all(|w| *w < 3));
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gibbs {
    config: GibbsConfig,
    guide: Guide,
    words: usize,
    alpha: Vec<f64>,
    beta: f64,
    /// The topic of each token, documents in turn, each in the order of its words.
    assigned: Vec<u16>,
    sweeps: u64,
    seed: u64,
}

impl Gibbs {
    /// A sampler at its start.
    ///
    /// # Errors
    /// Settings or a guide that cannot be used, or documents without words.
    pub fn new(
        config: GibbsConfig,
        corpus: &Corpus,
        guide: Guide,
        noise: &Noise,
    ) -> Result<Self, TopicError> {
        config.validate()?;
        guide.check(corpus, config.topics)?;
        if corpus.tokens() == 0 {
            return Err(TopicError::AllEmpty { documents: corpus.len() });
        }
        let mut fit = Self {
            words: corpus.words(),
            alpha: vec![config.alpha; config.topics],
            beta: config.beta,
            assigned: Vec::new(),
            sweeps: 0,
            seed: noise.fork("sweeps").bits_vec(1)[0],
            guide,
            config,
        };
        fit.start(corpus);
        Ok(fit)
    }

    /// Assigns each token in turn given those before it.
    fn start(&mut self, corpus: &Corpus) {
        let mut draws = Draws::new(&self.noise(), "start");
        let mut weights = self.prior();
        let mut totals = column_sums(&weights);
        let mut room = vec![0.0; weights.width];
        let mut scaled = room.clone();
        let mut assigned = Vec::with_capacity(corpus.tokens() as usize);
        for (d, document) in corpus.iter().enumerate() {
            let mut shares = self.document_prior(d, weights.width);
            for (&word, &count) in document.words.iter().zip(document.counts) {
                for _ in 0..count {
                    for ((s, a), t) in scaled.iter_mut().zip(&shares).zip(&totals) {
                        *s = if *t > 0.0 { a / t } else { 0.0 };
                    }
                    let row = weights.row(word as usize);
                    let drawn = draw(&scaled, row, draws.uniform(), &mut room);
                    // The prior of a word is above 0 in every topic that the document may have.
                    let k = drawn.expect("a topic with a weight");
                    weights.values[word as usize * weights.width + k] += 1.0;
                    shares[k] += 1.0;
                    totals[k] += 1.0;
                    assigned.push(k as u16);
                }
            }
        }
        self.assigned = assigned;
    }

    /// Draws every assignment once, and learns the priors where it is their turn.
    ///
    /// # Errors
    /// Other documents than those of the start.
    pub fn sweep(&mut self, corpus: &Corpus) -> Result<(), TopicError> {
        self.fits(corpus)?;
        let noise = self.noise().fork_index(self.sweeps);
        match self.config.sampler {
            Sampler::Parallel => self.parallel(corpus, &noise),
            Sampler::Collapsed => self.collapsed(corpus, &noise),
        }
        self.sweeps += 1;
        let turn = self.sweeps.is_multiple_of(self.config.learn_every);
        if turn && self.sweeps > self.config.burn_in {
            self.learn(corpus);
        }
        Ok(())
    }

    fn parallel(&mut self, corpus: &Corpus, noise: &Noise) {
        let weights = self.draw_topics(corpus, &noise.fork("topics"));
        let noise = noise.fork("documents");
        let starts = corpus.token_starts();
        let mut rest = &mut self.assigned[..];
        let mut pieces = Vec::new();
        for first in (0..corpus.len()).step_by(BLOCK) {
            let end = (first + BLOCK).min(corpus.len());
            let (own, others) = std::mem::take(&mut rest).split_at_mut(starts[end] - starts[first]);
            rest = others;
            pieces.push((first..end, own));
        }
        let (alpha, guide) = (&self.alpha, &self.guide);
        pieces.into_par_iter().for_each(|(documents, mut assigned)| {
            let mut draws = Draws::item(&noise, documents.start as u64);
            let (mut shares, mut room) = (vec![0.0; weights.width], vec![0.0; weights.width]);
            let mut uniforms = Vec::new();
            for d in documents {
                let document = corpus.document(d);
                let (own, rest) = assigned.split_at_mut(starts[d + 1] - starts[d]);
                assigned = rest;
                uniforms.clear();
                uniforms.extend((0..own.len()).map(|_| draws.uniform()));
                document_prior(alpha, guide, d, &mut shares);
                own.iter().for_each(|k| shares[usize::from(*k)] += 1.0);
                GivenTopics {
                    weights: &weights,
                    words: document.words,
                    counts: document.counts,
                    uniforms: &uniforms,
                    shares: &mut shares,
                    room: &mut room,
                    assigned: own,
                }
                .run();
            }
        });
    }

    /// Topics from their distribution given all assignments, up to a factor a topic that each row
    /// is divided by: `[words, width]`.
    fn draw_topics(&self, corpus: &Corpus, noise: &Noise) -> Weights {
        let mut weights = self.prior();
        let (width, topics) = (weights.width, weights.topics);
        let by_words = corpus.by_words();
        let rows = weights.values.par_chunks_mut(BLOCK * width).enumerate();
        let parts: Vec<Vec<f64>> = rows
            .map(|(block, rows)| {
                let mut draws = Draws::item(noise, block as u64);
                let mut sums = vec![0.0; topics];
                for (i, row) in rows.chunks_mut(width).enumerate() {
                    self.count(by_words.word(block * BLOCK + i), row);
                    for (value, sum) in row.iter_mut().zip(&mut sums) {
                        *value = draws.gamma(*value);
                        *sum += *value;
                    }
                }
                sums
            })
            .collect();
        let mut inverses = vec![0.0; width];
        for k in 0..topics {
            inverses[k] = 1.0 / parts.iter().map(|p| p[k]).sum::<f64>().max(f64::MIN_POSITIVE);
        }
        weights.values.par_chunks_mut(BLOCK * width).for_each(|rows| {
            for row in rows.chunks_mut(width) {
                row.iter_mut().zip(&inverses).for_each(|(v, i)| *v *= i);
            }
        });
        weights
    }

    /// Adds the counts of one word's assignments to a row.
    fn count(&self, entries: &[crate::corpus::Entry], row: &mut [f64]) {
        for entry in entries {
            let tokens = entry.token as usize..(entry.token + entry.count) as usize;
            self.assigned[tokens].iter().for_each(|k| row[usize::from(*k)] += 1.0);
        }
    }

    fn collapsed(&mut self, corpus: &Corpus, noise: &Noise) {
        let mut weights = self.counts(corpus);
        let mut totals = column_sums(&weights);
        let mut inverses: Vec<f64> = totals.iter().map(|t| 1.0 / t.max(1e-300)).collect();
        inverses[weights.topics..].fill(0.0);
        let room = vec![0.0; weights.width];
        let (mut shares, mut scaled, mut room) = (room.clone(), room.clone(), room);
        let mut draws = Draws::new(noise, "collapsed");
        let mut uniforms = Vec::new();
        let mut assigned = &mut self.assigned[..];
        for (d, document) in corpus.iter().enumerate() {
            let (own, rest) =
                std::mem::take(&mut assigned).split_at_mut(document.tokens() as usize);
            assigned = rest;
            uniforms.clear();
            uniforms.extend((0..own.len()).map(|_| draws.uniform()));
            document_prior(&self.alpha, &self.guide, d, &mut shares);
            own.iter().for_each(|k| shares[usize::from(*k)] += 1.0);
            Collapsed {
                weights: &mut weights,
                inverses: &mut inverses,
                totals: &mut totals,
                words: document.words,
                counts: document.counts,
                uniforms: &uniforms,
                shares: &mut shares,
                scaled: &mut scaled,
                room: &mut room,
                assigned: own,
            }
            .run();
        }
    }

    /// The prior of the topics: `[words, width]`.
    fn prior(&self) -> Weights {
        let mut weights =
            Weights::new(self.config.topics, self.words, |_, row| row.fill(self.beta));
        for seed in &self.guide.seeds {
            let place = seed.word as usize * weights.width + usize::from(seed.topic);
            weights.values[place] += seed.weight;
        }
        weights
    }

    /// The prior with the counts of the assignments.
    fn counts(&self, corpus: &Corpus) -> Weights {
        let mut weights = self.prior();
        let by_words = corpus.by_words();
        let rows = weights.values.par_chunks_mut(weights.width).with_min_len(BLOCK).enumerate();
        rows.for_each(|(word, row)| self.count(by_words.word(word), row));
        weights
    }

    fn document_prior(&self, document: usize, width: usize) -> Vec<f64> {
        let mut out = vec![0.0; width];
        document_prior(&self.alpha, &self.guide, document, &mut out);
        out
    }

    fn noise(&self) -> Noise {
        Noise::new(Seed(self.seed))
    }

    fn fits(&self, corpus: &Corpus) -> Result<(), TopicError> {
        corpus.expect(self.words, self.assigned.len())
    }

    /// The settings.
    pub fn config(&self) -> &GibbsConfig {
        &self.config
    }

    /// The parameters of the documents' prior.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// The parameter of the topics' prior.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Sweeps so far.
    pub fn sweeps(&self) -> u64 {
        self.sweeps
    }

    /// The topic of each token, documents in turn, each in the order of its words.
    pub fn assigned(&self) -> &[u16] {
        &self.assigned
    }

    /// The model given the present assignments: the expected topics, `(n_kw + beta) / Σ`.
    ///
    /// # Errors
    /// Other documents than those of the start.
    pub fn topics(&self, corpus: &Corpus) -> Result<Topics, TopicError> {
        self.fits(corpus)?;
        let weights = self.counts(corpus);
        let columns = transposed(&weights.values, weights.width);
        let values = columns[..weights.topics * self.words].to_vec();
        Ok(Topics::normalised(self.alpha.clone(), values, self.words))
    }

    /// Whether a document's prior is the same for all.
    fn is_labelled(&self) -> bool {
        !self.guide.allowed.is_empty()
    }

    fn learns_alpha(&self) -> bool {
        self.config.learn_alpha != LearnPrior::Fixed && !self.is_labelled()
    }
}

/// The prior of one document: 0 where it may not have a topic.
fn document_prior(alpha: &[f64], guide: &Guide, document: usize, out: &mut [f64]) {
    out.fill(0.0);
    match guide.allowed.get(document) {
        None => out[..alpha.len()].copy_from_slice(alpha),
        Some(allowed) => {
            for &k in allowed {
                out[usize::from(k)] = alpha[usize::from(k)];
            }
        }
    }
}

fn column_sums(weights: &Weights) -> Vec<f64> {
    let mut sums = vec![0.0; weights.width];
    for row in weights.values.chunks(weights.width) {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
    sums
}
