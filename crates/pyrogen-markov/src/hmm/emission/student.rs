//! Student-t emissions.

use pyrogen_core::Draws;
use pyrogen_core::special::host::{digamma, lgamma, trigamma};
use serde::{Deserialize, Serialize};

use super::{Density, Kernel, Rules};
use crate::MarkovError;
use crate::sequences::View;

/// Numbers with heavy tails, columns independent given the state: each column of a state is
/// `location + scale * t` with its own degrees of freedom.
///
/// Learning weighs an observation by `u = (ν + 1) / (ν + z²)`, which is small for outliers
/// (Liu and Rubin 1995, section 3). Degrees of freedom stay within 0.1 and 1000, above which the distribution is
/// Gaussian for all purposes. Missing values are summed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentT {
    /// `[states][columns]`.
    pub locations: Vec<Vec<f64>>,
    /// Squares of the scales, `[states][columns]`.
    pub squared_scales: Vec<Vec<f64>>,
    /// Degrees of freedom, `[states][columns]`.
    pub degrees: Vec<Vec<f64>>,
}

const LEAST_DEGREES: f64 = 0.1;
const MOST_DEGREES: f64 = 1000.0;

struct StudentKernel<'a> {
    model: &'a StudentT,
    /// The log-density at the location, `[states][columns]`.
    peaks: Vec<Vec<f64>>,
}

impl StudentT {
    fn peak(&self, state: usize, i: usize) -> f64 {
        let (nu, scale) = (self.degrees[state][i], self.squared_scales[state][i]);
        lgamma(0.5 * (nu + 1.0)) - lgamma(0.5 * nu) - 0.5 * (nu * std::f64::consts::PI * scale).ln()
    }
}

impl Density for StudentT {
    fn classes(&self) -> usize {
        self.locations.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        let columns = self.locations[0].len();
        let row = |state| (0..columns).map(|i| self.peak(state, i)).collect();
        let peaks = (0..self.locations.len()).map(row).collect();
        Ok(Box::new(StudentKernel { model: self, peaks }))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let (k, d) = (self.locations.len(), self.locations[0].len());
        let mut held = Vec::new();
        for state in 0..k {
            for i in 0..d {
                let [n, weight, first, second, logs] =
                    [0, 1, 2, 3, 4].map(|s| statistics[(s * d + i) * k + state]);
                if n <= 0.0 {
                    continue;
                }
                let shift = first / weight;
                let sum = (second - shift * first).max(0.0) + rules.covariance_prior;
                if sum / n < rules.floors[i] {
                    held.push(state);
                }
                self.locations[state][i] += shift;
                self.squared_scales[state][i] = (sum / n).max(rules.floors[i]);
                let nu = self.degrees[state][i];
                self.degrees[state][i] = best_degrees(nu, (logs - weight) / n);
            }
        }
        held.dedup();
        held
    }

    fn free_parameters(&self) -> usize {
        3 * self.locations.len() * self.locations[0].len()
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        let column = |i: usize| {
            let nu = self.degrees[class][i];
            let z = draws.normal() / (draws.gamma(0.5 * nu).max(1e-300) / (0.5 * nu)).sqrt();
            self.locations[class][i] + self.squared_scales[class][i].sqrt() * z
        };
        (0..self.locations[class].len()).map(column).collect()
    }
}

/// The root of `ln(ν/2) - ψ(ν/2) + 1 + mean(ln u - u) + ψ((old + 1)/2) - ln((old + 1)/2)`, which falls
/// with ν: Newton's method within a bracket.
fn best_degrees(old: f64, mean: f64) -> f64 {
    let constant = 1.0 + mean + digamma(0.5 * (old + 1.0)) - (0.5 * (old + 1.0)).ln();
    let f = |nu: f64| (0.5 * nu).ln() - digamma(0.5 * nu) + constant;
    if f(MOST_DEGREES) >= 0.0 {
        return MOST_DEGREES;
    }
    if f(LEAST_DEGREES) <= 0.0 {
        return LEAST_DEGREES;
    }
    let (mut low, mut high) = (LEAST_DEGREES, MOST_DEGREES);
    let mut nu = old.clamp(low, high);
    for _ in 0..200 {
        let value = f(nu);
        if value > 0.0 {
            low = nu
        } else {
            high = nu
        }
        let newton = nu - value / (1.0 / nu - 0.5 * trigamma(0.5 * nu));
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - nu).abs() <= 1e-14 * nu {
            return next;
        }
        nu = next;
    }
    nu
}

impl Kernel for StudentKernel<'_> {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let m = self.model;
        for (x, out) in view.rows().zip(out.chunks_exact_mut(m.locations.len())) {
            out.fill(0.0);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                for (state, out) in out.iter_mut().enumerate() {
                    let nu = m.degrees[state][i];
                    let z2 = (x - m.locations[state][i]).powi(2) / m.squared_scales[state][i];
                    *out += self.peaks[state][i] - 0.5 * (nu + 1.0) * (z2 / nu).ln_1p();
                }
            }
        }
    }

    fn statistics(&self) -> usize {
        5 * self.model.locations.len() * self.model.locations[0].len()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let m = self.model;
        let (k, d) = (m.locations.len(), m.locations[0].len());
        for (x, share) in view.rows().zip(share.chunks_exact(k)) {
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                for (state, s) in share.iter().enumerate() {
                    let nu = m.degrees[state][i];
                    let offset = x - m.locations[state][i];
                    let u = (nu + 1.0) / (nu + offset * offset / m.squared_scales[state][i]);
                    let values = [1.0, u, u * offset, u * offset * offset, u.ln()];
                    for (part, value) in values.into_iter().enumerate() {
                        out[(part * d + i) * k + state] += s * value;
                    }
                }
            }
        }
    }
}
