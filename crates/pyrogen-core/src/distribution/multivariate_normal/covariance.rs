//! The covariance of a normal vector, in three forms.

use burn::tensor::Tensor;

use crate::distribution::matrix::{cholesky, diagonal, lower_inverse};

/// `n` is the number of batches: that of the mean, or 1.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one a distribution, of handles of tensors")]
pub(super) enum Covariance {
    /// Variances, `[n, d, 1]`.
    Diagonal(Tensor<3>),
    /// Lower triangular factors, `[n, d, d]`.
    Cholesky(Tensor<3>),
    /// Factors `[n, d, rank]` and variances `[n, d, 1]`.
    LowRank(Tensor<3>, Tensor<3>),
}

impl Covariance {
    pub(super) fn dims(&self) -> [usize; 2] {
        let [n, d, _] = match self {
            Self::Diagonal(variance) => variance.dims(),
            Self::Cholesky(factor) | Self::LowRank(factor, _) => factor.dims(),
        };
        [n, d]
    }

    /// `ln det`, `[n]`.
    pub(super) fn log_det(&self) -> Tensor<1> {
        let sum = |x: Tensor<3>| x.log().sum_dim(1).reshape([self.dims()[0]]);
        match self {
            Self::Diagonal(variance) => sum(variance.clone()),
            Self::Cholesky(factor) => sum(diagonal(factor.clone())) * 2.0,
            Self::LowRank(factor, variance) => {
                let capacity = diagonal(capacity(factor, variance));
                sum(capacity) * 2.0 + sum(variance.clone())
            }
        }
    }

    /// `x^T covariance^-1 x` of each column of `[n, d, columns]`: `[n, 1, columns]`.
    pub(super) fn quadratic(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Diagonal(variance) => (x.square() / variance.clone()).sum_dim(1),
            Self::Cholesky(factor) => lower_inverse(factor.clone()).matmul(x).square().sum_dim(1),
            Self::LowRank(factor, variance) => {
                let scaled = x.clone() / variance.clone();
                let inner = factor.clone().swap_dims(1, 2).matmul(scaled.clone());
                let inner = lower_inverse(capacity(factor, variance)).matmul(inner);
                (x * scaled).sum_dim(1) - inner.square().sum_dim(1)
            }
        }
    }

    /// The same of the rows of `x` around the mean, under one factor for all, where it is one pass.
    pub(super) fn shared_distance(&self, x: &Tensor<2>, mean: &Tensor<2>) -> Option<Tensor<1>> {
        match self {
            Self::Cholesky(factor) if factor.dims()[0] == 1 && !factor.is_tracked() => {
                let inverse = lower_inverse(factor.clone()).squeeze_dim(0);
                pyrogen_ops::whitened_square(x, mean, &inverse)
            }
            _ => None,
        }
    }

    /// A matrix whose product with its transpose is the covariance, `[n, d, ..]`.
    pub(super) fn root(&self) -> Tensor<3> {
        match self {
            Self::Diagonal(variance) => as_matrix(variance.clone().sqrt()),
            Self::Cholesky(factor) => factor.clone(),
            Self::LowRank(factor, variance) => {
                Tensor::cat(vec![factor.clone(), as_matrix(variance.clone().sqrt())], 2)
            }
        }
    }

    /// Variances, `[n, d]`.
    pub(super) fn variance(&self) -> Tensor<2> {
        let squares = |x: &Tensor<3>| x.clone().square().sum_dim(2);
        match self {
            Self::Diagonal(variance) => variance.clone(),
            Self::Cholesky(factor) => squares(factor),
            Self::LowRank(factor, variance) => squares(factor) + variance.clone(),
        }
        .squeeze_dim(2)
    }
}

/// The factor of `1 + factor^T diag(variance)^-1 factor`, `[n, rank, rank]`.
fn capacity(factor: &Tensor<3>, variance: &Tensor<3>) -> Tensor<3> {
    let scaled = factor.clone() / variance.clone();
    let inner = factor.clone().swap_dims(1, 2).matmul(scaled);
    let rank = inner.dims()[1];
    let one = Tensor::<2>::eye(rank, &inner.device()).cast(inner.dtype()).unsqueeze::<3>();
    cholesky(inner + one)
}

/// `[n, d, 1]` on the diagonal of `[n, d, d]`.
fn as_matrix(x: Tensor<3>) -> Tensor<3> {
    let d = x.dims()[1];
    let one = Tensor::<2>::eye(d, &x.device()).cast(x.dtype()).unsqueeze::<3>();
    x * one
}
