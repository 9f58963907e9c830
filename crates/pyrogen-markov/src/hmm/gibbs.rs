//! [`Gibbs`]: draws of paths and parameters from their posterior distribution.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use pyrogen_core::{Draws, Noise, Seed};

use super::emission::{Covariance, Emission};
use super::engine::Engine;
use super::model::Hmm;
use crate::MarkovError;
use crate::sequences::Sequences;

/// Priors of [`Gibbs`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GibbsPriors {
    /// Dirichlet parameters of start and transition probabilities.
    pub chain: f64,
    /// Dirichlet parameters of symbols and categories; both beta parameters of bits.
    pub counts: f64,
    /// Shape of the gamma prior of a Poisson mean, and of that of a precision.
    pub shape: f64,
    /// Rate of the gamma prior of a Poisson mean; of a precision, in units of the column's variance.
    pub rate: f64,
    /// Rows that the prior of a Gaussian mean counts as; it lies at the column's mean.
    pub rows: f64,
}

impl Default for GibbsPriors {
    fn default() -> Self {
        Self { chain: 1.0, counts: 1.0, shape: 1.0, rate: 0.1, rows: 0.01 }
    }
}

/// Gibbs sampling of a hidden Markov model: paths given the parameters (forward filtering, backward
/// sampling), then the parameters given the paths, from conjugate priors.
///
/// For Gaussian emissions with diagonal covariance, and for Poisson, categorical, multinomial and
/// Bernoulli emissions. The whole state is serialised; draw `n` depends on the seed, the data and the
/// draws before it, and not on the number of threads.
///
/// States have no names of their own: they may change places from draw to draw.
///
/// # References
/// Scott (2002); Frühwirth-Schnatter (2006), chapter 11.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gibbs {
    model: Hmm,
    priors: GibbsPriors,
    seed: Seed,
    draw: u64,
    /// Means and variances of the columns, for the priors.
    columns: Vec<(f64, f64)>,
}

/// What one path adds.
struct Counts {
    start: Vec<f64>,
    transitions: Vec<f64>,
    emissions: Vec<f64>,
}

impl Gibbs {
    /// A sampler that starts from a model.
    ///
    /// # Errors
    /// Data that the model cannot have made, emissions without conjugate priors here, or priors that are
    /// not above 0.
    pub fn new(
        model: Hmm,
        priors: GibbsPriors,
        data: &Sequences,
        seed: Seed,
    ) -> Result<Self, MarkovError> {
        let conjugate = match &model.emission {
            Emission::Gaussian(e) => e.form == Covariance::Diagonal,
            Emission::Poisson(_) | Emission::Categorical(_) => true,
            Emission::Multinomial(_) | Emission::Bernoulli(_) => true,
            _ => false,
        };
        if !conjugate {
            let expected = "Gaussian (diagonal), Poisson, categorical, multinomial or Bernoulli";
            return Err(MarkovError::request("emission", expected, "another"));
        }
        let all = [priors.chain, priors.counts, priors.shape, priors.rate, priors.rows];
        if let Some(bad) = all.iter().find(|p| !(p.is_finite() && **p > 0.0)) {
            return Err(MarkovError::request("priors", "above 0", bad));
        }
        model.check()?;
        model.emission.check(data)?;
        let column = |i: usize| {
            let seen: Vec<f64> = data.rows().map(|r| r[i]).filter(|v| !v.is_nan()).collect();
            let n = seen.len().max(1) as f64;
            let mean = seen.iter().sum::<f64>() / n;
            let variance = seen.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            (mean, if variance > 0.0 { variance } else { 1.0 })
        };
        let columns = (0..data.width().unwrap_or(0)).map(column).collect();
        Ok(Self { model, priors, seed, draw: 0, columns })
    }

    /// The parameters of the last draw.
    pub fn model(&self) -> &Hmm {
        &self.model
    }

    /// Draws that were made.
    pub fn draws(&self) -> u64 {
        self.draw
    }

    /// One draw of all paths and then of all parameters; gives the paths.
    ///
    /// # Errors
    /// A sequence that the parameters cannot have made.
    pub fn step(&mut self, data: &Sequences) -> Result<Vec<Vec<usize>>, MarkovError> {
        let noise = Noise::new(self.seed).fork("gibbs").fork_index(self.draw);
        let (paths, counts) = {
            let engine = Engine::new(&self.model, data)?;
            let draw =
                |i: usize| engine.draw_path(i, &mut Draws::item(&noise.fork("path"), i as u64));
            let paths: Vec<Result<Vec<usize>, MarkovError>> =
                (0..data.len()).into_par_iter().map(draw).collect();
            let paths: Vec<Vec<usize>> = paths.into_iter().collect::<Result<_, _>>()?;
            let counts = count(&engine, &paths);
            (paths, counts)
        };
        let mut draws = Draws::new(&noise, "parameters");
        let k = self.model.states();
        let prior = self.priors.chain;
        draw_row(&mut self.model.start, &counts.start, prior, &mut draws);
        for (row, counts) in
            self.model.transition.chunks_exact_mut(k).zip(counts.transitions.chunks_exact(k))
        {
            draw_row(row, counts, prior, &mut draws);
        }
        self.draw_emission(&counts.emissions, &mut draws);
        self.draw += 1;
        Ok(paths)
    }

