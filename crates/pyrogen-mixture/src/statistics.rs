//! What an M-step reads, and the M-step.

use serde::{Deserialize, Serialize};

use crate::factors::Root;
use crate::matrix::{add_outer, at, packed, transposed_square};
use crate::mixture::Parameters;
use crate::moments::Moments;
use crate::mstep::{self, Memory, Scatter};
use crate::pass::Sums;
use crate::{CollapseReason, Mixture, MixtureConfig, MixtureError, Regularisation};

/// Weights, means, scatter about these means, and counts of levels of each component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statistics {
    pub n: Vec<f64>,
    /// `[k, d]`.
    pub means: Vec<f64>,
    /// `[k, d]` diagonals or `[k, d (d + 1) / 2]` lower triangles.
    pub scatter: Vec<f64>,
    /// `[k, levels]`.
    pub counts: Vec<f64>,
}

/// Adds `factor v v^T` to a lower triangle, or its diagonal to a diagonal.
pub(crate) fn add_square(a: &mut [f64], v: &[f64], factor: f64) {
    if a.len() == v.len() {
        a.iter_mut().zip(v).for_each(|(a, v)| *a += factor * v * v);
    } else {
        add_outer(a, v, factor);
    }
}

/// The places of a diagonal in a lower triangle, or in a diagonal.
fn diagonal(size: usize, d: usize) -> impl Iterator<Item = usize> {
    (0..d).map(move |i| if size == d { i } else { packed(i + 1) - 1 })
}

impl Statistics {
    /// From sums about the means `about`.
    pub fn new(sums: &Sums, about: &[f64]) -> Self {
        let k = sums.n.len();
        let (d, size) = (about.len() / k, sums.second.len() / k);
        let (mut means, mut scatter) = (about.to_vec(), sums.second.clone());
        for c in 0..k {
            if sums.n[c] == 0.0 {
                continue;
            }
            let shift: Vec<f64> = sums.first[c * d..][..d].iter().map(|f| f / sums.n[c]).collect();
            means[c * d..][..d].iter_mut().zip(&shift).for_each(|(m, s)| *m += s);
            add_square(&mut scatter[c * size..][..size], &shift, -sums.n[c]);
        }
        Self { n: sums.n.clone(), means, scatter, counts: sums.counts.clone() }
    }

    /// All sums times a factor.
    pub fn scale(&mut self, factor: f64) {
        for list in [&mut self.n, &mut self.scatter, &mut self.counts] {
            list.iter_mut().for_each(|v| *v *= factor);
        }
    }

    /// `(1 - rate) self + rate other`, as sums over rows.
    pub fn blend(&mut self, other: &Self, rate: f64) {
        let k = self.n.len();
        let (d, size) = (self.means.len() / k, self.scatter.len() / k);
        let mix = |a: &mut f64, b: &f64| *a = (1.0 - rate) * *a + rate * b;
        for c in 0..k {
            let (old, new) = ((1.0 - rate) * self.n[c], rate * other.n[c]);
            let mine = &mut self.scatter[c * size..][..size];
            mine.iter_mut().zip(&other.scatter[c * size..]).for_each(|(a, b)| mix(a, b));
            if old + new > 0.0 {
                let means = &mut self.means[c * d..][..d];
                let apart: Vec<f64> =
                    other.means[c * d..][..d].iter().zip(&*means).map(|(b, a)| b - a).collect();
                add_square(mine, &apart, old * new / (old + new));
                means.iter_mut().zip(&apart).for_each(|(a, v)| *a += v * new / (old + new));
            }
        }
        self.n.iter_mut().zip(&other.n).for_each(|(a, b)| mix(a, b));
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| mix(a, b));
    }
}

/// Why an M-step gave no mixture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    Collapse(usize, CollapseReason),
    Error(MixtureError),
}

/// Below this share of all rows a component is empty.
const EMPTY: f64 = 1e-10;

/// Below this part of a column's variance a component's variance is nothing: its standard deviation
/// is then a ten-millionth of the column's.
const FLAT: f64 = 1e-14;

