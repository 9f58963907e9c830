//! A Gaussian fitted to features that come in parts.

use faer::{Mat, MatRef, Scale};

use crate::features::{check_rows_of, finite};
use crate::frechet::{METRIC, ROWS};
use crate::linear::add_gram;
use crate::{Features, Gaussian, MetricError};

/// The mean and the scatter of features, part by part: for sets that are too large to be held, such as
/// the 50,000 pictures whose features an FID is usually of.
///
/// For `d` features it holds `d (d + 1)` numbers in f64 (34 MB for 2,048) and, while a part is added,
/// at most 1,024 of its rows.
///
/// # Numerics
/// In f64. A part of `m` rows with mean `b` and scatter `T = sum (x - b)(x - b)^T` joins `n` rows
/// with mean `a` and scatter `S` by `S + T + (b - a)(b - a)^T n m / (n + m)`, so that features far
/// from zero lose no digits. How rows are cut into parts changes the rounding alone. The covariance
/// itself is summed here: where it is singular, or nearly so, its factor comes from an
/// eigendecomposition and the distance is known to about 1e-6 of its size. [`Gaussian::fit`], which
/// has all rows at hand, factors them and keeps more digits there.
///
/// # References
/// Chan, Golub and LeVeque (1983), "Algorithms for Computing the Sample Variance: Analysis and
/// Recommendations", for the update of pairs.
///
/// ```
/// use pyrogen_metrics::{Features, Gaussian, GaussianSums};
///
/// let all = Features::new(vec![0.0, 0.0, 1.0, 2.0, 3.0, 1.0, 2.0, 5.0], 4, 2)?;
/// let mut sums = GaussianSums::default();
/// for rows in [[0, 1], [2, 3]] {
///     sums.add(&all.select(&rows)?)?;
/// }
/// let distance = sums.fit()?.frechet(&Gaussian::fit(&all)?)?.distance();
/// assert!(distance < 1e-12);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone)]
pub struct GaussianSums {
    /// Of the first part.
    name: Option<String>,
    rows: usize,
    mean: Vec<f64>,
    /// The lower triangle.
    scatter: Mat<f64>,
}

impl Default for GaussianSums {
    fn default() -> Self {
        Self { name: None, rows: 0, mean: Vec::new(), scatter: Mat::new() }
    }
}

impl GaussianSums {
    /// Rows added so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds the rows of a part.
    ///
    /// # Errors
    /// Another width or another name than the parts before it have; nothing is added then.
    pub fn add(&mut self, part: &Features) -> Result<(), MetricError> {
        match &self.name {
            None => {
                self.name = Some(part.name().to_string());
                self.mean = vec![0.0; part.cols()];
                self.scatter = Mat::zeros(part.cols(), part.cols());
            }
            Some(name) if name.as_str() != part.name() || self.mean.len() != part.cols() => {
                return Err(MetricError::OtherPart {
                    was: (name.clone(), self.mean.len()),
                    got: (part.name().to_string(), part.cols()),
                });
            }
            Some(_) => {}
        }
        for rows in part.values().chunks(ROWS * part.cols()) {
            self.join(rows);
        }
        Ok(())
    }

    /// Some rows, one after another.
    fn join(&mut self, values: &[f64]) {
        let d = self.mean.len();
        let (n, m) = (self.rows as f64, (values.len() / d) as f64);
        // From the first row on, so that what is added is as small as the spread.
        let (mut mean, origin) = (vec![0.0; d], &values[..d]);
        for row in values.chunks_exact(d) {
            let apart = row.iter().zip(origin).map(|(v, o)| v - o);
            mean.iter_mut().zip(apart).for_each(|(s, v)| *s += v);
        }
        mean.iter_mut().zip(origin).for_each(|(s, o)| *s = o + *s / m);
        let mut rows = Vec::with_capacity(values.len() + d);
        for row in values.chunks_exact(d) {
            rows.extend(row.iter().zip(&mean).map(|(v, mean)| v - mean));
        }
        // The distance of the means is one row more.
        let weight = (n * m / (n + m)).sqrt();
        rows.extend(mean.iter().zip(&self.mean).map(|(new, all)| (new - all) * weight));
        let rows = MatRef::from_row_major_slice(&rows, values.len() / d + 1, d);
        add_gram(&mut self.scatter, rows);
        for (all, new) in self.mean.iter_mut().zip(mean) {
            *all += (new - *all) * m / (n + m);
        }
        self.rows += values.len() / d;
    }

    /// The Gaussian with the mean and the covariance (dividing by `n - 1`) of all rows. To go on
    /// adding afterwards, fit a clone.
    ///
    /// # Errors
    /// Fewer than two rows, or values whose squares overflow.
    pub fn fit(self) -> Result<Gaussian, MetricError> {
        check_rows_of(METRIC, "fitted", self.rows, 2)?;
        let scale = 1.0 / (self.rows - 1) as f64;
        let mut covariance = self.scatter;
        covariance *= Scale(scale);
        finite(METRIC, (0..self.mean.len()).map(|i| covariance[(i, i)]).sum())?;
        Gaussian::from_lower_triangle(self.mean, covariance)
    }
}
