//! The Fréchet distance between two Gaussians fitted to features.

use faer::{Mat, MatMut, MatRef, Side};

use crate::features::{check_pair, check_rows, finite};
use crate::linear::{
    add_gram, cholesky_factor, product, singular_values, symmetric_eigenvalues, triangular_factor,
};
use crate::registers::settled;
use crate::{Features, MetricError};

pub(crate) const METRIC: &str = "frechet";

/// Negative eigenvalues of a covariance up to this share of the largest are rounding (of a matrix
/// that may have been stored in f32) and count as zero.
const ROUNDING: f64 = 1e-6;

/// A triangular factor is taken for well conditioned if its smallest diagonal entry is at least
/// this share of the largest. Squares then keep what matters: an eigenvalue of about 1e-12 of the
/// largest, known up to 1e-16 of it, has a root known up to 1e-10.
const WELL_CONDITIONED: f64 = 1e-3;

/// Rows whose products are summed at a time.
pub(crate) const ROWS: usize = 1024;

/// The squared Fréchet distance in its two parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frechet {
    /// `|mean_1 - mean_2|^2`: how far apart the centres are.
    pub mean_term: f64,
    /// `tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`: how different the spreads are.
    pub covariance_term: f64,
}

impl Frechet {
    /// The sum of the two parts.
    pub fn distance(&self) -> f64 {
        self.mean_term + self.covariance_term
    }
}

/// The squared Fréchet distance between the Gaussians fitted to two sets of features; with the
/// features of an Inception network this is the FID.
///
/// `|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))`, with means `m` and covariances `S` that
/// divide by `n - 1`. See [`Gaussian`] for how it is computed. Biased upwards by the number of
/// samples: compare only numbers of equal counts.
///
/// # Errors
/// Fewer than two rows in a set, different widths or names, or values so large that the squares
/// overflow.
///
/// # References
/// Dowson and Landau (1982), "The Fréchet Distance between Multivariate Normal Distributions",
/// eq. 4. Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter (2017), "GANs Trained by a Two
/// Time-Scale Update Rule Converge to a Local Nash Equilibrium", eq. 6.
///
/// ```
/// use pyrogen_metrics::{Features, frechet};
///
/// let real = Features::new(vec![0.0, 0.0, 1.0, 2.0, 3.0, 1.0], 3, 2)?;
/// let moved = Features::new(vec![2.0, 0.0, 3.0, 2.0, 5.0, 1.0], 3, 2)?;
/// let d = frechet(&real, &moved)?;
/// assert!((d.mean_term - 4.0).abs() < 1e-12 && d.covariance_term < 1e-12);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn frechet(real: &Features, generated: &Features) -> Result<Frechet, MetricError> {
    check_pair(METRIC, real, generated, 2)?;
    Gaussian::fit(real)?.frechet(&Gaussian::fit(generated)?)
}

/// A Gaussian as a mean and a factor of its covariance, `S = F^T F`.
///
/// Fit the reference set once and compare many generated sets with it.
///
/// # Numerics
/// In f64. The trace of the square root is
/// `tr (S_1 S_2)^(1/2) = sum_i eig_i(S_1^(1/2) S_2 S_1^(1/2))^(1/2) = sum_i sv_i(F_1 F_2^T)`:
/// the singular values of a product of factors are the square roots of those eigenvalues, and
/// taking them directly keeps the digits that a root of a rounded eigenvalue loses (an eigenvalue
/// that is zero up to 1e-16 has a root of 1e-8; a singular covariance has many). Nothing is added
/// to the diagonal. [`fit`](Self::fit) takes the factor from the centred data (QR), so that a
/// covariance of fewer samples than dimensions is no special case; [`from_moments`] takes it from
/// the symmetric eigendecomposition, with negative eigenvalues clipped at zero. Where factors are
/// well conditioned (the diagonal of a triangular factor spans less than three decades), the
/// covariance's Cholesky factor and eigenvalues are taken instead: half the work, and right to
/// 1e-10 of the trace. On all cores; only the last digits of a Gaussian from moments may depend on
/// how many there are.
///
/// [`from_moments`]: Self::from_moments
#[derive(Debug, Clone)]
pub struct Gaussian {
    mean: Vec<f64>,
    factor: Mat<f64>,
    /// Whether the factor is triangular and its diagonal says that squares do no harm.
    well_conditioned: bool,
}

