//! Columns that are the condition of the others.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// Marks the elements that are the condition of the others, `y_j = (x_j - mean_j) / std_j`; the others stay.
///
/// # Units
/// The log-determinant is 0: a condition has no density, so its change of units counts for nothing.
///
/// # Numerics
/// The parameters are f32 because that is what survives JSON exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionColumns {
    /// Mean and standard deviation of each element that is a condition, `[0, 1]` for categories; none for
    /// an element that is learnt.
    pub elements: Vec<Option<[f32; 2]>>,
}

impl Transform for ConditionColumns {
    fn name(&self) -> &'static str {
        "condition_columns"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.elements.len() != width {
            let got = format!("{} entries", self.elements.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        let good = |[mean, std]: &[f32; 2]| mean.is_finite() && std.is_normal() && *std > 0.0;
        match self.elements.iter().flatten().all(good) {
            true => Ok(width),
            false => Err(step_error(
                self.name(),
                "finite means and standard deviations above 0",
                format!("{:?}", self.elements),
            )),
        }
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, _noise: &mut Noise) -> Vec<f64> {
        self.each(&mut x, width, |x, mean, std| (x - mean) / std);
        x
    }

    fn inverse(&self, mut y: Vec<f64>, width: usize) -> Vec<f64> {
        self.each(&mut y, width, |y, mean, std| y * std + mean);
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        vec![0.0; y.len() / width]
    }
}

impl ConditionColumns {
    fn each(&self, x: &mut [f64], width: usize, f: impl Fn(f64, f64, f64) -> f64) {
        for row in x.chunks_exact_mut(width) {
            for (x, element) in row.iter_mut().zip(&self.elements) {
                if let Some([mean, std]) = element {
                    *x = f(*x, f64::from(*mean), f64::from(*std));
                }
            }
        }
    }
}
