//! Emissions that are linear in earlier rows and in inputs.

use pyrogen_core::Draws;
use serde::{Deserialize, Serialize};

use super::gaussian_kernel::GaussianKernel;
use super::{Covariance, Density, Gaussian, Kernel, Rules};
use crate::MarkovError;
use crate::linear::{cholesky, raise_to_floor, solve_cholesky};
use crate::sequences::View;

/// A linear regression a state, on the `lags` rows before and on the step's inputs:
/// `x_t = coefficients[k] [1, x_(t-1), .., x_(t-lags), inputs_t] + noise`, with Gaussian noise.
///
/// With lags it is the autoregressive (Markov-switching) model of Hamilton (1989), with inputs the
/// input-output model with linear emissions (Bengio and Frasconi 1996).
///
/// Densities are conditional on the first `lags` rows of a sequence: these count as missing. A row
/// with a missing value, or that depends on one, is missing as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// Rows before the present one.
    pub lags: usize,
    /// Columns of the inputs.
    pub inputs: usize,
    /// `[states][columns * regressors]`, row-major; `regressors` is `1 + lags * columns + inputs`.
    pub coefficients: Vec<Vec<f64>>,
    /// The noise; its means are 0.
    pub noise: Gaussian,
}

impl Regression {
    pub(crate) fn regressors(&self) -> usize {
        1 + self.lags * self.noise.width() + self.inputs
    }

    /// The expected row of a state for these regressors.
    pub(crate) fn expected(&self, class: usize, regressors: &[f64]) -> Vec<f64> {
        let rows = self.coefficients[class].chunks_exact(regressors.len());
        rows.map(|row| row.iter().zip(regressors).map(|(c, r)| c * r).sum()).collect()
    }

    /// The regressors that follow `history`, whose latest row is last.
    pub(crate) fn after(&self, history: &[f64], input: &[f64]) -> Vec<f64> {
        let d = self.noise.width();
        let mut out = vec![1.0];
        for lag in 1..=self.lags {
            // Before the start there is nothing; zeros stand for it in samples.
            match (history.len() / d).checked_sub(lag) {
                Some(row) => out.extend_from_slice(&history[row * d..(row + 1) * d]),
                None => out.extend(std::iter::repeat_n(0.0, d)),
            }
        }
        out.extend(input.iter().take(self.inputs));
        out
    }
}

struct RegressionKernel<'a> {
    model: &'a Regression,
    noise: GaussianKernel<'a>,
}

impl RegressionKernel<'_> {
    /// Regressors of step `t`; none where one is missing.
    fn regressors(&self, view: &View<'_>, t: usize, row: &[f64], out: &mut Vec<f64>) -> Option<()> {
        let complete = |row: &[f64]| row.iter().all(|v| !v.is_nan());
        if !complete(row) {
            return None;
        }
        out.clear();
        out.push(1.0);
        for lag in 1..=self.model.lags {
            let before = view.before(t, lag).filter(|row| complete(row))?;
            out.extend_from_slice(before);
        }
        if self.model.inputs > 0 {
            out.extend_from_slice(&view.input(t)[..self.model.inputs]);
        }
        Some(())
    }
}

impl Density for Regression {
    fn classes(&self) -> usize {
        self.coefficients.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        Ok(Box::new(RegressionKernel { model: self, noise: GaussianKernel::new(&self.noise)? }))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let (r, d) = (self.regressors(), self.noise.width());
        let size = 1 + r * r + r * d + d * d;
        let mut held = Vec::new();
        let (mut pooled, mut total) = (vec![0.0; d * d], 0.0);
        for (state, statistics) in statistics.chunks_exact(size).enumerate() {
            let n = statistics[0];
            if n <= 0.0 {
                continue;
            }
            let (gram, rest) = statistics[1..].split_at(r * r);
            let (cross, squares) = rest.split_at(r * d);
            let coefficients = regress(gram, cross, r, d);
            let mut scatter = residual(&coefficients, gram, cross, squares, r, d);
            self.coefficients[state] = coefficients;
            if self.noise.form == Covariance::Tied {
                pooled.iter_mut().zip(&scatter).for_each(|(p, s)| *p += s);
                total += n;
                continue;
            }
            (0..d).for_each(|i| scatter[i * d + i] += rules.covariance_prior);
            scatter.iter_mut().for_each(|s| *s /= n);
            if set_noise(&mut self.noise, state, scatter, rules) {
                held.push(state);
            }
        }
        if total > 0.0 {
            (0..d).for_each(|i| pooled[i * d + i] += rules.covariance_prior);
            pooled.iter_mut().for_each(|s| *s /= total);
            if set_noise(&mut self.noise, 0, pooled, rules) {
                held.push(0);
            }
        }
        held
    }

    fn free_parameters(&self) -> usize {
        let (k, d) = (self.coefficients.len(), self.noise.width());
        k * d * self.regressors() + self.noise.free_parameters() - k * d
    }

    fn draw(&self, class: usize, history: &[f64], input: &[f64], draws: &mut Draws) -> Vec<f64> {
        let mut row = self.noise.draw(class, &[], &[], draws);
        let expected = self.expected(class, &self.after(history, input));
        row.iter_mut().zip(expected).for_each(|(v, e)| *v += e);
        row
    }
}

