//! What the passes over data compute with a Gaussian.

use std::collections::HashMap;

use pulp::{Arch, NullaryFnOnce};

use super::Kernel;
use super::gaussian::Gaussian;
use crate::MarkovError;
use crate::linear::{cholesky, invert_lower, solve_cholesky};
use crate::sequences::View;

/// Numbers of a Gaussian in the order in which kernels read them: states are the last axis.
pub(super) struct GaussianKernel<'a> {
    model: &'a Gaussian,
    states: usize,
    width: usize,
    /// `[columns][states]`.
    means: Vec<f64>,
    /// Dense: inverse Cholesky factors `[row, column <= row][states]`; else the square roots of
    /// precisions `[columns][states]`.
    factors: Vec<f64>,
    /// The log-density at the mean.
    peaks: Vec<f64>,
    /// Logarithms of `factors`, for single columns (not dense).
    log_factors: Vec<f64>,
}

const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

impl<'a> GaussianKernel<'a> {
    pub(super) fn new(model: &'a Gaussian) -> Result<Self, MarkovError> {
        let (k, d) = (model.means.len(), model.width());
        let mut means = vec![0.0; d * k];
        for (state, mean) in model.means.iter().enumerate() {
            (0..d).for_each(|i| means[i * k + state] = mean[i]);
        }
        let entries = if model.dense() { d * (d + 1) / 2 } else { d };
        let mut factors = vec![0.0; entries * k];
        let mut peaks = vec![-HALF_LN_TAU * d as f64; k];
        for state in 0..k {
            if model.dense() {
                let l = cholesky(&model.covariance(state), d)
                    .ok_or(MarkovError::Covariance { state })?;
                let inverse = invert_lower(&l, d);
                for i in 0..d {
                    for j in 0..=i {
                        factors[(i * (i + 1) / 2 + j) * k + state] = inverse[i * d + j];
                    }
                    peaks[state] -= l[i * d + i].ln();
                }
            } else {
                for i in 0..d {
                    let variance = model.variance(state, i);
                    if !(variance > 0.0 && variance.is_finite()) {
                        return Err(MarkovError::Covariance { state });
                    }
                    factors[i * k + state] = 1.0 / variance.sqrt();
                    peaks[state] -= 0.5 * variance.ln();
                }
            }
        }
        let log_factors = factors.iter().map(|f| f.ln()).collect();
        Ok(Self { model, states: k, width: d, means, factors, peaks, log_factors })
    }
}

impl Kernel for GaussianKernel<'_> {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        Arch::new().dispatch(LogProb { kernel: self, view, out });
    }

    fn statistics(&self) -> usize {
        let (k, d) = (self.states, self.width);
        if self.model.dense() { k * (1 + d + d * (d + 1) / 2) } else { 3 * k * d }
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        Arch::new().dispatch(Accumulate { kernel: self, view, share, out });
    }
}

/// The log-densities of a run of steps, compiled for the processor at hand.
struct LogProb<'a> {
    kernel: &'a GaussianKernel<'a>,
    view: &'a View<'a>,
    out: &'a mut [f64],
}

impl NullaryFnOnce for LogProb<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { kernel, view, out } = self;
        let mut patterns = HashMap::new();
        let mut scratch = vec![0.0; kernel.states * (kernel.width + 1)];
        for (x, out) in view.rows().zip(out.chunks_exact_mut(kernel.states)) {
            if x.iter().any(|v| v.is_nan()) {
                kernel.partly(x, out, &mut patterns);
            } else if kernel.model.dense() {
                kernel.dense_row(x, out, &mut scratch);
            } else {
                kernel.diagonal_row(x, out);
            }
        }
    }
}

/// The statistics of a run of steps, likewise.
struct Accumulate<'a> {
    kernel: &'a GaussianKernel<'a>,
    view: &'a View<'a>,
    share: &'a [f64],
    out: &'a mut [f64],
}

impl NullaryFnOnce for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { kernel, view, share, out } = self;
        let mut patterns = HashMap::new();
        let mut scratch = vec![0.0; kernel.width * kernel.states];
        for (x, share) in view.rows().zip(share.chunks_exact(kernel.states)) {
            if !kernel.model.dense() {
                kernel.add_diagonal(x, share, out);
            } else if x.iter().any(|v| v.is_nan()) {
                kernel.add_partly(x, share, out, &mut patterns);
            } else {
                kernel.add_dense(x, share, out, &mut scratch);
            }
        }
    }
}

