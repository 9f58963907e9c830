//! One shift and scale for all elements.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// `y = (x - shift) / scale`, the same for every element.
///
/// # Numerics
/// The parameters are f32 because that is what survives JSON exactly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// What becomes 0.
    pub shift: f32,
    /// The distance that becomes 1; not 0.
    pub scale: f32,
}

impl Scale {
    /// Integers `0..levels` to `[0, 1]`: `k / (levels - 1)`.
    pub fn unit(levels: usize) -> Self {
        Self { shift: 0.0, scale: levels.saturating_sub(1) as f32 }
    }
}

impl Transform for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if !self.shift.is_finite() || !self.scale.is_normal() {
            let got = format!("shift {} and scale {}", self.shift, self.scale);
            let expected = "a finite shift and a finite scale that is not 0";
            return Err(step_error(self.name(), expected, got));
        }
        Ok(width)
    }

    fn forward(&self, mut x: Vec<f64>, _width: usize, _noise: &mut Noise) -> Vec<f64> {
        let (shift, scale) = (f64::from(self.shift), f64::from(self.scale));
        x.iter_mut().for_each(|x| *x = (*x - shift) / scale);
        x
    }

    fn inverse(&self, mut y: Vec<f64>, _width: usize) -> Vec<f64> {
        let (shift, scale) = (f64::from(self.shift), f64::from(self.scale));
        y.iter_mut().for_each(|y| *y = *y * scale + shift);
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let each = -f64::from(self.scale).abs().ln();
        vec![width as f64 * each; y.len() / width]
    }
}