/// Least squares from sums of products. A direction in which the regressors do not vary gets a
/// coefficient near 0: the diagonal is raised by 1e-12 of itself until the matrix can be solved.
fn regress(gram: &[f64], cross: &[f64], r: usize, d: usize) -> Vec<f64> {
    let largest = (0..r).map(|i| gram[i * r + i]).fold(0.0, f64::max);
    let mut ridge = 1e-14;
    let factor = loop {
        let mut raised = gram.to_vec();
        for i in 0..r {
            raised[i * r + i] += ridge * (gram[i * r + i] + 1e-6 * largest);
        }
        match cholesky(&raised, r) {
            Some(factor) => break factor,
            None => ridge *= 10.0,
        }
    };
    let column = |j: usize| -> Vec<f64> {
        let b: Vec<f64> = (0..r).map(|i| cross[i * d + j]).collect();
        solve_cholesky(&factor, r, &b)
    };
    (0..d).flat_map(column).collect()
}

/// Sums of products of residuals: `Σ yyᵀ - W Σ φyᵀ - (W Σ φyᵀ)ᵀ + W Σ φφᵀ Wᵀ`.
fn residual(
    w: &[f64],
    gram: &[f64],
    cross: &[f64],
    squares: &[f64],
    r: usize,
    d: usize,
) -> Vec<f64> {
    let mut out = squares.to_vec();
    for a in 0..d {
        for b in 0..d {
            let (wa, wb) = (&w[a * r..][..r], &w[b * r..][..r]);
            let mut sum = 0.0;
            for i in 0..r {
                let through: f64 = (0..r).map(|j| gram[i * r + j] * wb[j]).sum();
                sum += wa[i] * (through - cross[i * d + b]) - wb[i] * cross[i * d + a];
            }
            out[a * d + b] += sum;
        }
    }
    for a in 0..d {
        out[a * d + a] = out[a * d + a].max(0.0);
        for b in 0..a {
            let mean = 0.5 * (out[a * d + b] + out[b * d + a]);
            (out[a * d + b], out[b * d + a]) = (mean, mean);
        }
    }
    out
}

/// Writes a covariance in the noise's form; gives whether a floor holds it.
fn set_noise(noise: &mut Gaussian, state: usize, mut matrix: Vec<f64>, rules: &Rules) -> bool {
    let d = noise.width();
    let diagonal: Vec<f64> = (0..d).map(|i| matrix[i * d + i]).collect();
    match noise.form {
        Covariance::Full | Covariance::Tied => {
            let raised = raise_to_floor(&mut matrix, d, &rules.floors);
            noise.covariances[state] = matrix;
            raised
        }
        Covariance::Diagonal => {
            let raised = diagonal.iter().zip(&rules.floors).map(|(v, f)| v.max(*f)).collect();
            noise.covariances[state] = raised;
            noise.covariances[state] != diagonal
        }
        Covariance::Spherical => {
            let mean = diagonal.iter().sum::<f64>() / d as f64;
            let floor = rules.floors.iter().copied().fold(0.0, f64::max);
            noise.covariances[state] = vec![mean.max(floor)];
            mean < floor
        }
    }
}

impl Kernel for RegressionKernel<'_> {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.model.coefficients.len();
        let mut regressors = Vec::new();
        let mut rest = Vec::new();
        for (t, (row, out)) in view.rows().zip(out.chunks_exact_mut(k)).enumerate() {
            if self.regressors(view, t, row, &mut regressors).is_none() {
                out.fill(0.0);
                continue;
            }
            for (state, out) in out.iter_mut().enumerate() {
                rest.clear();
                let expected = self.model.expected(state, &regressors);
                rest.extend(row.iter().zip(expected).map(|(x, e)| x - e));
                *out = self.noise.log_density(&rest, state);
            }
        }
    }

    fn statistics(&self) -> usize {
        let (r, d) = (self.model.regressors(), self.model.noise.width());
        self.model.coefficients.len() * (1 + r * r + r * d + d * d)
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let k = self.model.coefficients.len();
        let (r, d) = (self.model.regressors(), self.model.noise.width());
        let mut f = Vec::new();
        for (t, (y, share)) in view.rows().zip(share.chunks_exact(k)).enumerate() {
            if self.regressors(view, t, y, &mut f).is_none() {
                continue;
            }
            for (s, out) in share.iter().zip(out.chunks_exact_mut(1 + r * r + r * d + d * d)) {
                out[0] += s;
                let (gram, rest) = out[1..].split_at_mut(r * r);
                let (cross, squares) = rest.split_at_mut(r * d);
                add_outer(gram, &f, &f, *s);
                add_outer(cross, &f, y, *s);
                add_outer(squares, y, y, *s);
            }
        }
    }
}

fn add_outer(out: &mut [f64], a: &[f64], b: &[f64], weight: f64) {
    for (row, a) in out.chunks_exact_mut(b.len()).zip(a) {
        row.iter_mut().zip(b).for_each(|(o, b)| *o += weight * a * b);
    }
}
