//! What log densities are computed from: factors of covariances, whole and of observed columns.

use crate::blocks::Pattern;
use crate::matrix::{BadPivot, at, cholesky, invert_lower, packed};

/// The inverse root of a covariance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Root {
    /// The inverse of the Cholesky factor, a lower triangle.
    Dense(Vec<f64>),
    /// Inverse standard deviations.
    Diagonal(Vec<f64>),
}

/// A Gaussian of some columns, ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Factor {
    pub mean: Vec<f64>,
    pub root: Root,
    /// What is added to minus half the squared distance.
    pub constant: f64,
}

/// How missing columns follow from observed ones in one component.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Regression {
    /// Slopes, `[missing, observed]` row-major, and the covariance that is left, a lower triangle.
    Dense { slopes: Vec<f64>, residual: Vec<f64> },
    /// The variances of the missing columns: they do not follow.
    Diagonal { residual: Vec<f64> },
}

/// A component as one pattern of missing cells sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub factor: Factor,
    pub regression: Regression,
}

/// A covariance: a lower triangle, or a diagonal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Covariance<'a> {
    Dense(&'a [f64]),
    Diagonal(&'a [f64]),
}

/// `-d/2 log(2 pi)`.
pub(crate) fn normaliser(d: usize) -> f64 {
    -0.5 * d as f64 * std::f64::consts::TAU.ln()
}

impl Covariance<'_> {
    /// The Gaussian with this covariance; `log_weight` is added to its log density.
    pub fn factor(&self, mean: &[f64], log_weight: f64) -> Result<Factor, BadPivot> {
        let d = mean.len();
        let (root, log_det) = match self {
            Self::Dense(a) => {
                let l = cholesky(a, d)?;
                let log_det: f64 = (0..d).map(|i| l[at(i, i)].ln()).sum();
                (Root::Dense(invert_lower(&l, d)), log_det)
            }
            Self::Diagonal(a) => {
                if let Some(column) = a.iter().position(|v| !(*v > 0.0 && v.is_finite())) {
                    return Err(BadPivot { column, pivot: a[column] });
                }
                let log_det: f64 = a.iter().map(|v| 0.5 * v.ln()).sum();
                (Root::Diagonal(a.iter().map(|v| 1.0 / v.sqrt()).collect()), log_det)
            }
        };
        let constant = log_weight + normaliser(d) - log_det;
        Ok(Factor { mean: mean.to_vec(), root, constant })
    }

    /// Rows and columns `of`.
    pub fn part(&self, of: &[usize]) -> Vec<f64> {
        match self {
            Self::Diagonal(a) => of.iter().map(|&i| a[i]).collect(),
            Self::Dense(a) => {
                let mut part = Vec::with_capacity(packed(of.len()));
                for (i, &row) in of.iter().enumerate() {
                    part.extend(of[..=i].iter().map(|&column| a[at(row, column)]));
                }
                part
            }
        }
    }

    /// The Gaussian of the observed columns, and how the missing ones follow from them.
    pub fn seen(&self, mean: &[f64], log_weight: f64, pattern: &Pattern) -> Result<Seen, BadPivot> {
        let observed: Vec<f64> = pattern.observed.iter().map(|&j| mean[j]).collect();
        let part = self.part(&pattern.observed);
        match self {
            Self::Diagonal(_) => Ok(Seen {
                factor: Covariance::Diagonal(&part).factor(&observed, log_weight)?,
                regression: Regression::Diagonal { residual: self.part(&pattern.missing) },
            }),
            Self::Dense(a) => {
                let factor = Covariance::Dense(&part).factor(&observed, log_weight)?;
                let (slopes, residual) = regression(a, &factor, pattern);
                Ok(Seen { factor, regression: Regression::Dense { slopes, residual } })
            }
        }
    }
}

/// Slopes `S_mo S_oo^-1` and what is left, `S_mm - S_mo S_oo^-1 S_om`.
fn regression(a: &[f64], factor: &Factor, pattern: &Pattern) -> (Vec<f64>, Vec<f64>) {
    let Root::Dense(p) = &factor.root else { unreachable!("made of a dense covariance") };
    let (o, m) = (pattern.observed.len(), pattern.missing.len());
    let mut slopes = vec![0.0; m * o];
    let mut residual = Covariance::Dense(a).part(&pattern.missing);
    let mut whitened = vec![0.0; m * o]; // S_mo p^T
    for (row, &missing) in pattern.missing.iter().enumerate() {
        let across: Vec<f64> = pattern.observed.iter().map(|&j| a[at(missing, j)]).collect();
        let line = &mut whitened[row * o..][..o];
        for (i, w) in line.iter_mut().enumerate() {
            *w = p[at(i, 0)..][..=i].iter().zip(&across).map(|(p, c)| p * c).sum();
        }
        let slope = &mut slopes[row * o..][..o];
        for (i, w) in line.iter().enumerate() {
            slope.iter_mut().zip(&p[at(i, 0)..][..=i]).for_each(|(s, p)| *s += w * p);
        }
    }
    for i in 0..m {
        for j in 0..=i {
            let (x, y) = (&whitened[i * o..][..o], &whitened[j * o..][..o]);
            residual[at(i, j)] -= x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        }
    }
    (slopes, residual)
}
