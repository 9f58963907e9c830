//! Categories to indicators.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// Replaces each categorical element by one indicator a category, in place; the others stay.
///
/// The inverse takes the category of the largest indicator (the first of equals), so it accepts
/// scores and probabilities. Its log-determinant is 0: it maps counts to counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    /// The number of categories of each element; none for an element that is a number.
    pub categories: Vec<Option<usize>>,
}

impl OneHot {
    fn widths(&self) -> impl Iterator<Item = usize> {
        self.categories.iter().map(|c| c.unwrap_or(1))
    }
}

/// More indicators than any table gives.
const MAX_WIDTH: usize = 1 << 24;

impl Transform for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.categories.len() != width {
            let got = format!("{} entries", self.categories.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        let total = self.widths().try_fold(0usize, usize::checked_add);
        match total.filter(|t| *t <= MAX_WIDTH && !self.categories.contains(&Some(0))) {
            Some(total) => Ok(total),
            None => Err(step_error(
                self.name(),
                format!("1 category or more an element, {MAX_WIDTH} in all"),
                format!("{:?}", self.categories),
            )),
        }
    }

    fn forward(&self, x: Vec<f64>, width: usize, _noise: &mut Noise) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len() / width * self.widths().sum::<usize>());
        for row in x.chunks_exact(width) {
            for (&v, categories) in row.iter().zip(&self.categories) {
                let Some(k) = *categories else {
                    out.push(v);
                    continue;
                };
                assert!(
                    v >= 0.0 && v.fract() == 0.0 && (v as usize) < k,
                    "OneHot: category {v} of {k}"
                );
                let start = out.len();
                out.resize(start + k, 0.0);
                out[start + v as usize] = 1.0;
            }
        }
        out
    }

    fn inverse(&self, y: Vec<f64>, _width: usize) -> Vec<f64> {
        let total: usize = self.widths().sum();
        let mut out = Vec::with_capacity(y.len() / total * self.categories.len());
        for mut row in y.chunks_exact(total) {
            for categories in &self.categories {
                let (head, tail) = row.split_at(categories.unwrap_or(1));
                row = tail;
                out.push(if categories.is_some() { argmax(head) as f64 } else { head[0] });
            }
        }
        out
    }

    fn log_det(&self, y: &[f64], _width: usize) -> Vec<f64> {
        vec![0.0; y.len() / self.widths().sum::<usize>()]
    }
}

fn argmax(scores: &[f64]) -> usize {
    let mut best = 0;
    for (k, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = k;
        }
    }
    best
}