/// What stays the same over the steps of a fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub config: &'a MixtureConfig,
    pub moments: &'a Moments,
    pub levels: &'a [u32],
}

impl Rules<'_> {
    /// The mixture of the statistics.
    pub fn m_step(
        &self,
        mut statistics: Statistics,
        memory: &mut Memory,
    ) -> Result<Mixture, Failure> {
        let total: f64 = statistics.n.iter().sum();
        let weights: Vec<f64> = statistics.n.iter().map(|n| n / total).collect();
        if let Some(c) = weights.iter().position(|w| *w <= EMPTY) {
            let reason = CollapseReason::Empty { weight: statistics.n[c] };
            return Err(Failure::Collapse(c, reason));
        }
        let (k, d) = (weights.len(), self.moments.means.len());
        let probabilities = self.probabilities(&statistics);
        let effective = self.regularise(&mut statistics, total);
        let mut covariances = Vec::new();
        if d > 0 {
            let scatter = Scatter { n: &effective, w: &statistics.scatter, d };
            covariances = mstep::covariances(self.config.covariance, &scatter, memory)
                .map_err(|flat| self.flat(flat))?;
            let size = covariances.len() / k;
            if let Regularisation::Diagonal { value } = self.config.regularisation {
                for part in covariances.chunks_mut(size) {
                    diagonal(size, d).for_each(|i| part[i] += value);
                }
            }
            self.find_flat(&covariances, size)?;
        }
        Mixture::from_parameters(Parameters {
            covariance: self.config.covariance,
            columns: d,
            levels: self.levels.to_vec(),
            weights,
            means: statistics.means,
            covariances,
            probabilities,
        })
        .map_err(|error| match error {
            MixtureError::NotPositiveDefinite { component, column, pivot } => {
                Failure::Collapse(component, CollapseReason::Singular { column, pivot })
            }
            other => Failure::Error(other),
        })
    }

    fn flat(&self, flat: mstep::Flat) -> Failure {
        let (column, pivot) = (flat.bad.column, flat.bad.pivot);
        match flat.component {
            Some(c) => Failure::Collapse(c, CollapseReason::Singular { column, pivot }),
            None => Failure::Error(MixtureError::CollinearColumn { column }),
        }
    }

    fn find_flat(&self, covariances: &[f64], size: usize) -> Result<(), Failure> {
        let d = self.moments.means.len();
        for (c, part) in covariances.chunks(size).enumerate() {
            for (column, i) in diagonal(size, d).enumerate() {
                let variance = part[i];
                if variance.is_nan() || variance <= FLAT * self.moments.variances[column] {
                    let reason = CollapseReason::Flat { column, variance };
                    return Err(Failure::Collapse(c, reason));
                }
            }
        }
        Ok(())
    }

    fn probabilities(&self, statistics: &Statistics) -> Vec<f64> {
        let all: usize = self.levels.iter().map(|l| *l as usize).sum();
        let mut out = Vec::with_capacity(statistics.counts.len());
        for mut counts in statistics.counts.chunks(all.max(1)) {
            for levels in self.levels {
                let (column, rest) = counts.split_at(*levels as usize);
                counts = rest;
                let smoothing = self.config.smoothing;
                let sum = column.iter().sum::<f64>() + smoothing * f64::from(*levels);
                // A component none of whose rows shows the column knows nothing of it.
                let even = 1.0 / f64::from(*levels);
                let share = |n: &f64| if sum > 0.0 { (n + smoothing) / sum } else { even };
                out.extend(column.iter().map(share));
            }
        }
        out
    }

    /// Adds what the regularisation stands for to means and scatter; the weights that go with them.
    fn regularise(&self, statistics: &mut Statistics, total: f64) -> Vec<f64> {
        let (k, d) = (statistics.n.len(), self.moments.means.len());
        let mut effective = statistics.n.clone();
        if d == 0 {
            return effective;
        }
        let size = statistics.scatter.len() / k;
        match self.config.regularisation {
            Regularisation::None | Regularisation::Diagonal { .. } => {}
            Regularisation::Penalty { strength } => {
                let amount = strength * total / k as f64;
                for part in statistics.scatter.chunks_mut(size) {
                    for (i, v) in diagonal(size, d).zip(&self.moments.variances) {
                        part[i] += amount * v;
                    }
                }
            }
            Regularisation::Prior { shrinkage, degrees } => {
                let (degrees, scale) = self.prior(degrees, size == d, k);
                for (c, effective) in effective.iter_mut().enumerate() {
                    let n = *effective;
                    let part = &mut statistics.scatter[c * size..][..size];
                    part.iter_mut().zip(&scale).for_each(|(w, s)| *w += s);
                    let mean = &mut statistics.means[c * d..][..d];
                    let apart: Vec<f64> =
                        self.moments.means.iter().zip(&*mean).map(|(a, b)| a - b).collect();
                    let pull = shrinkage / (n + shrinkage);
                    add_square(part, &apart, n * pull);
                    mean.iter_mut().zip(&apart).for_each(|(m, v)| *m += pull * v);
                    *effective = n + degrees + d as f64 + 2.0;
                }
            }
        }
        effective
    }

    /// Degrees of freedom and scale of the prior of a covariance.
    fn prior(&self, degrees: Option<f64>, diagonal: bool, k: usize) -> (f64, Vec<f64>) {
        let d = self.moments.means.len();
        let factor = (k as f64).powf(-2.0 / d as f64);
        let mut scale = self.moments.scatter(diagonal);
        scale.iter_mut().for_each(|s| *s *= factor);
        (degrees.unwrap_or(d as f64 + 2.0), scale)
    }

    /// What the regularisation and the smoothing add to the log-likelihood, up to a constant.
    pub fn log_prior(&self, mixture: &Mixture, total: f64) -> f64 {
        let (k, d) = (mixture.components(), mixture.columns());
        let mut sum = 0.0;
        if self.config.smoothing > 0.0 {
            let log_p = &mixture.components.log_probabilities;
            sum += self.config.smoothing * log_p.iter().sum::<f64>();
        }
        if d == 0 {
            return sum;
        }
        for c in 0..k {
            sum += match self.config.regularisation {
                Regularisation::None | Regularisation::Diagonal { .. } => 0.0,
                Regularisation::Penalty { strength } => {
                    let trace = trace_of_inverse(mixture, c, &self.moments.variances);
                    -0.5 * strength * total / k as f64 * trace
                }
                Regularisation::Prior { shrinkage, degrees } => {
                    let dense = mixture.components.dense;
                    let (degrees, mut scale) = self.prior(degrees, !dense, k);
                    let apart: Vec<f64> = mixture
                        .mean(c)
                        .iter()
                        .zip(&self.moments.means)
                        .map(|(a, b)| a - b)
                        .collect();
                    add_square(&mut scale, &apart, shrinkage);
                    let factor = &mixture.components.factors[c];
                    let log_root = factor.constant
                        - mixture.components.log_weights[c]
                        - crate::factors::normaliser(d);
                    (degrees + d as f64 + 2.0) * log_root
                        - 0.5 * trace_of_inverse(mixture, c, &scale)
                }
            };
        }
        sum
    }
}

/// `trace(covariance_c^-1 a)` for a diagonal or a lower triangle `a`.
fn trace_of_inverse(mixture: &Mixture, c: usize, a: &[f64]) -> f64 {
    let d = mixture.columns();
    match &mixture.components.factors[c].root {
        Root::Diagonal(inverse) => inverse.iter().zip(a).map(|(i, v)| i * i * v).sum(),
        Root::Dense(p) if a.len() == d => {
            let column = |j: usize| (j..d).map(|i| p[at(i, j)].powi(2)).sum::<f64>();
            (0..d).map(|j| a[j] * column(j)).sum()
        }
        Root::Dense(p) => crate::matrix::trace_of_product(&transposed_square(p, d), a, d),
    }
}
