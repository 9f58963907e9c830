//! Maximum mean discrepancy, for any kernel of dot products or distances.

mod exponential;
mod median;

use crate::features::{check_pair, finite};
use crate::pairwise::{Distances, Row, rows, rows_above_diagonal};
use crate::{Features, MetricError};
use exponential::exp_of_negative;

pub use median::median_distance;

const METRIC: &str = "mmd";

/// How the means over pairs are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MmdEstimator {
    /// Without the pairs of a sample with itself: right on average, may be negative.
    #[default]
    Unbiased,
    /// With them: a squared norm, never negative, too large for small samples.
    Biased,
}

impl MmdEstimator {
    /// As it stands in a signature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unbiased => "unbiased",
            Self::Biased => "biased",
        }
    }
}

/// Where the bandwidth of the RBF kernel comes from.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub enum Bandwidth {
    /// The median distance between real samples: one kernel for every model that is compared with
    /// the same real set.
    #[default]
    MedianReal,
    /// The median distance between all samples, real and generated (Gretton et al. 2012, section
    /// 8): the usual choice for a test of one pair of sets.
    MedianPooled,
    /// These bandwidths; the kernel is the mean of one RBF kernel for each.
    Given(Vec<f64>),
}

/// Options of [`mmd`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MmdOptions {
    /// The kernel's bandwidth.
    pub bandwidth: Bandwidth,
    /// The estimator.
    pub estimator: MmdEstimator,
}

/// A squared maximum mean discrepancy.
#[derive(Debug, Clone, PartialEq)]
pub struct Mmd {
    /// The estimate of MMD^2.
    pub squared: f64,
    /// The bandwidths that were used.
    pub bandwidths: Vec<f64>,
}

/// The squared maximum mean discrepancy with RBF kernels.
///
/// `MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` with
/// `k(x, y) = mean_b exp(-|x - y|^2 / (2 b^2))` over the bandwidths `b`. It is 0 for equal
/// distributions only.
///
/// # Errors
/// Fewer than two rows in a set, different widths or names, a bandwidth that is not a positive
/// number, none where the median distance is 0, or values so large that squares overflow.
///
/// # Numerics
/// In f64; memory is a tile of products for each thread, not the whole kernel matrix.
///
/// # References
/// Gretton, Borgwardt, Rasch, Schölkopf and Smola (2012), "A Kernel Two-Sample Test", eq. 3
/// (unbiased) and eq. 5 squared (biased).
///
/// ```
/// use pyrogen_metrics::{Bandwidth, Features, MmdOptions, mmd};
///
/// let real = Features::new(vec![0.0, 1.0, 2.0, 3.0], 4, 1)?;
/// let far = Features::new(vec![40.0, 41.0, 42.0, 43.0], 4, 1)?;
/// let options = MmdOptions { bandwidth: Bandwidth::Given(vec![1.0]), ..Default::default() };
/// let between = mmd(&real, &far, &options)?;
/// assert!(between.squared > 0.5);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn mmd(
    real: &Features,
    generated: &Features,
    options: &MmdOptions,
) -> Result<Mmd, MetricError> {
    check_pair(METRIC, real, generated, 2)?;
    let bandwidths = match &options.bandwidth {
        Bandwidth::MedianReal => vec![median_distance(&[real])?],
        Bandwidth::MedianPooled => vec![median_distance(&[real, generated])?],
        Bandwidth::Given(bandwidths) => bandwidths.clone(),
    };
    check_bandwidths(&bandwidths)?;
    let rates: Vec<f64> = bandwidths.iter().map(|b| -0.5 / (b * b)).collect();
    let within = |x: &Features| -> Result<f64, MetricError> {
        let distances = Distances::new(x, x);
        distances.check(METRIC)?;
        Ok(sum_of(rows_above_diagonal(x, |i| RbfRow::new(&distances, &rates, i), RbfRow::sum)))
    };
    let distances = Distances::new(real, generated);
    let sums = Sums {
        real: within(real)?,
        generated: within(generated)?,
        between: sum_of(rows(real, generated, |i| RbfRow::new(&distances, &rates, i), RbfRow::sum)),
        // k(x, x) = 1.
        real_diagonal: real.rows() as f64,
        generated_diagonal: generated.rows() as f64,
    };
    let squared = sums.combine(real.rows(), generated.rows(), options.estimator);
    Ok(Mmd { squared: finite(METRIC, squared)?, bandwidths })
}

/// Numbers that are worked on at once.
const LANES: usize = 8;

/// The sum over the columns of the mean of the kernels, for one row.
struct RbfRow<'a> {
    distances: &'a Distances,
    rates: &'a [f64],
    i: usize,
    sums: [f64; LANES],
}

impl<'a> RbfRow<'a> {
    fn new(distances: &'a Distances, rates: &'a [f64], i: usize) -> Self {
        Self { distances, rates, i, sums: [0.0; LANES] }
    }

    fn sum(self) -> f64 {
        self.sums.iter().sum::<f64>() / self.rates.len() as f64
    }
}

impl Row for RbfRow<'_> {
    #[inline(always)]
    fn take(&mut self, first: usize, dots: &[f64]) {
        for (part, dots) in dots.chunks(LANES).enumerate() {
            // Missing lanes are infinitely far.
            let mut squared = [f64::INFINITY; LANES];
            self.distances.fast_row(self.i, first + part * LANES, dots, &mut squared);
            for &rate in self.rates {
                for (sum, &squared) in self.sums.iter_mut().zip(&squared) {
                    *sum += exp_of_negative(rate * squared);
                }
            }
        }
    }
}

fn check_bandwidths(bandwidths: &[f64]) -> Result<(), MetricError> {
    let wrong = bandwidths.iter().find(|b| !(b.is_finite() && **b > 0.0));
    let got = match wrong {
        Some(b) => b.to_string(),
        None if bandwidths.is_empty() => "none".to_string(),
        None => return Ok(()),
    };
    Err(MetricError::Option {
        metric: METRIC,
        option: "bandwidth",
        expected: "one or more positive numbers".to_string(),
        got,
    })
}

/// Sums of a kernel over pairs.
pub(crate) struct Sums {
    /// Over the pairs of real samples, each pair once.
    pub real: f64,
    /// Over the pairs of generated samples, each pair once.
    pub generated: f64,
    /// Over all pairs of a real and a generated sample.
    pub between: f64,
    /// Over the real samples with themselves.
    pub real_diagonal: f64,
    /// Over the generated samples with themselves.
    pub generated_diagonal: f64,
}

impl Sums {
    /// The estimate of MMD^2 from `n` real and `m` generated samples.
    pub(crate) fn combine(&self, n: usize, m: usize, estimator: MmdEstimator) -> f64 {
        let (n, m) = (n as f64, m as f64);
        let (within_real, within_generated) = match estimator {
            MmdEstimator::Unbiased => {
                (2.0 * self.real / (n * (n - 1.0)), 2.0 * self.generated / (m * (m - 1.0)))
            }
            MmdEstimator::Biased => (
                (2.0 * self.real + self.real_diagonal) / (n * n),
                (2.0 * self.generated + self.generated_diagonal) / (m * m),
            ),
        };
        within_real + within_generated - 2.0 * self.between / (n * m)
    }
}

/// A sum in row order, so that it does not depend on the threads.
pub(crate) fn sum_of(rows: Vec<f64>) -> f64 {
    rows.into_iter().sum()
}
