//! Whether numbers are missing, without indicators.

use pyrogen_core::{Noise, normal_quantile};
use serde::{Deserialize, Serialize};

use super::quantiles::{normal_cdf, normal_log_density};
use super::{Transform, step_error};
use crate::DataError;

/// For densities: takes an element that says whether a number is missing (0) or there (1), and the number
/// behind it, to two real numbers.
///
/// The first is spread over cells of the standard normal distribution, as wide as the shares of missing and
/// present numbers. The second is the number, or a standard normal draw where it is missing.
///
/// # Units
/// With `y` the two numbers, a density of `y` bounds the probability and density of the cell:
///
/// ```text
/// ln p(there, x) >= E ln p(y) + ln(within share) - ln phi(y_1)
/// ln P(missing)  >= E ln p(y) + ln(within share) - ln phi(y_1) + ln within - ln phi(y_2)
/// ```
///
/// The log-determinant is what is added to `ln p(y)`. The bounds are exact where `y` is standard normal in
/// the numbers that were drawn and these depend on nothing else. A missing number has a probability and no
/// density.
///
/// # Numerics
/// Draws keep a 10,000th of a cell away from its ends, so that rounding to f32 leaves them within: `within` is
/// the rest, 0.9998, which a bound counts.
///
/// # References
/// L. Theis, A. van den Oord, M. Bethge (2016), "A note on the evaluation of generative models", section 3.1,
/// for what is spread; the drawn number is a variational bound over what no data says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadMissing {
    /// For each element that says whether the next one is missing the numbers of training rows where it is,
    /// and where it is not, both above 0.
    pub counts: Vec<Option<[u64; 2]>>,
}

/// The part of a cell that draws keep to.
const WITHIN: f64 = 1.0 - 2e-4;

/// The share of missing numbers.
fn share([missing, there]: [u64; 2]) -> f64 {
    missing as f64 / (missing + there) as f64
}

impl SpreadMissing {
    /// From which of the elements on a pair begins, with its share of missing numbers.
    fn pairs(&self) -> impl Iterator<Item = (usize, f64)> {
        let pair = |(i, counts): (usize, &Option<[u64; 2]>)| counts.map(|c| (i, share(c)));
        self.counts.iter().enumerate().filter_map(pair)
    }
}