    fn draw_emission(&mut self, statistics: &[f64], draws: &mut Draws) {
        let (priors, columns) = (self.priors, &self.columns);
        let (shape, rate) = (priors.shape, priors.rate);
        let rows = |table: &mut Vec<Vec<f64>>, draws: &mut Draws| {
            let k = table.len();
            for (state, row) in table.iter_mut().enumerate() {
                let counts: Vec<f64> =
                    (0..row.len()).map(|i| statistics[i * k + state] + priors.counts).collect();
                *row = draws.dirichlet(&counts);
            }
        };
        match &mut self.model.emission {
            Emission::Categorical(e) => rows(&mut e.probabilities, draws),
            Emission::Multinomial(e) => rows(&mut e.probabilities, draws),
            Emission::Poisson(e) => {
                let (k, d) = (e.means.len(), e.means[0].len());
                for place in 0..k * d {
                    let (n, sum) = (statistics[place], statistics[k * d + place]);
                    e.means[place % k][place / k] = draws.gamma(shape + sum) / (rate + n);
                }
            }
            Emission::Bernoulli(e) => {
                let (k, d) = (e.probabilities.len(), e.probabilities[0].len());
                for place in 0..k * d {
                    let (n, sum) = (statistics[place], statistics[k * d + place]);
                    let p = draws.beta(priors.counts + sum, priors.counts + (n - sum).max(0.0));
                    e.probabilities[place % k][place / k] = p;
                }
            }
            Emission::Gaussian(e) => {
                let (k, d) = (e.means.len(), e.means[0].len());
                for place in 0..k * d {
                    let (state, column) = (place % k, place / k);
                    // Sums are about the mean that the state had.
                    let [n, first, second] = [0, 1, 2].map(|part| statistics[part * k * d + place]);
                    let old = e.means[state][column];
                    let (centre, variance) = columns[column];
                    let mean = if n > 0.0 { old + first / n } else { centre };
                    let within = if n > 0.0 { (second - first * first / n).max(0.0) } else { 0.0 };
                    let total = priors.rows + n;
                    let between = priors.rows * n / total * (mean - centre).powi(2);
                    let precision =
                        draws.gamma(shape + 0.5 * n) / (rate * variance + 0.5 * (within + between));
                    e.covariances[state][column] = 1.0 / precision;
                    let middle = (priors.rows * centre + n * mean) / total;
                    e.means[state][column] = middle + draws.normal() / (total * precision).sqrt();
                }
            }
            _ => unreachable!("refused when the sampler was made"),
        }
    }
}

/// Probabilities from their Dirichlet posterior; zeros stay.
fn draw_row(row: &mut [f64], counts: &[f64], prior: f64, draws: &mut Draws) {
    let possible = row.iter().zip(counts).map(|(p, n)| if *p > 0.0 { n + prior } else { 0.0 });
    let drawn = draws.dirichlet(&possible.collect::<Vec<_>>());
    row.copy_from_slice(&drawn);
}

fn count(engine: &Engine<'_>, paths: &[Vec<usize>]) -> Counts {
    let k = engine.k;
    let mut counts = Counts {
        start: vec![0.0; k],
        transitions: vec![0.0; k * k],
        emissions: vec![0.0; engine.kernel.statistics()],
    };
    for (sequence, path) in paths.iter().enumerate() {
        let weight = engine.data.weight(sequence);
        let mut posterior = vec![0.0; path.len() * k];
        path.iter().enumerate().for_each(|(t, state)| posterior[t * k + state] = 1.0);
        let view = engine.data.view(sequence, 0..path.len());
        engine.accumulate(&view, &posterior, &mut counts.emissions);
        if let Some(first) = path.first() {
            counts.start[*first] += weight;
        }
        path.windows(2).for_each(|w| counts.transitions[w[0] * k + w[1]] += weight);
    }
    counts
}

impl Engine<'_> {
    /// A path drawn from its posterior: the filter forwards, draws backwards.
    pub(super) fn draw_path(
        &self,
        sequence: usize,
        draws: &mut Draws,
    ) -> Result<Vec<usize>, MarkovError> {
        let (k, n) = (self.k, self.data.length(sequence));
        let filtered = self
            .log_filtered(sequence)
            .map_err(|step| MarkovError::Impossible { sequence, step })?;
        let mut path = vec![0; n];
        let mut weights = vec![0.0; k];
        for t in (0..n).rev() {
            for i in 0..k {
                let ahead = match t + 1 < n {
                    true => self.log_transition[i * k + path[t + 1]],
                    false => 0.0,
                };
                weights[i] = filtered[t * k + i] + ahead;
            }
            let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            weights.iter_mut().for_each(|w| *w = (*w - largest).exp());
            path[t] = draws.place(&weights);
        }
        Ok(path)
    }
}
