//! Integers to real numbers.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// Spreads the integer `k` over its cell: `y = (k + u) / levels` with `u` uniform on (0, 1).
///
/// A density learnt on `y` bounds the probability of `k`:
/// `log P(k) >= E_u[log p(y)] - dims ln(levels)`.
///
/// # Numerics
/// `u` has as many bits as leave `y` within its cell in f32 (14 bits for 256 levels), so the
/// inverse, `floor(y levels)`, gives `k` back exactly.
///
/// # References
/// B. Uria, I. Murray, H. Larochelle (2013), "RNADE", section 5.1; L. Theis, A. van den Oord,
/// M. Bethge (2016), "A note on the evaluation of generative models", equation 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dequantise {
    /// Number of integers: values are `0..levels`.
    pub levels: usize,
}

/// Bits of an f32 that are left for the level and the place within its cell.
const BITS: u32 = 22;

/// More levels leave no room within a cell.
const MAX_LEVELS: usize = 1 << 20;

impl Transform for Dequantise {
    fn name(&self) -> &'static str {
        "dequantise"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if !(2..=MAX_LEVELS).contains(&self.levels) {
            let expected = format!("levels from 2 to {MAX_LEVELS}");
            return Err(step_error(self.name(), expected, self.levels));
        }
        Ok(width)
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        let level_bits = usize::BITS - (self.levels - 1).leading_zeros();
        let cells = f64::from(1u32 << (BITS - level_bits));
        let u = noise.uniform_rows(&[x.len() / width, width]);
        for (x, u) in x.iter_mut().zip(u) {
            let u = ((u * cells).floor() + 0.5) / cells;
            *x = (*x + u) / self.levels as f64;
        }
        x
    }

    fn inverse(&self, mut y: Vec<f64>, _width: usize) -> Vec<f64> {
        let levels = self.levels as f64;
        y.iter_mut().for_each(|y| *y = (*y * levels).floor().clamp(0.0, levels - 1.0));
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        vec![-(width as f64) * (self.levels as f64).ln(); y.len() / width]
    }
}
