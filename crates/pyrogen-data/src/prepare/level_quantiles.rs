//! Integers to normal numbers, by how often each is there.

use pyrogen_core::{Noise, normal_quantile};
use serde::{Deserialize, Serialize};

use super::quantiles::normal_log_density;
use super::{Transform, step_error};
use crate::{DataError, RawRows};

/// Spreads the integer `k` over its cell of the standard normal distribution, one that is as wide as the
/// share of `k` among all elements of the training data:
///
/// ```text
/// y = Phi^-1((c_0 + .. + c_(k-1) + u c_k) / sum c)      u uniform on (0, 1)
/// ```
///
/// It is [`Dequantise`](super::Dequantise) and a monotone map behind it, the same for every element. The
/// commonest integer of a picture, the black of its background, fills a cell of size 1 and not a needle.
///
/// # Units
/// The log-determinant is `ln (c_k / sum c) - ln phi(y)`, so a density learnt on `y` bounds the probability
/// of `k` as for `Dequantise`. The standard normal density gives each integer its share exactly.
///
/// # Numerics
/// A draw that rounding to f32 takes out of its cell is put at the cell's middle, so the inverse gives
/// `k` back.
///
/// # References
/// L. Rüschendorf (2009), "On the distributional transform, Sklar's theorem, and the empirical copula
/// process", section 1; L. Theis, A. van den Oord, M. Bethge (2016), "A note on the evaluation of
/// generative models", equation 4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelQuantiles {
    /// How often each integer from 0 up is there, one at least.
    pub counts: Vec<u64>,
}

/// More levels leave no room within a cell.
const MAX_LEVELS: usize = 1 << 16;

impl LevelQuantiles {
    /// The counts of all elements of the data, and one more of each integer.
    ///
    /// # Errors
    /// Values without known levels, or a file that cannot be read any more.
    pub fn fit(data: &dyn RawRows) -> Result<Self, DataError> {
        let Some(levels) = data.levels() else {
            let got = "values without known levels";
            let expected = "integers from 0 up (pictures of 8 bits)";
            return Err(step_error("level_quantiles", expected, got));
        };
        let mut counts = vec![1; levels];
        data.each(&mut |values| values.iter().for_each(|&v| counts[v as usize] += 1))?;
        Ok(Self { counts })
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum::<u64>() as f64
    }

    /// The share of all integers below each, and 1.
    fn shares(&self) -> Vec<f64> {
        let (total, mut sum) = (self.total(), 0u64);
        let below = self.counts.iter().map(|c| {
            sum += c;
            (sum - c) as f64 / total
        });
        below.chain([1.0]).collect()
    }

    /// Where each cell begins.
    fn edges(&self) -> Vec<f64> {
        let shares = self.shares();
        let inner = shares[1..self.counts.len()].iter().map(|&share| normal_quantile(share));
        [f64::NEG_INFINITY].into_iter().chain(inner).chain([f64::INFINITY]).collect()
    }
}

/// The cell of a number; the first of NaN.
fn cell(edges: &[f64], y: f64) -> usize {
    edges[1..edges.len() - 1].partition_point(|edge| *edge <= y)
}

impl Transform for LevelQuantiles {
    fn name(&self) -> &'static str {
        "level_quantiles"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        let levels = self.counts.len();
        if !(2..=MAX_LEVELS).contains(&levels) {
            let expected = format!("counts of 2 to {MAX_LEVELS} levels");
            return Err(step_error(self.name(), expected, levels));
        }
        let sum = self.counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c));
        if self.counts.contains(&0) || sum.is_none() {
            let expected = "counts of one or more, whose sum fits 64 bits";
            return Err(step_error(self.name(), expected, format!("{:?}", self.counts)));
        }
        Ok(width)
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        let (shares, edges) = (self.shares(), self.edges());
        let u = noise.uniform_rows(&[x.len() / width, width]);
        for (x, u) in x.iter_mut().zip(u) {
            let k = *x as usize;
            let at = |u: f64| {
                let y = normal_quantile(shares[k] + u * (shares[k + 1] - shares[k]));
                f64::from(y as f32)
            };
            let y = at(u);
            *x = if y.is_finite() && cell(&edges, y) == k { y } else { at(0.5) };
        }
        x
    }

    fn inverse(&self, mut y: Vec<f64>, _width: usize) -> Vec<f64> {
        let edges = self.edges();
        y.iter_mut().for_each(|y| *y = cell(&edges, *y) as f64);
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let (edges, total) = (self.edges(), self.total());
        let logs: Vec<f64> = self.counts.iter().map(|&c| (c as f64 / total).ln()).collect();
        let one = |&y: &f64| logs[cell(&edges, y)] - normal_log_density(y);
        y.chunks(width).map(|row| row.iter().map(one).sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;
    use crate::{Dataset, Preparation, Recipe, digits};

    #[test]
    fn integers_come_back_and_normal_numbers_have_their_shares() {
        let data = digits();
        let p = Preparation::fit(&Recipe::LevelQuantiles, &data).unwrap();
        let raw = data.values();
        let y = p.apply(raw, &mut Noise::new(Seed(1)));
        assert_eq!(p.inverse(&y), raw);
        // Standard normal, to 5 standard errors of some 115,000 numbers that are not independent.
        let n = y.len() as f64;
        let mean = |f: fn(f64) -> f64| y.iter().map(|&y| f(f64::from(y))).sum::<f64>() / n;
        assert!(mean(|y| y).abs() < 0.015, "{}", mean(|y| y));
        assert!((mean(|y| y * y) - 1.0).abs() < 0.02, "{}", mean(|y| y * y));
        // Under the standard normal density each picture has the product of its levels' shares.
        let log_det = p.log_det(&y);
        let count = |v: f32| 1 + raw.iter().filter(|r| **r == v).count();
        let counts: Vec<usize> = (0..=16).map(|k| count(k as f32)).collect();
        let total = counts.iter().sum::<usize>() as f64;
        for (i, (y, raw)) in y.chunks(64).zip(raw.chunks(64)).take(20).enumerate() {
            let normal: f64 = y.iter().map(|&y| normal_log_density(f64::from(y))).sum();
            let expected: f64 = raw.iter().map(|&v| (counts[v as usize] as f64 / total).ln()).sum();
            assert!((normal + log_det[i] - expected).abs() < 1e-9, "{i}");
        }
    }

    /// A level of which there is one in ten million, where numbers of f32 are 6e-8 apart.
    #[test]
    fn rare_levels_come_back() {
        let p = LevelQuantiles { counts: vec![8_000_000, 1, 1, 2_000_000] };
        let x: Vec<f64> = (0..4000).map(|i| f64::from(i % 4)).collect();
        let y = p.forward(x.clone(), 1, &mut Noise::new(Seed(2)));
        assert!(y.iter().all(|&y| f64::from(y as f32) == y));
        assert_eq!(p.inverse(y, 1), x);
        assert_eq!(p.inverse(vec![-50.0, 50.0], 1), [0.0, 3.0]);
    }

    #[test]
    fn what_has_no_levels_or_no_counts_is_an_error() {
        let data = Dataset::from_parts(vec![0.5, 0.25], vec![1], None).unwrap();
        let error = Preparation::fit(&Recipe::LevelQuantiles, &data).unwrap_err().to_string();
        assert!(error.contains("integers from 0 up"), "{error}");
        for counts in [vec![3], vec![1, 0, 2], vec![u64::MAX, 1]] {
            assert!(LevelQuantiles { counts }.output_width(1).is_err());
        }
    }
}
