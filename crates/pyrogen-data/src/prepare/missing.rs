//! Missing numbers to an indicator beside the number.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// Makes two elements of each element that may be missing (NaN): 0 where it is missing and 1 where it is
/// not, and the number, which is 0 where it is missing. Others stay.
///
/// The inverse is NaN where the first of the two is nearer to 0. The log-determinant is 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingNumbers {
    /// Whether each element may be missing.
    pub elements: Vec<bool>,
}

impl MissingNumbers {
    fn total(&self) -> usize {
        self.elements.len() + self.elements.iter().filter(|&&e| e).count()
    }
}

impl Transform for MissingNumbers {
    fn name(&self) -> &'static str {
        "missing_numbers"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.elements.len() != width {
            let got = format!("{} entries", self.elements.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        Ok(self.total())
    }

    fn forward(&self, x: Vec<f64>, width: usize, _noise: &mut Noise) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len() / width * self.total());
        for row in x.chunks_exact(width) {
            for (&v, &may_be_missing) in row.iter().zip(&self.elements) {
                match (may_be_missing, v.is_nan()) {
                    (false, _) => out.push(v),
                    (true, false) => out.extend([1.0, v]),
                    (true, true) => out.extend([0.0, 0.0]),
                }
            }
        }
        out
    }

    fn inverse(&self, y: Vec<f64>, width: usize) -> Vec<f64> {
        let mut out = Vec::with_capacity(y.len() / self.total() * width);
        for row in y.chunks_exact(self.total()) {
            let mut cells = row.iter();
            let mut next = || cells.next().copied().unwrap_or(f64::NAN);
            for &may_be_missing in &self.elements {
                let first = next();
                out.push(match may_be_missing {
                    false => first,
                    true => {
                        let number = next();
                        if first < 0.5 { f64::NAN } else { number }
                    }
                });
            }
        }
        out
    }

    fn log_det(&self, y: &[f64], _width: usize) -> Vec<f64> {
        vec![0.0; y.len() / self.total()]
    }
}
