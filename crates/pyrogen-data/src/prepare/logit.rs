//! From the unit interval to the real line.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// `y = logit(p)` with `p = alpha + (1 - 2 alpha) x` and `x` in `[0, 1]`.
///
/// `log |dy/dx| = ln(1 - 2 alpha) - ln p - ln(1 - p)`.
///
/// # Numerics
/// The inverse can leave `[0, 1]` by up to `alpha / (1 - 2 alpha)`, for values of `y` that no
/// data has; it is clamped to the interval.
///
/// # References
/// L. Dinh, J. Sohl-Dickstein, S. Bengio (2017), "Density estimation using Real NVP", section
/// 4.1; G. Papamakarios, T. Pavlakou, I. Murray (2017), "Masked autoregressive flow for density
/// estimation", appendix (with `1 - 2 alpha`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logit {
    /// How far the ends of the interval are kept from 0 and 1; in (0, 0.5).
    pub alpha: f64,
}

impl Transform for Logit {
    fn name(&self) -> &'static str {
        "logit"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Err(step_error(self.name(), "alpha between 0 and 0.5", self.alpha));
        }
        Ok(width)
    }

    fn forward(&self, mut x: Vec<f64>, _width: usize, _noise: &mut Noise) -> Vec<f64> {
        let (a, b) = (self.alpha, 1.0 - 2.0 * self.alpha);
        // 1 - p is computed from 1 - x, so that both tails keep their digits.
        x.iter_mut().for_each(|x| *x = (a + b * *x).ln() - (a + b * (1.0 - *x)).ln());
        x
    }

    fn inverse(&self, mut y: Vec<f64>, _width: usize) -> Vec<f64> {
        let (a, b) = (self.alpha, 1.0 - 2.0 * self.alpha);
        y.iter_mut().for_each(|y| {
            let p = 1.0 / (1.0 + (-*y).exp());
            *y = ((p - a) / b).clamp(0.0, 1.0);
        });
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let constant = (1.0 - 2.0 * self.alpha).ln();
        // -ln p - ln(1 - p) = |y| + 2 ln(1 + exp(-|y|)).
        let each = |y: &f64| constant + y.abs() + 2.0 * (-y.abs()).exp().ln_1p();
        y.chunks_exact(width).map(|row| row.iter().map(each).sum()).collect()
    }
}