impl Transform for SpreadMissing {
    fn name(&self) -> &'static str {
        "spread_missing"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.counts.len() != width {
            let got = format!("{} entries", self.counts.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        let alone = |i: usize| !matches!(self.counts.get(i + 1), Some(None));
        let bad = |(i, counts): (usize, &Option<[u64; 2]>)| {
            counts.is_some_and(|counts| counts.contains(&0) || alone(i))
        };
        match self.counts.iter().enumerate().any(bad) {
            true => {
                let expected = "counts above 0, each followed by an element without";
                Err(step_error(self.name(), expected, format!("{:?}", self.counts)))
            }
            false => Ok(width),
        }
    }

    fn is_random(&self) -> bool {
        true
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        let draws = noise.uniform_rows(&[x.len() / width, width]);
        for (row, draws) in x.chunks_exact_mut(width).zip(draws.chunks_exact(width)) {
            for (i, share) in self.pairs() {
                let within = 0.5 + (draws[i] - 0.5) * WITHIN;
                let missing = row[i] < 0.5;
                let place = if missing { share * within } else { share + (1.0 - share) * within };
                row[i] = normal_quantile(place);
                if missing {
                    row[i + 1] = normal_quantile(0.5 + (draws[i + 1] - 0.5) * WITHIN);
                }
            }
        }
        x
    }

    fn inverse(&self, mut y: Vec<f64>, width: usize) -> Vec<f64> {
        for row in y.chunks_exact_mut(width) {
            for (i, share) in self.pairs() {
                let missing = normal_cdf(row[i]) < share;
                row[i] = if missing { 0.0 } else { 1.0 };
                if missing {
                    row[i + 1] = 0.0;
                }
            }
        }
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let row = |row: &[f64]| {
            let term = |(i, share): (usize, f64)| {
                let base = -normal_log_density(row[i]);
                match normal_cdf(row[i]) < share {
                    true => (WITHIN * WITHIN * share).ln() + base - normal_log_density(row[i + 1]),
                    false => (WITHIN * (1.0 - share)).ln() + base,
                }
            };
            self.pairs().map(term).sum()
        };
        y.chunks_exact(width).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;
    use crate::prepare::{Preparation, Recipe};
    use crate::{Column, ColumnKind, Dataset, TableSchema};

    /// 800 rows of three columns: numbers of which a quarter is missing, numbers that are all there, and
    /// whole numbers of which a tenth is missing.
    fn data() -> Dataset {
        let mut noise = Noise::new(Seed(1));
        let (u, z) = (noise.uniform_vec(1600), noise.normal_vec(1600));
        let row = |i: usize| {
            let first = if u[2 * i] < 0.25 { f64::NAN } else { 3.0 + 2.0 * z[2 * i] };
            let whole = if i % 10 == 3 { f64::NAN } else { (4.0 * u[2 * i + 1]).floor() };
            [first as f32, z[2 * i + 1] as f32, whole as f32]
        };
        let of = |name: &str, missing: bool| {
            let mut column = Column::new(name, ColumnKind::Continuous);
            column.blanks = if missing { vec!["NA".into()] } else { vec![] };
            column
        };
        let columns = vec![of("pay", true), of("height", false), of("rooms", true)];
        let values = (0..800).flat_map(row).collect();
        Dataset::table(values, TableSchema { columns }, None).unwrap()
    }

    #[test]
    fn cells_come_back_and_rows_fill_their_space() {
        let data = data();
        let preparation = Preparation::fit(&Recipe::Spread, &data).unwrap();
        assert_eq!(preparation.event_shape(), [5]);
        assert!(preparation.is_random() && !preparation.has_indicators());
        assert!(preparation.columns().is_none());
        let seen = preparation.apply(data.values(), &mut Noise::new(Seed(2)));
        assert!(seen.iter().all(|v| v.is_finite()));
        let back = preparation.inverse(&seen);
        for (a, b) in data.values().iter().zip(&back) {
            assert!((a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-5, "{a} {b}");
        }
        // No two rows share a number, where raw ones do.
        for j in 0..5 {
            let mut column: Vec<u32> =
                seen.iter().skip(j).step_by(5).map(|v| v.to_bits()).collect();
            column.sort_unstable();
            let recurring = column.windows(2).filter(|w| w[0] == w[1]).count();
            assert!(recurring < 8, "{j}: {recurring}");
        }
        let json = pyrogen_core::config::to_value(&preparation);
        assert_eq!(pyrogen_core::config::from_value::<Preparation>(json).unwrap(), preparation);
    }

    /// A standard normal density of prepared rows is, cell by cell, the share of missing numbers, or the
    /// share of those that are there times their density in raw units.
    #[test]
    fn a_normal_density_gives_shares_and_densities() {
        let data = data();
        let preparation = Preparation::fit(&Recipe::Spread, &data).unwrap();
        let seen = preparation.apply(data.values(), &mut Noise::new(Seed(2)));
        let log_det = preparation.log_det(&seen);
        let column = |j: usize| data.values().iter().skip(j).step_by(3).copied();
        let moments = |j: usize| {
            let there: Vec<f64> = column(j).filter(|v| !v.is_nan()).map(f64::from).collect();
            let n = there.len() as f64;
            let mean = there.iter().sum::<f64>() / n;
            let variance = there.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            (n / 800.0, mean, variance)
        };
        let rooms: Vec<f32> = column(2).collect();
        let normal = |x: f32, (_, mean, variance): (f64, f64, f64)| {
            let square = (f64::from(x) - mean).powi(2) / variance;
            -0.5 * (square + (std::f64::consts::TAU * variance).ln())
        };
        let (pay, height) = (moments(0), moments(1));
        for (i, raw) in data.values().chunks(3).enumerate() {
            let base: f64 =
                seen[5 * i..5 * i + 5].iter().map(|&v| normal_log_density(v.into())).sum();
            let got = base + log_det[i];
            let first = match raw[0].is_nan() {
                true => (1.0 - pay.0).ln(),
                false => pay.0.ln() + normal(raw[0], pay),
            };
            let same = rooms.iter().filter(|r| **r == raw[2] || (r.is_nan() && raw[2].is_nan()));
            // The preparation keeps the mass of three rows for whole numbers that training did not have, and
            // draws keep to 0.998 of their cells.
            let unseen: f64 = if raw[2].is_nan() { 1.0 } else { 720.0 / 723.0 * 0.998 };
            let third = (same.count() as f64 / 800.0 * unseen).ln();
            let expected = first + normal(raw[1], height) + third;
            // Rounding of rows to f32, where densities are steep at the ends of cells.
            assert!((got - expected).abs() < 2e-3, "{i}: {got} {expected}");
        }
    }

    #[test]
    fn samples_are_missing_at_their_rate() {
        let step = SpreadMissing { counts: vec![Some([30, 70]), None] };
        let rows: Vec<f64> =
            (0..1000).flat_map(|i| [normal_quantile((i as f64 + 0.5) / 1000.0), 1.5]).collect();
        let back = step.inverse(rows, 2);
        assert_eq!(back.chunks(2).filter(|row| row[0] == 0.0).count(), 300);
        assert!(back.chunks(2).all(|row| row[1] == if row[0] == 0.0 { 0.0 } else { 1.5 }));
        for counts in [vec![Some([0, 1]), None], vec![None, Some([1, 1])], vec![Some([1, 1]); 2]] {
            assert!(SpreadMissing { counts }.output_width(2).is_err());
        }
    }
}
