//! Expectation maximisation by minibatches.

use pyrogen_core::config::check::{at_least_one, not_negative};
use pyrogen_core::{ConfigError, Noise};
use serde::{Deserialize, Serialize};

use crate::moments::Moments;
use crate::mstep::Memory;
use crate::statistics::{Failure, Rules, Statistics};
use crate::{Event, Mixture, MixtureConfig, MixtureError, Table, pass, split, start};

/// How a fit by minibatches runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinibatchConfig {
    /// Rows of a batch.
    pub size: usize,
    /// How fast old batches are forgotten: step `t` counts for `(t + delay)^-exponent`. Above 1/2 and
    /// at most 1, for convergence.
    pub exponent: f64,
    /// Large values make the first batches count for less.
    pub delay: f64,
    /// How often all rows are seen.
    pub epochs: usize,
}

impl Default for MinibatchConfig {
    fn default() -> Self {
        Self { size: 1000, exponent: 0.6, delay: 2.0, epochs: 2 }
    }
}

impl MinibatchConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_least_one("size", self.size)?;
        if !(self.exponent > 0.5 && self.exponent <= 1.0) {
            let expected = "above 0.5 and at most 1";
            return Err(ConfigError::value("exponent", expected, self.exponent));
        }
        not_negative("delay", self.delay)?;
        at_least_one("epochs", self.epochs)
    }
}

/// The state of a fit that sees a batch of rows at a time:
///
/// ```text
/// s = (1 - rate_t) s + rate_t s(batch),   rate_t = (t + delay)^-exponent
/// ```
///
/// for the sums per row `s` that an M-step reads. The first `s` is that of the start. For data that is
/// too long for whole sweeps; [`Em`](crate::Em) from its mixture finishes where exactness matters. The
/// starts, tolerance and steps of the configuration are not read.
///
/// # References
/// Cappé and Moulines (2009), "On-line expectation-maximization algorithm for latent data models".
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_mixture::{MinibatchConfig, MinibatchEm, MixtureConfig, Table};
///
/// let draws = Noise::new(Seed(5)).normal_vec(20_000);
/// let cell = |(i, z): (usize, &f64)| z + if i % 4 == 0 { 0.0 } else { 7.0 };
/// let table = Table::numeric(draws.iter().enumerate().map(cell).collect(), 1)?;
/// let (config, batches) = (MixtureConfig::default(), MinibatchConfig::default());
/// let mut em = MinibatchEm::new(config, batches, &table, &Noise::new(Seed(1)))?;
/// for rows in em.batches(table.rows(), &Noise::new(Seed(2))) {
///     em.step(&table.select(&rows)?)?;
/// }
/// let weights = em.mixture().weights();
/// assert!((weights[0].min(weights[1]) - 0.25).abs() < 0.02);
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinibatchEm {
    config: MixtureConfig,
    batches: MinibatchConfig,
    moments: Moments,
    /// Weight of the whole data: what the regularisation is measured by.
    total: f64,
    mixture: Mixture,
    memory: Memory,
    statistics: Statistics,
    step: u64,
    splits: usize,
}

impl MinibatchEm {
    /// Finds the first components; the table is the whole data, or rows that stand for it.
    ///
    /// # Errors
    /// As [`Em::new`](crate::Em::new).
    pub fn new(
        config: MixtureConfig,
        batches: MinibatchConfig,
        table: &Table,
        noise: &Noise,
    ) -> Result<Self, MixtureError> {
        config.validate()?;
        batches.validate()?;
        let moments = Moments::of(&config, table)?;
        let mixture = start::start(&config, &moments, table, &noise.fork("start"))?;
        Ok(Self {
            statistics: expected(&mixture),
            total: table.total_weight(),
            config,
            batches,
            moments,
            mixture,
            memory: Memory::default(),
            step: 0,
            splits: 0,
        })
    }

    /// Rows of each batch, a permutation an epoch; a last batch of an epoch with fewer rows than half
    /// a batch joins the one before it.
    pub fn batches(&self, rows: usize, noise: &Noise) -> Vec<Vec<usize>> {
        let count = ((rows + self.batches.size / 2) / self.batches.size).max(1);
        let epoch = |e: usize| {
            let order = noise.fork_index(e as u64).permutation(rows);
            let cut = |b: usize| {
                let end = if b + 1 == count { rows } else { (b + 1) * self.batches.size };
                order[b * self.batches.size..end].to_vec()
            };
            (0..count).map(cut).collect::<Vec<_>>()
        };
        (0..self.batches.epochs).flat_map(epoch).collect()
    }

    /// The mixture.
    pub fn mixture(&self) -> &Mixture {
        &self.mixture
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Learns from a batch; gives its log-likelihood before the step, in nats, and what happened.
    ///
    /// # Errors
    /// A table of other columns, a row of probability zero, numbers that are not finite, or a
    /// collapse beyond the configured splits. The state is then as before.
    pub fn step(&mut self, batch: &Table) -> Result<(f64, Vec<Event>), MixtureError> {
        self.mixture.check(batch)?;
        let step = self.step + 1;
        let sums = pass::expectations(&self.mixture.components, batch);
        if let Some(row) = sums.impossible {
            return Err(MixtureError::Impossible { row });
        }
        if !sums.log_likelihood.is_finite() {
            let (what, value) = ("the log-likelihood", sums.log_likelihood);
            return Err(MixtureError::NotFinite { step, what, value });
        }
        let mut seen = Statistics::new(&sums, &self.mixture.parts().means);
        seen.scale(1.0 / batch.total_weight());
        let rate = (step as f64 + self.batches.delay).powf(-self.batches.exponent);
        let mut statistics = self.statistics.clone();
        statistics.blend(&seen, rate);
        let mut whole = statistics.clone();
        whole.scale(self.total);
        let rules = Rules { config: &self.config, moments: &self.moments, levels: batch.levels() };
        let (mut events, mut memory) = (Vec::new(), self.memory.clone());
        match rules.m_step(whole, &mut memory) {
            Ok(mixture) => {
                (self.mixture, self.statistics, self.memory) = (mixture, statistics, memory);
            }
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::Collapse(component, reason)) => {
                let splits = self.splits;
                let error = MixtureError::Collapsed { step, component, splits, reason };
                if splits >= self.config.splits {
                    return Err(error);
                }
                let found = split::split(&self.mixture, component, &self.moments, step)?;
                let Some((mixture, donor)) = found else { return Err(error) };
                (self.statistics, self.memory) = (expected(&mixture), Memory::default());
                self.mixture = mixture;
                self.splits += 1;
                events.push(Event::Split { step, start: 0, component, donor, reason });
            }
        }
        self.step = step;
        Ok((sums.log_likelihood, events))
    }
}

/// The sums per row that the mixture's own draws would have.
fn expected(mixture: &Mixture) -> Statistics {
    let parts = mixture.parts();
    let times_weight = |list: &[f64]| {
        let each = (list.len() / parts.weights.len()).max(1);
        list.iter().enumerate().map(|(e, v)| parts.weights[e / each] * v).collect()
    };
    Statistics {
        n: parts.weights.clone(),
        means: parts.means.clone(),
        scatter: times_weight(&parts.covariances),
        counts: times_weight(&parts.probabilities),
    }
}
