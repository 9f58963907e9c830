//! The hierarchical Dirichlet process: topics whose number is learnt.

use pyrogen_core::config::check::positive;
use pyrogen_core::{ConfigError, Noise, Seed};
use serde::{Deserialize, Serialize};

use crate::fold::LANES;
use crate::gibbs::draw;
use crate::variational::MOST_TOPICS;
use crate::{Corpus, TopicError, Topics};
use pyrogen_core::Draws;
use pyrogen_core::special::host::lgamma;

/// Settings of the hierarchical Dirichlet process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HdpConfig {
    /// Concentration of a document's topics around those of all documents, at the start.
    pub alpha: f64,
    /// Concentration of all documents' topics, at the start: larger for more topics.
    pub gamma: f64,
    /// Each word's parameter of the topics' Dirichlet prior.
    pub beta: f64,
    /// Whether the two concentrations are drawn, too, with the prior Gamma(1, 1).
    pub learn: bool,
}

impl Default for HdpConfig {
    fn default() -> Self {
        Self { alpha: 1.0, gamma: 1.0, beta: 0.05, learn: true }
    }
}

impl HdpConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        positive("alpha", self.alpha)?;
        positive("gamma", self.gamma)?;
        positive("beta", self.beta)
    }
}

/// The hierarchical Dirichlet process by Gibbs sampling with direct assignment, a sweep at a time: the
/// whole state, so that one that was written and read back goes on bit for bit.
///
/// ```text
/// sticks ~ Stick(gamma),  θ_d ~ DP(alpha, sticks),  topic_k ~ Dirichlet(beta)
/// z_di ~ θ_d,  w_di ~ topic_{z_di}
/// ```
///
/// One sweep draws every assignment given the others and the sticks, a new topic among the choices;
/// then the sticks given the numbers of tables, and the concentrations. It runs on one core.
///
/// # References
/// Teh, Jordan, Beal and Blei (2006), "Hierarchical Dirichlet processes", section 5.3 and appendix A;
/// Escobar and West (1995) for `gamma`.
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_topic::{Corpus, Hdp, HdpConfig};
///
/// let documents: Vec<Vec<(u32, u32)>> =
///     (0..60).map(|d| (0..3).map(|i| (d % 3 * 3 + i, 4)).collect()).collect();
/// let corpus = Corpus::new(9, &documents)?;
/// let mut fit = Hdp::new(HdpConfig::default(), &corpus, &Noise::new(Seed(1)))?;
/// for _ in 0..50 {
///     fit.sweep(&corpus)?;
/// }
/// assert!(fit.topics(&corpus)?.len() >= 3);
/// # Ok::<(), pyrogen_topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hdp {
    config: HdpConfig,
    words: usize,
    alpha: f64,
    gamma: f64,
    /// The stick of each place; 0 where the place has no topic.
    sticks: Vec<f64>,
    /// What is left for new topics.
    rest: f64,
    /// The place of each token's topic, documents in turn, each in the order of its words.
    assigned: Vec<u16>,
    sweeps: u64,
    seed: u64,
}

/// Counts of the assignments: topics have places, of which some are free.
struct Counts {
    width: usize,
    /// `[words, width]`, with the prior.
    rows: Vec<f64>,
    /// Tokens of each place.
    totals: Vec<f64>,
}

impl Counts {
    fn new(words: usize, width: usize, beta: f64) -> Self {
        Self { width, rows: vec![beta; words * width], totals: vec![0.0; width] }
    }

    /// The same with twice the places.
    fn grow(&mut self, beta: f64) {
        let width = self.width * 2;
        let mut rows = vec![beta; self.rows.len() * 2];
        for (new, old) in rows.chunks_mut(width).zip(self.rows.chunks(self.width)) {
            new[..self.width].copy_from_slice(old);
        }
        self.totals.resize(width, 0.0);
        (self.width, self.rows) = (width, rows);
    }
}

impl Hdp {
    /// A sampler at its start: each token is assigned in turn given those before it.
    ///
    /// # Errors
    /// Settings that cannot be used, or documents without words.
    pub fn new(config: HdpConfig, corpus: &Corpus, noise: &Noise) -> Result<Self, TopicError> {
        config.validate()?;
        if corpus.tokens() == 0 {
            return Err(TopicError::AllEmpty { documents: corpus.len() });
        }
        let mut fit = Self {
            words: corpus.words(),
            alpha: config.alpha,
            gamma: config.gamma,
            sticks: vec![0.0; LANES],
            rest: 1.0,
            assigned: Vec::new(),
            sweeps: 0,
            seed: noise.fork("sweeps").bits_vec(1)[0],
            config,
        };
        let mut draws = Draws::new(&fit.noise(), "start");
        let mut counts = Counts::new(fit.words, LANES, fit.config.beta);
        fit.assign(corpus, &mut counts, &mut draws);
        fit.draw_sticks(corpus, &mut draws);
        Ok(fit)
    }