impl Gaussian {
    /// Mean and covariance (dividing by `n - 1`) of a set of features.
    ///
    /// # Errors
    /// Fewer than two rows, or values whose squares overflow.
    pub fn fit(features: &Features) -> Result<Self, MetricError> {
        let (n, d) = (features.rows(), features.cols());
        check_rows(METRIC, "fitted", features, 2)?;
        let mean = column_means(features);
        let scale = 1.0 / ((n - 1) as f64).sqrt();
        let x = features.matrix();
        let at = |i: usize, j: usize| (x[(i, j)] - mean[j]) * scale;
        if n > d
            && let Some(factor) = factor_of_sums(n, d, at)?
        {
            return Ok(Self { mean, factor, well_conditioned: true });
        }
        let centred = Mat::from_fn(n, d, at);
        finite(METRIC, centred.squared_norm_l2())?;
        // With C = QR the covariance C^T C is R^T R.
        let factor = if n > d { triangular_factor(centred) } else { centred };
        Ok(Self { mean, factor, well_conditioned: false })
    }

    /// A Gaussian from its mean and its covariance, row after row: the form in which reference
    /// statistics are published.
    ///
    /// # Errors
    /// Lengths that do not fit, values that are not finite, or a matrix that is not symmetric
    /// positive semidefinite up to 1e-6 of its size.
    pub fn from_moments(mean: Vec<f64>, covariance: &[f64]) -> Result<Self, MetricError> {
        check_moments(&mean, covariance)?;
        let d = mean.len();
        Self::from_eigen(mean, MatRef::from_row_major_slice(covariance, d, d))
    }

    /// A Gaussian from its mean and the lower triangle of its covariance.
    pub(crate) fn from_lower_triangle(
        mean: Vec<f64>,
        covariance: Mat<f64>,
    ) -> Result<Self, MetricError> {
        match well_conditioned(covariance.clone()) {
            Some(factor) => Ok(Self { mean, factor, well_conditioned: true }),
            None => Self::from_eigen(mean, covariance.as_ref()),
        }
    }

    fn from_eigen(mean: Vec<f64>, covariance: MatRef<f64>) -> Result<Self, MetricError> {
        let d = mean.len();
        let eigen = settled(|| covariance.self_adjoint_eigen(Side::Lower))
            .map_err(|_| not_converged("eigendecomposition"))?;
        let values = eigen.S().column_vector();
        let largest = (0..d).map(|i| values[i].abs()).fold(0.0, f64::max);
        if let Some(i) = (0..d).find(|&i| values[i] < -ROUNDING * largest) {
            return Err(MetricError::Moments {
                message: format!(
                    "the covariance has the eigenvalue {:e}; give a positive semidefinite matrix",
                    values[i]
                ),
            });
        }
        let vectors = eigen.U();
        let factor = Mat::from_fn(d, d, |i, j| values[i].max(0.0).sqrt() * vectors[(j, i)]);
        Ok(Self { mean, factor, well_conditioned: false })
    }

