//! Brightness to black and white.

use pyrogen_core::{Noise, Seed};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Transform, step_error};
use crate::DataError;

/// Values in `[0, 1]` to 0 or 1.
///
/// A model of binarised data scores the binarised data: its likelihood cannot be compared with
/// one of the raw values, nor between two ways of binarising. The log-determinant is 0 and the
/// inverse leaves values as they are.
///
/// # References
/// R. Salakhutdinov, I. Murray (2008), "On the quantitative analysis of deep belief networks"
/// (fixed draws); Y. Burda, R. Grosse, R. Salakhutdinov (2016), "Importance weighted
/// autoencoders", section 5 (new draws each epoch).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Binarise {
    /// 1 where the value is above `above`.
    Threshold {
        /// The threshold.
        above: f64,
    },
    /// One draw for ever: 1 with the value as probability. The draw depends on the seed and on
    /// the example's values, so it is the same in every order, batch and part of the data
    /// (equal examples get equal draws).
    Fixed {
        /// The seed of the draws, apart from the run's.
        seed: Seed,
    },
    /// A new draw each time: 1 with the value as probability.
    Dynamic,
}

impl Transform for Binarise {
    fn name(&self) -> &'static str {
        "binarise"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        match self {
            Self::Threshold { above } if !above.is_finite() => {
                Err(step_error(self.name(), "a finite threshold", above))
            }
            _ => Ok(width),
        }
    }

    fn is_random(&self) -> bool {
        matches!(self, Self::Dynamic)
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        match self {
            Self::Threshold { above } => {
                x.iter_mut().for_each(|x| *x = f64::from(u8::from(*x > *above)))
            }
            Self::Fixed { seed } => {
                let root = Noise::new(*seed).fork("binarise");
                for row in x.chunks_exact_mut(width) {
                    let u = root.fork_index(digest(row)).uniform_vec(width);
                    draw(row, &u);
                }
            }
            Self::Dynamic => {
                let u = noise.uniform_rows(&[x.len() / width, width]);
                draw(&mut x, &u);
            }
        }
        x
    }

    fn inverse(&self, y: Vec<f64>, _width: usize) -> Vec<f64> {
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        vec![0.0; y.len() / width]
    }
}

fn draw(probabilities: &mut [f64], u: &[f64]) {
    for (p, u) in probabilities.iter_mut().zip(u) {
        *p = f64::from(u8::from(u < p));
    }
}

/// A number for an example.
fn digest(row: &[f64]) -> u64 {
    let mut hash = Sha256::new();
    row.iter().for_each(|v| hash.update(v.to_le_bytes()));
    let bytes: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}
