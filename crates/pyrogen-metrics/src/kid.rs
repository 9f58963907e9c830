//! Kernel distance over random subsets: KID.

use pyrogen_core::Noise;
use rayon::prelude::*;

use crate::features::{check_pair, finite};
use crate::mmd::{MmdEstimator, Sums, sum_of};
use crate::pairwise::{Row, rows, rows_above_diagonal};
use crate::{Features, MetricError};

const METRIC: &str = "kid";

/// Subsets of more rows than this gain little.
const LARGEST_DEFAULT: usize = 1000;

/// Options of [`kid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KidOptions {
    /// Number of subsets.
    pub subsets: usize,
    /// Rows of each subset. None: half of the smaller set, at most 1000. Subsets of a whole set
    /// are all alike, and their spread of 0 would say that the estimate is certain.
    pub subset_size: Option<usize>,
}

impl Default for KidOptions {
    fn default() -> Self {
        Self { subsets: 100, subset_size: None }
    }
}

impl KidOptions {
    /// The rows of each subset for sets of these sizes.
    ///
    /// # Errors
    /// No subsets, or a size outside 2 to the number of rows of the smaller set.
    pub fn size(&self, real: usize, generated: usize) -> Result<usize, MetricError> {
        let fewest = real.min(generated);
        let wrong = |option, expected: String, got: usize| MetricError::Option {
            metric: METRIC,
            option,
            expected,
            got: got.to_string(),
        };
        if self.subsets == 0 {
            return Err(wrong("subsets", "at least 1".to_string(), 0));
        }
        match self.subset_size {
            None => Ok((fewest / 2).clamp(2, LARGEST_DEFAULT)),
            Some(size) if (2..=fewest).contains(&size) => Ok(size),
            Some(size) => {
                let expected = format!("from 2 to the {fewest} rows of the smaller set");
                Err(wrong("subset_size", expected, size))
            }
        }
    }
}

/// A kernel distance: one value for each subset, and what they come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Kid {
    /// Mean over the subsets.
    pub mean: f64,
    /// Standard deviation over the subsets, dividing by their number.
    pub std: f64,
    /// The value of each subset.
    pub values: Vec<f64>,
    /// Rows of each subset.
    pub subset_size: usize,
}

/// The kernel distance of Bińkowski et al.: the mean of [`polynomial_mmd`] over random subsets,
/// and its standard deviation.
///
/// Each subset is drawn without replacement, from the real and the generated rows separately;
/// subset `s` depends on the noise's key and on `s` alone. Unbiased: about 0 for equal
/// distributions, whatever the number of samples.
///
/// # Errors
/// Fewer than two rows in a set, different widths or names, options out of range, or values so
/// large that the kernel overflows.
///
/// # References
/// Bińkowski, Sutherland, Arbel and Gretton (2018), "Demystifying MMD GANs", section 4.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_metrics::{Features, KidOptions, kid};
///
/// let mut noise = Noise::new(Seed(1));
/// let a = Features::new(noise.normal_vec(600), 200, 3)?;
/// let b = Features::new(noise.normal_vec(600), 200, 3)?;
/// let d = kid(&a, &b, &KidOptions::default(), &noise)?;
/// assert!(d.mean.abs() < 2.0 * d.std);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn kid(
    real: &Features,
    generated: &Features,
    options: &KidOptions,
    noise: &Noise,
) -> Result<Kid, MetricError> {
    check_pair(METRIC, real, generated, 2)?;
    let size = options.size(real.rows(), generated.rows())?;
    let values = (0..options.subsets)
        .into_par_iter()
        .map(|s| {
            let noise = noise.fork("kid").fork_index(s as u64);
            let draw = |set: &Features, label: &str| {
                let order = noise.fork(label).permutation(set.rows());
                set.select(&order[..size])
            };
            polynomial_mmd(&draw(real, "real")?, &draw(generated, "generated")?)
        })
        .collect::<Result<Vec<f64>, _>>()?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    // Values that can be squared only one by one have no spread.
    let (mean, std) = (finite(METRIC, mean)?, finite(METRIC, variance.sqrt())?);
    Ok(Kid { mean, std, values, subset_size: size })
}

/// The unbiased estimate of MMD^2 on all rows with the kernel `(x . y / d + 1)^3`, for `d`
/// columns: one subset of [`kid`], or its full-sample version.
///
/// # Errors
/// Fewer than two rows in a set, different widths or names, or values so large that the kernel
/// overflows.
///
/// # References
/// Bińkowski et al. (2018), eq. 4. Gretton et al. (2012), eq. 3.
pub fn polynomial_mmd(real: &Features, generated: &Features) -> Result<f64, MetricError> {
    check_pair(METRIC, real, generated, 2)?;
    let scale = 1.0 / real.cols() as f64;
    let (row, sum) = (|_| CubicRow { scale, sum: 0.0 }, |row: CubicRow| row.sum);
    let sums = Sums {
        real: sum_of(rows_above_diagonal(real, row, sum)),
        generated: sum_of(rows_above_diagonal(generated, row, sum)),
        between: sum_of(rows(real, generated, row, sum)),
        // The unbiased estimate leaves these out.
        real_diagonal: 0.0,
        generated_diagonal: 0.0,
    };
    let value = sums.combine(real.rows(), generated.rows(), MmdEstimator::Unbiased);
    finite(METRIC, value)
}

/// The sum of the kernel over the columns, for one row.
struct CubicRow {
    scale: f64,
    sum: f64,
}

impl Row for CubicRow {
    #[inline(always)]
    fn take(&mut self, _: usize, dots: &[f64]) {
        for &dot in dots {
            let base = dot * self.scale + 1.0;
            self.sum += base * base * base;
        }
    }
}
