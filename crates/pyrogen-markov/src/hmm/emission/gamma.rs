//! Gamma emissions.

use pyrogen_core::Draws;
use pyrogen_core::special::host::{digamma, lgamma, trigamma};
use serde::{Deserialize, Serialize};

use super::{Density, Kernel, Rules};
use crate::MarkovError;
use crate::sequences::View;

/// Positive numbers, columns independent given the state:
/// `log p(x | k) = Σ_d a ln b - ln Γ(a) + (a - 1) ln x_d - b x_d` with `a = shapes[k][d]` and
/// `b = rates[k][d]`.
///
/// Missing values are summed over. Shapes stay at or below [`Gamma::LARGEST_SHAPE`], where a column's
/// relative standard deviation is 1e-4: equal values would raise them without end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// `[states][columns]`.
    pub shapes: Vec<Vec<f64>>,
    /// `[states][columns]`.
    pub rates: Vec<Vec<f64>>,
}

impl Gamma {
    /// The largest shape that learning gives.
    pub const LARGEST_SHAPE: f64 = 1e8;
}

struct GammaKernel<'a> {
    model: &'a Gamma,
    /// `a ln b - ln Γ(a)`, `[states][columns]`.
    constants: Vec<Vec<f64>>,
}

impl Density for Gamma {
    fn classes(&self) -> usize {
        self.shapes.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        let row = |(shapes, rates): (&Vec<f64>, &Vec<f64>)| -> Vec<f64> {
            shapes.iter().zip(rates).map(|(a, b)| a * b.ln() - lgamma(*a)).collect()
        };
        let constants = self.shapes.iter().zip(&self.rates).map(row).collect();
        Ok(Box::new(GammaKernel { model: self, constants }))
    }

    fn maximise(&mut self, statistics: &[f64], _: &Rules) -> Vec<usize> {
        let (k, d) = (self.shapes.len(), self.shapes[0].len());
        let mut held = Vec::new();
        for state in 0..k {
            for i in 0..d {
                let [n, sum, logs] = [0, 1, 2].map(|s| statistics[(s * d + i) * k + state]);
                if n <= 0.0 {
                    continue;
                }
                let mean = sum / n;
                let shape = best_shape(mean.ln() - logs / n);
                if shape == Self::LARGEST_SHAPE {
                    held.push(state);
                }
                self.shapes[state][i] = shape;
                self.rates[state][i] = shape / mean;
            }
        }
        held.dedup();
        held
    }

    fn free_parameters(&self) -> usize {
        2 * self.shapes.len() * self.shapes[0].len()
    }

    fn draw(&self, class: usize, _: &[f64], _: &[f64], draws: &mut Draws) -> Vec<f64> {
        let rows = self.shapes[class].iter().zip(&self.rates[class]);
        rows.map(|(a, b)| (draws.gamma(*a) / b).max(f64::MIN_POSITIVE)).collect()
    }
}

/// The shape with `ln a - ψ(a) = gap`, the gap between the logarithm of the mean and the mean of the
/// logarithms (Minka 2002: a start that is near, then Newton's method on `1 / a`).
fn best_shape(gap: f64) -> f64 {
    // Rounding, or values that are all equal.
    if gap < 0.5 / Gamma::LARGEST_SHAPE {
        return Gamma::LARGEST_SHAPE;
    }
    let mut a = (3.0 - gap + ((gap - 3.0).powi(2) + 24.0 * gap).sqrt()) / (12.0 * gap);
    for _ in 0..100 {
        let slope = 1.0 / a - trigamma(a);
        let next = 1.0 / (1.0 / a + (a.ln() - digamma(a) - gap) / (a * a * slope));
        let moved = (next - a).abs();
        a = next;
        if moved <= 1e-15 * a {
            break;
        }
    }
    a.min(Gamma::LARGEST_SHAPE)
}

impl Kernel for GammaKernel<'_> {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let k = self.model.shapes.len();
        for (x, out) in view.rows().zip(out.chunks_exact_mut(k)) {
            out.fill(0.0);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                let log = x.ln();
                for (state, out) in out.iter_mut().enumerate() {
                    let (a, b) = (self.model.shapes[state][i], self.model.rates[state][i]);
                    *out += self.constants[state][i] + (a - 1.0) * log - b * x;
                }
            }
        }
    }

    fn statistics(&self) -> usize {
        3 * self.model.shapes.len() * self.model.shapes[0].len()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let (k, d) = (self.model.shapes.len(), self.model.shapes[0].len());
        for (x, share) in view.rows().zip(share.chunks_exact(k)) {
            for (i, x) in x.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
                for (part, value) in [1.0, *x, x.ln()].into_iter().enumerate() {
                    let sums = &mut out[(part * d + i) * k..][..k];
                    sums.iter_mut().zip(share).for_each(|(sum, s)| *sum += s * value);
                }
            }
        }
    }
}