    /// Number of dimensions.
    pub fn dims(&self) -> usize {
        self.mean.len()
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, row after row.
    pub fn covariance(&self) -> Vec<f64> {
        let d = self.dims();
        let mut values = vec![0.0; d * d];
        let target = MatMut::from_row_major_slice_mut(&mut values, d, d);
        product(target, self.factor.transpose(), self.factor.as_ref());
        values
    }

    /// The squared Fréchet distance to another Gaussian.
    ///
    /// # Errors
    /// Different numbers of dimensions, or an overflow.
    ///
    /// # Numerics
    /// A covariance term that rounding takes below zero is given as zero.
    pub fn frechet(&self, other: &Self) -> Result<Frechet, MetricError> {
        if self.dims() != other.dims() {
            return Err(MetricError::Width { real: self.dims(), generated: other.dims() });
        }
        let pairs = self.mean.iter().zip(&other.mean);
        let mean_term: f64 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
        // tr(F^T F) is the sum of the squares of F's entries.
        let traces = self.factor.squared_norm_l2() + other.factor.squared_norm_l2();
        finite(METRIC, mean_term + traces)?;
        let covariance_term = (traces - 2.0 * self.trace_of_root(other)?).max(0.0);
        Ok(Frechet { mean_term, covariance_term })
    }

    fn trace_of_root(&self, other: &Self) -> Result<f64, MetricError> {
        let mut between = Mat::zeros(self.factor.nrows(), other.factor.nrows());
        product(between.as_mut(), self.factor.as_ref(), other.factor.transpose());
        if self.well_conditioned && other.well_conditioned {
            let mut squares = Mat::zeros(between.ncols(), between.ncols());
            add_gram(&mut squares, between.as_ref());
            drop(between);
            let values = symmetric_eigenvalues(squares.as_ref())
                .ok_or_else(|| not_converged("eigendecomposition"))?;
            return Ok(values.iter().map(|v| v.max(0.0).sqrt()).sum());
        }
        let values = singular_values(between.as_ref())
            .ok_or_else(|| not_converged("singular value decomposition"))?;
        // Smallest first: the sum keeps the small ones' digits.
        Ok(values.iter().rev().sum())
    }
}

/// The Cholesky factor of the covariance of `n` centred rows, summed some rows at a time; none where
/// it is not well conditioned.
fn factor_of_sums(
    n: usize,
    d: usize,
    centred: impl Fn(usize, usize) -> f64,
) -> Result<Option<Mat<f64>>, MetricError> {
    let mut covariance = Mat::zeros(d, d);
    for first in (0..n).step_by(ROWS) {
        // Rows are columns here: values in the order in which they are stored.
        let rows = Mat::from_fn(d, ROWS.min(n - first), |j, i| centred(first + i, j));
        add_gram(&mut covariance, rows.transpose());
    }
    finite(METRIC, (0..d).map(|i| covariance[(i, i)]).sum())?;
    Ok(well_conditioned(covariance))
}

/// The Cholesky factor of a covariance, of which the lower triangle is read; none where it is not
/// well conditioned.
fn well_conditioned(covariance: Mat<f64>) -> Option<Mat<f64>> {
    cholesky_factor(covariance).filter(|r| {
        let diagonal = || (0..r.nrows()).map(|i| r[(i, i)].abs());
        let largest = diagonal().fold(0.0, f64::max);
        diagonal().all(|v| v >= WELL_CONDITIONED * largest)
    })
}

fn not_converged(decomposition: &'static str) -> MetricError {
    MetricError::NotConverged { decomposition }
}

fn column_means(features: &Features) -> Vec<f64> {
    let mut sums = vec![0.0; features.cols()];
    for row in features.values().chunks_exact(features.cols()) {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
    let n = features.rows() as f64;
    sums.into_iter().map(|s| s / n).collect()
}

fn check_moments(mean: &[f64], covariance: &[f64]) -> Result<(), MetricError> {
    let wrong = |message: String| Err(MetricError::Moments { message });
    let d = mean.len();
    if d == 0 || d.checked_mul(d) != Some(covariance.len()) {
        return wrong(format!(
            "a mean of {d} values needs a covariance of {d} x {d}, got {} values",
            covariance.len()
        ));
    }
    if let Some(v) = mean.iter().chain(covariance).find(|v| !v.is_finite()) {
        return wrong(format!("the moments hold {v}; give finite values"));
    }
    let largest = covariance.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    for i in 0..d {
        for j in 0..i {
            let (a, b) = (covariance[i * d + j], covariance[j * d + i]);
            if (a - b).abs() > ROUNDING * largest {
                return wrong(format!(
                    "the covariance is not symmetric: {a} at ({i}, {j}), {b} at ({j}, {i})"
                ));
            }
        }
    }
    Ok(())
}
