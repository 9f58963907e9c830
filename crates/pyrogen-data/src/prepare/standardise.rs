//! Mean 0 and standard deviation 1.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::{DataError, RawRows};

/// `y_j = (x_j - mean_j) / std_j`, element by element.
///
/// # Numerics
/// The parameters are f32 because that is what survives JSON exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardise {
    /// The mean of each element.
    pub mean: Vec<f32>,
    /// The standard deviation of each element; above 0.
    pub std: Vec<f32>,
}

impl Standardise {
    /// The means and standard deviations (with `n` in the denominator) of a data set; 1 for an
    /// element that does not vary.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    ///
    /// # Numerics
    /// Passes in f64: numbers, mean, deviation.
    pub fn fit(data: &dyn RawRows) -> Result<Self, DataError> {
        let (n, width) = (data.len() as f64, data.width());
        let mut count = vec![0.0f64; width];
        data.each(&mut |values| {
            for row in values.chunks_exact(width) {
                let present = |v: &f32| f64::from(u8::from(!v.is_nan()));
                count.iter_mut().zip(row).for_each(|(c, v)| *c += present(v));
            }
        })?;
        // A missing number (NaN) is in no mean.
        let mut mean = vec![0.0f64; width];
        data.each(&mut |values| {
            for row in values.chunks_exact(width) {
                for ((m, c), &v) in mean.iter_mut().zip(&count).zip(row) {
                    if !v.is_nan() {
                        *m += f64::from(v) / c;
                    }
                }
            }
        })?;
        let mut variance = vec![0.0f64; width];
        data.each(&mut |values| {
            for row in values.chunks_exact(width) {
                for (((s, m), c), &v) in variance.iter_mut().zip(&mean).zip(&count).zip(row) {
                    if !v.is_nan() {
                        *s += (f64::from(v) - m).powi(2) / c;
                    }
                }
            }
        })?;
        let std = |(variance, mean): (&f64, &f64)| {
            let std = variance.sqrt() as f32;
            // What rounding alone leaves of a constant is no spread.
            let floor = (mean.abs() * f64::EPSILON * n.max(16.0)) as f32;
            if std.is_normal() && std > floor { std } else { 1.0 }
        };
        Ok(Self {
            std: variance.iter().zip(&mean).map(std).collect(),
            mean: mean.iter().map(|&m| m as f32).collect(),
        })
    }
}

impl Transform for Standardise {
    fn name(&self) -> &'static str {
        "standardise"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.mean.len() != width || self.std.len() != width {
            let got = format!("{} means and {} deviations", self.mean.len(), self.std.len());
            return Err(step_error(self.name(), format!("{width} of each"), got));
        }
        let bad = |(m, s): &(&f32, &f32)| !m.is_finite() || !s.is_normal() || **s < 0.0;
        if let Some((m, s)) = self.mean.iter().zip(&self.std).find(bad) {
            let expected = "finite means and positive deviations";
            return Err(step_error(self.name(), expected, format!("mean {m}, std {s}")));
        }
        Ok(width)
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, _noise: &mut Noise) -> Vec<f64> {
        for row in x.chunks_exact_mut(width) {
            for ((x, &m), &s) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = (*x - f64::from(m)) / f64::from(s);
            }
        }
        x
    }

    fn inverse(&self, mut y: Vec<f64>, width: usize) -> Vec<f64> {
        for row in y.chunks_exact_mut(width) {
            for ((y, &m), &s) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *y = *y * f64::from(s) + f64::from(m);
            }
        }
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let each: Vec<f64> = self.std.iter().map(|&s| -f64::from(s).ln()).collect();
        let sum: f64 = each.iter().sum();
        let missing = |row: &[f64]| row.iter().any(|v| v.is_nan());
        let present = |row: &[f64]| {
            row.iter().zip(&each).filter(|(v, _)| !v.is_nan()).map(|(_, term)| term).sum()
        };
        let row = |row: &[f64]| if missing(row) { present(row) } else { sum };
        y.chunks_exact(width).map(row).collect()
    }
}