    /// Draws every assignment once, then the sticks and concentrations.
    ///
    /// # Errors
    /// Other documents than those of the start.
    pub fn sweep(&mut self, corpus: &Corpus) -> Result<(), TopicError> {
        self.fits(corpus)?;
        let mut draws = Draws::new(&self.noise().fork_index(self.sweeps), "sweep");
        let mut counts = self.counts(corpus);
        self.assign(corpus, &mut counts, &mut draws);
        self.draw_sticks(corpus, &mut draws);
        self.sweeps += 1;
        Ok(())
    }

    /// Draws every assignment; at the start there are none to take away.
    fn assign(&mut self, corpus: &Corpus, counts: &mut Counts, draws: &mut Draws) {
        let first = self.assigned.is_empty();
        let mut assigned = std::mem::take(&mut self.assigned);
        let mut at = 0;
        let mut shares = Vec::new();
        let (mut scaled, mut room) = (Vec::new(), Vec::new());
        for document in corpus.iter() {
            shares.clear();
            shares.resize(counts.width, 0.0);
            let tokens = document.tokens() as usize;
            if !first {
                assigned[at..at + tokens].iter().for_each(|k| shares[usize::from(*k)] += 1.0);
            }
            for (&word, &count) in document.words.iter().zip(document.counts) {
                for _ in 0..count {
                    if !first {
                        self.take_away(assigned[at], word, counts, &mut shares);
                    }
                    let k = self.choose(word, counts, &mut shares, (&mut scaled, &mut room), draws);
                    match first {
                        true => assigned.push(k),
                        false => assigned[at] = k,
                    }
                    at += 1;
                }
            }
        }
        self.assigned = assigned;
    }

    /// Takes a token away; a topic without tokens gives its stick back.
    fn take_away(&mut self, place: u16, word: u32, counts: &mut Counts, shares: &mut [f64]) {
        let k = usize::from(place);
        counts.rows[word as usize * counts.width + k] -= 1.0;
        counts.totals[k] -= 1.0;
        shares[k] -= 1.0;
        if counts.totals[k] < 0.5 {
            self.rest += self.sticks[k];
            self.sticks[k] = 0.0;
            // Exactly the prior again, whatever was added and taken away.
            for row in counts.rows.chunks_mut(counts.width) {
                row[k] = self.config.beta;
            }
        }
    }

    /// Draws the topic of one token, with a new one among the choices, and adds the token to it.
    fn choose(
        &mut self,
        word: u32,
        counts: &mut Counts,
        shares: &mut Vec<f64>,
        (scaled, room): (&mut Vec<f64>, &mut Vec<f64>),
        draws: &mut Draws,
    ) -> u16 {
        let beta = self.config.beta;
        let all = beta * self.words as f64;
        let free = match self.sticks.iter().position(|s| *s == 0.0) {
            Some(free) => free,
            None => {
                let free = counts.width;
                counts.grow(beta);
                shares.resize(counts.width, 0.0);
                self.sticks.resize(counts.width, 0.0);
                free
            }
        };
        scaled.clear();
        scaled.extend((0..counts.width).map(|k| match self.sticks[k] > 0.0 {
            true => (shares[k] + self.alpha * self.sticks[k]) / (counts.totals[k] + all),
            false => 0.0,
        }));
        if free < MOST_TOPICS {
            scaled[free] = self.alpha * self.rest / all;
        }
        room.resize(counts.width, 0.0);
        let row = &mut counts.rows[word as usize * counts.width..][..counts.width];
        let k = draw(scaled, row, draws.uniform(), room).expect("a new topic has a weight");
        if k == free {
            let part = draws.beta(1.0, self.gamma).max(f64::MIN_POSITIVE);
            self.sticks[k] = (part * self.rest).max(f64::MIN_POSITIVE);
            self.rest = (self.rest - self.sticks[k]).max(f64::MIN_POSITIVE);
        }
        row[k] += 1.0;
        counts.totals[k] += 1.0;
        shares[k] += 1.0;
        k as u16
    }

    /// The sticks given the numbers of tables, which are drawn first, and the concentrations.
    fn draw_sticks(&mut self, corpus: &Corpus, draws: &mut Draws) {
        let mut tables = vec![0.0; self.sticks.len()];
        let mut shares = vec![0u32; self.sticks.len()];
        let mut assigned = &self.assigned[..];
        for document in corpus.iter() {
            let (own, rest) = assigned.split_at(document.tokens() as usize);
            assigned = rest;
            shares.fill(0);
            own.iter().for_each(|k| shares[usize::from(*k)] += 1);
            for (k, &n) in shares.iter().enumerate().filter(|(_, n)| **n > 0) {
                let mass = self.alpha * self.sticks[k];
                // A first guest opens a table; each later one with its share (Antoniak 1974).
                let opens = (1..n).filter(|i| draws.uniform() * (mass + f64::from(*i)) < mass);
                tables[k] += 1.0 + opens.count() as f64;
            }
        }
        if self.config.learn {
            self.draw_concentrations(corpus, &tables, draws);
        }
        let mut parameters = tables;
        parameters.push(self.gamma);
        let sticks = draws.dirichlet(&parameters);
        self.rest = sticks[parameters.len() - 1].max(f64::MIN_POSITIVE);
        for ((stick, new), tables) in self.sticks.iter_mut().zip(sticks).zip(&parameters) {
            *stick = if *tables > 0.0 { new.max(f64::MIN_POSITIVE) } else { 0.0 };
        }
    }