/// What a pattern of missing columns needs of one state.
struct Conditional {
    /// Cholesky factor of the observed columns' covariance.
    factor: Vec<f64>,
    /// The log-density of the observed columns at the mean.
    peak: f64,
    /// `[missing][observed]`: regression of what is missing on what is observed.
    weights: Vec<f64>,
    /// `[missing][missing]`: covariance of what is missing given what is observed.
    rest: Vec<f64>,
}

type Patterns = HashMap<Vec<bool>, Vec<Conditional>>;

impl GaussianKernel<'_> {
    #[inline(always)]
    fn diagonal_row(&self, x: &[f64], out: &mut [f64]) {
        let k = self.states;
        out.copy_from_slice(&self.peaks);
        for (i, x) in x.iter().enumerate() {
            let (means, factors) = (&self.means[i * k..][..k], &self.factors[i * k..][..k]);
            for ((out, mean), factor) in out.iter_mut().zip(means).zip(factors) {
                let z = (x - mean) * factor;
                *out -= 0.5 * z * z;
            }
        }
    }

    #[inline(always)]
    fn dense_row(&self, x: &[f64], out: &mut [f64], scratch: &mut [f64]) {
        let (k, d) = (self.states, self.width);
        out.copy_from_slice(&self.peaks);
        let (offsets, z) = scratch.split_at_mut(d * k);
        for i in 0..d {
            let means = &self.means[i * k..][..k];
            for (offset, mean) in offsets[i * k..][..k].iter_mut().zip(means) {
                *offset = x[i] - mean;
            }
            z.fill(0.0);
            for j in 0..=i {
                let factors = &self.factors[(i * (i + 1) / 2 + j) * k..][..k];
                for ((z, factor), offset) in z.iter_mut().zip(factors).zip(&offsets[j * k..][..k]) {
                    *z += factor * offset;
                }
            }
            out.iter_mut().zip(z.iter()).for_each(|(out, z)| *out -= 0.5 * z * z);
        }
    }

    /// The log-density of one complete row in one state.
    pub(super) fn log_density(&self, x: &[f64], state: usize) -> f64 {
        let (k, d) = (self.states, self.width);
        let offset = |i: usize| x[i] - self.means[i * k + state];
        let z = |i: usize| match self.model.dense() {
            false => offset(i) * self.factors[i * k + state],
            true => {
                let factor = |j: usize| self.factors[(i * (i + 1) / 2 + j) * k + state];
                (0..=i).map(|j| factor(j) * offset(j)).sum()
            }
        };
        self.peaks[state] - 0.5 * (0..d).map(|i| z(i).powi(2)).sum::<f64>()
    }

    /// A row of which something is missing.
    fn partly(&self, x: &[f64], out: &mut [f64], patterns: &mut Patterns) {
        if x.iter().all(|v| v.is_nan()) {
            return out.fill(0.0);
        }
        let k = self.states;
        if !self.model.dense() {
            for (state, out) in out.iter_mut().enumerate() {
                *out = 0.0;
                for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                    let place = i * k + state;
                    let z = (x - self.means[place]) * self.factors[place];
                    *out += self.log_factors[place] - HALF_LN_TAU - 0.5 * z * z;
                }
            }
            return;
        }
        let seen: Vec<usize> = (0..x.len()).filter(|i| !x[*i].is_nan()).collect();
        for (state, part) in self.pattern(x, patterns).iter().enumerate() {
            let offsets: Vec<f64> =
                seen.iter().map(|i| x[*i] - self.means[i * k + state]).collect();
            let z = solve_cholesky(&part.factor, seen.len(), &offsets);
            out[state] = part.peak - 0.5 * offsets.iter().zip(&z).map(|(o, z)| o * z).sum::<f64>();
        }
    }

    fn pattern<'p>(&self, x: &[f64], patterns: &'p mut Patterns) -> &'p [Conditional] {
        let missing: Vec<bool> = x.iter().map(|v| v.is_nan()).collect();
        patterns.entry(missing).or_insert_with_key(|missing| {
            (0..self.states).map(|state| self.conditional(state, missing)).collect()
        })
    }

    fn conditional(&self, state: usize, missing: &[bool]) -> Conditional {
        let d = self.width;
        let covariance = self.model.covariance(state);
        let places = |want: bool| (0..d).filter(|i| missing[*i] == want).collect::<Vec<_>>();
        let (gone, seen) = (places(true), places(false));
        let (m, n) = (gone.len(), seen.len());
        let block: Vec<f64> =
            (0..n * n).map(|p| covariance[seen[p / n] * d + seen[p % n]]).collect();
        let factor = cholesky(&block, n).expect("a part of a positive definite matrix");
        let log_det: f64 = (0..n).map(|i| factor[i * n + i].ln()).sum();
        let mut weights = Vec::with_capacity(m * n);
        for i in &gone {
            let cross: Vec<f64> = seen.iter().map(|j| covariance[i * d + j]).collect();
            weights.extend(solve_cholesky(&factor, n, &cross));
        }
        let mut rest = vec![0.0; m * m];
        for a in 0..m {
            for b in 0..m {
                let explained: f64 =
                    (0..n).map(|j| weights[a * n + j] * covariance[gone[b] * d + seen[j]]).sum();
                rest[a * m + b] = covariance[gone[a] * d + gone[b]] - explained;
            }
        }
        Conditional { factor, peak: -HALF_LN_TAU * n as f64 - log_det, weights, rest }
    }

    #[inline(always)]
    fn add_diagonal(&self, x: &[f64], share: &[f64], out: &mut [f64]) {
        let (k, d) = (self.states, self.width);
        let (counts, rest) = out.split_at_mut(k * d);
        let (first, second) = rest.split_at_mut(k * d);
        for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
            let at = i * k..(i + 1) * k;
            let means = &self.means[at.clone()];
            let (counts, first) = (&mut counts[at.clone()], &mut first[at.clone()]);
            let second = &mut second[at];
            for s in 0..share.len() {
                let offset = x - means[s];
                let weighted = share[s] * offset;
                counts[s] += share[s];
                first[s] += weighted;
                second[s] += weighted * offset;
            }
        }
    }

    #[inline(always)]
    fn add_dense(&self, x: &[f64], share: &[f64], out: &mut [f64], offsets: &mut [f64]) {
        let (k, d) = (self.states, self.width);
        out[..k].iter_mut().zip(share).for_each(|(n, s)| *n += s);
        for i in 0..d {
            let means = &self.means[i * k..][..k];
            offsets[i * k..][..k].iter_mut().zip(means).for_each(|(o, m)| *o = x[i] - m);
            let first = &mut out[(1 + i) * k..][..k];
            let row = &offsets[i * k..][..k];
            first.iter_mut().zip(row).zip(share).for_each(|((f, o), s)| *f += o * s);
            for j in 0..=i {
                let second = &mut out[(1 + d + i * (i + 1) / 2 + j) * k..][..k];
                let other = &offsets[j * k..][..k];
                for (((second, a), b), s) in second.iter_mut().zip(row).zip(other).zip(share) {
                    *second += a * b * s;
                }
            }
        }
    }

    fn add_partly(&self, x: &[f64], share: &[f64], out: &mut [f64], patterns: &mut Patterns) {
        if x.iter().all(|v| v.is_nan()) {
            return;
        }
        let (k, d) = (self.states, self.width);
        let gone: Vec<usize> = (0..d).filter(|i| x[*i].is_nan()).collect();
        let seen: Vec<usize> = (0..d).filter(|i| !x[*i].is_nan()).collect();
        for (state, part) in self.pattern(x, patterns).iter().enumerate() {
            let mut offsets = vec![0.0; d];
            seen.iter().for_each(|i| offsets[*i] = x[*i] - self.means[i * k + state]);
            for (a, i) in gone.iter().enumerate() {
                let weights = &part.weights[a * seen.len()..][..seen.len()];
                offsets[*i] = weights.iter().zip(&seen).map(|(w, j)| w * offsets[*j]).sum();
            }
            let s = share[state];
            out[state] += s;
            for i in 0..d {
                out[(1 + i) * k + state] += s * offsets[i];
                for j in 0..=i {
                    out[(1 + d + i * (i + 1) / 2 + j) * k + state] += s * offsets[i] * offsets[j];
                }
            }
            for (a, i) in gone.iter().enumerate() {
                for (b, j) in gone.iter().enumerate().take(a + 1) {
                    let place = 1 + d + i * (i + 1) / 2 + j;
                    out[place * k + state] += s * part.rest[a * gone.len() + b];
                }
            }
        }
    }
}