    fn draw_concentrations(&mut self, corpus: &Corpus, tables: &[f64], draws: &mut Draws) {
        let all: f64 = tables.iter().sum();
        let topics = tables.iter().filter(|t| **t > 0.0).count() as f64;
        let (mut shape, mut rate) = (1.0 + all, 1.0);
        for document in corpus.iter().filter(|d| !d.words.is_empty()) {
            let n = document.tokens() as f64;
            rate -= draws.beta(self.alpha + 1.0, n).max(f64::MIN_POSITIVE).ln();
            shape -= f64::from(draws.uniform() * (n + self.alpha) < n);
        }
        self.alpha = (draws.gamma(shape) / rate).max(1e-6);
        let rate = 1.0 - draws.beta(self.gamma + 1.0, all).max(f64::MIN_POSITIVE).ln();
        let odds = topics / (all * rate);
        let shape = if draws.uniform() * (1.0 + odds) < odds { 1.0 + topics } else { topics };
        self.gamma = (draws.gamma(shape) / rate).max(1e-6);
    }

    fn counts(&self, corpus: &Corpus) -> Counts {
        let mut counts = Counts::new(self.words, self.sticks.len(), self.config.beta);
        let mut assigned = self.assigned.iter();
        for document in corpus.iter() {
            for (&word, &count) in document.words.iter().zip(document.counts) {
                for &k in assigned.by_ref().take(count as usize) {
                    counts.rows[word as usize * counts.width + usize::from(k)] += 1.0;
                    counts.totals[usize::from(k)] += 1.0;
                }
            }
        }
        counts
    }

    /// The places that have a topic.
    fn used(&self) -> Vec<usize> {
        (0..self.sticks.len()).filter(|k| self.sticks[*k] > 0.0).collect()
    }

    fn noise(&self) -> Noise {
        Noise::new(Seed(self.seed))
    }

    fn fits(&self, corpus: &Corpus) -> Result<(), TopicError> {
        corpus.expect(self.words, self.assigned.len())
    }

    /// The settings.
    pub fn config(&self) -> &HdpConfig {
        &self.config
    }

    /// The concentrations: `alpha` of documents, `gamma` of topics.
    pub fn concentrations(&self) -> (f64, f64) {
        (self.alpha, self.gamma)
    }

    /// The topic of each token by its place, documents in turn, each in the order of its words. Places
    /// of topics that have gone are taken by new ones.
    pub fn assigned(&self) -> &[u16] {
        &self.assigned
    }

    /// Sweeps so far.
    pub fn sweeps(&self) -> u64 {
        self.sweeps
    }

    /// `ln p(words | assignments)` in nats, topics integrated out.
    ///
    /// # Errors
    /// Other documents than those of the start.
    pub fn log_words(&self, corpus: &Corpus) -> Result<f64, TopicError> {
        self.fits(corpus)?;
        let (counts, beta) = (self.counts(corpus), self.config.beta);
        let all = beta * self.words as f64;
        let mut sum = 0.0;
        for row in counts.rows.chunks(counts.width) {
            let seen = row.iter().filter(|v| **v > beta);
            sum += seen.map(|v| lgamma(*v) - lgamma(beta)).sum::<f64>();
        }
        for total in counts.totals.iter().filter(|t| **t > 0.0) {
            sum += lgamma(all) - lgamma(total + all);
        }
        Ok(sum)
    }

    /// The model given the present assignments: topics `(n_kw + beta) / Σ` in the order of their
    /// places, with the prior `alpha stick_k` for a document.
    ///
    /// # Errors
    /// Other documents than those of the start.
    pub fn topics(&self, corpus: &Corpus) -> Result<Topics, TopicError> {
        self.fits(corpus)?;
        let (counts, used) = (self.counts(corpus), self.used());
        let column = |k: usize| counts.rows.iter().skip(k).step_by(counts.width).copied();
        let values = used.iter().flat_map(|k| column(*k)).collect();
        let alpha = used.iter().map(|k| (self.alpha * self.sticks[*k]).max(1e-9)).collect();
        Ok(Topics::normalised(alpha, values, self.words))
    }
}
