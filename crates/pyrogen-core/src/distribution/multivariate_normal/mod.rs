//! The multivariate normal distribution.

mod covariance;

use burn::tensor::Tensor;

use super::domain::Domain;
use super::matrix::{checked_cholesky, diagonal};
use super::normal::in_type_of;
use super::numerics::broadcast_dims;
use super::{
    Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, OneMoreThan, Pathwise, Rank,
    Support,
};
use crate::{Noise, ParameterError};
use covariance::Covariance;

const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// Multivariate normal distribution of the vectors along the last axis.
///
/// ```text
/// log p(x) = -(x - mean)^T covariance^-1 (x - mean) / 2 - ln det(covariance) / 2 - d ln(2 pi) / 2
/// ```
///
/// The covariance is [diagonal](Self::diagonal), given by its [Cholesky factor](Self::cholesky), or
/// [of low rank with a diagonal](Self::low_rank): `factor factor^T + diag(diagonal)`, whose density and
/// draws cost `d rank` and never a matrix of `d x d`.
///
/// # Shapes
/// The mean and the values are `[.., d]`, of rank `L`; log-densities lack the last axis. Factors have the
/// mean's batch axes, or one batch for all.
///
/// # Numerics
/// Triangular inverses are computed on the host in double precision; products are in the tensor's own
/// type.
///
/// # References
/// Woodbury (1950), "Inverting Modified Matrices", for the low rank.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, MultivariateNormal};
///
/// let device = Device::flex();
/// let mean = Tensor::<2>::zeros([5, 2], &device);
/// let factor = Tensor::<3>::from_floats([[[1.0, 0.0], [0.8, 0.6]]], &device);
/// let p = MultivariateNormal::cholesky(mean, factor)?;
/// let log_prob: Tensor<1> = p.log_prob(Tensor::ones([5, 2], &device));
/// assert_eq!(log_prob.dims(), [5]);
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MultivariateNormal<const L: usize> {
    mean: Tensor<L>,
    covariance: Covariance,
}

impl<const L: usize> MultivariateNormal<L> {
    /// With independent elements of variances `variance`, `[.., d]`.
    ///
    /// # Errors
    /// A mean that is not finite, a variance that is not positive.
    ///
    /// # Panics
    /// If the shape does not fit the mean's.
    pub fn diagonal(mean: Tensor<L>, variance: Tensor<L>) -> Result<Self, ParameterError> {
        Domain::Real.check("MultivariateNormal", "mean", &mean)?;
        Domain::Positive.check("MultivariateNormal", "variance", &variance)?;
        let [batches, d] = flat(variance.dims());
        Ok(Self::with(mean, Covariance::Diagonal(variance.reshape([batches, d, 1]))))
    }

    /// With the lower triangular factor of the covariance, `[.., d, d]`. What lies above the diagonal is
    /// not read.
    ///
    /// # Errors
    /// A mean or a factor that is not finite, a diagonal that is not positive.
    ///
    /// # Panics
    /// If the shape does not fit the mean's.
    pub fn cholesky<const M: usize>(
        mean: Tensor<L>,
        factor: Tensor<M>,
    ) -> Result<Self, ParameterError>
    where
        Rank<M>: OneMoreThan<L>,
    {
        Domain::Real.check("MultivariateNormal", "mean", &mean)?;
        let dims = factor.dims();
        let batches = dims[..M - 2].iter().product::<usize>();
        let factor = factor.reshape([batches, dims[M - 2], dims[M - 1]]).tril(0);
        Domain::Positive.check(
            "MultivariateNormal",
            "diagonal of factor",
            &diagonal(factor.clone()),
        )?;
        Domain::Real.check("MultivariateNormal", "factor", &factor)?;
        Ok(Self::with(mean, Covariance::Cholesky(factor)))
    }

    /// With the covariance matrix, `[.., d, d]`, which is factorised on the host.
    ///
    /// # Errors
    /// A matrix that is not symmetric, or a pivot of its factorisation that is not positive: which one,
    /// counted over all matrices.
    ///
    /// # Panics
    /// If the shape does not fit the mean's.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::MultivariateNormal;
    ///
    /// let device = Device::flex();
    /// let mean = Tensor::<2>::zeros([5, 2], &device);
    /// let covariance = Tensor::<3>::from_floats([[[1.0, 2.0], [2.0, 1.0]]], &device);
    /// let error = MultivariateNormal::from_covariance(mean, covariance).unwrap_err();
    /// assert_eq!((error.parameter, error.index, error.got), ("pivot of covariance", 1, -3.0));
    /// ```
    pub fn from_covariance<const M: usize>(
        mean: Tensor<L>,
        covariance: Tensor<M>,
    ) -> Result<Self, ParameterError>
    where
        Rank<M>: OneMoreThan<L>,
    {
        let names = ["covariance", "pivot of covariance"];
        Self::cholesky(mean, checked_cholesky("MultivariateNormal", names, covariance)?)
    }

    /// With the covariance `factor factor^T + diag(diagonal)`, `[.., d, rank]` and `[.., d]`.
    ///
    /// # Errors
    /// A mean or a factor that is not finite, a diagonal that is not positive.
    ///
    /// # Panics
    /// If the shapes do not fit the mean's.
    pub fn low_rank<const M: usize>(
        mean: Tensor<L>,
        factor: Tensor<M>,
        diagonal: Tensor<L>,
    ) -> Result<Self, ParameterError>
    where
        Rank<M>: OneMoreThan<L>,
    {
        Domain::Real.check("MultivariateNormal", "mean", &mean)?;
        Domain::Positive.check("MultivariateNormal", "diagonal", &diagonal)?;
        let dims = factor.dims();
        let batches = dims[..M - 2].iter().product::<usize>();
        let factor: Tensor<3> = factor.reshape([batches, dims[M - 2], dims[M - 1]]);
        Domain::Real.check("MultivariateNormal", "factor", &factor)?;
        let [rows, d] = flat(diagonal.dims());
        assert_eq!(rows, batches, "MultivariateNormal: factor and diagonal differ in their batch");
        Ok(Self::with(mean, Covariance::LowRank(factor, diagonal.reshape([rows, d, 1]))))
    }

    fn with(mean: Tensor<L>, covariance: Covariance) -> Self {
        let [batches, d] = flat(mean.dims());
        let [n, width] = covariance.dims();
        assert!(
            width == d && (n == 1 || n == batches),
            "MultivariateNormal: a covariance of {n} batches of {width} does not fit a mean of \
             shape {:?}",
            mean.dims()
        );
        Self { mean, covariance }
    }

    /// The covariance matrices, `[.., d, d]`, with the batch axes that its parameters had, or one.
    pub fn covariance<const M: usize>(&self) -> Tensor<M>
    where
        Rank<M>: OneMoreThan<L>,
    {
        let root = self.covariance.root();
        let matrix = root.clone().matmul(root.swap_dims(1, 2));
        let [n, d, _] = matrix.dims();
        let batch = self.mean.dims();
        let dims: [usize; M] = std::array::from_fn(|i| match i {
            i if i + 2 >= M => d,
            _ if n == 1 => 1,
            i => batch[i],
        });
        matrix.reshape(dims)
    }

    /// One number a batch of the covariance, for each batch of the mean.
    fn each<const B: usize>(&self, x: Tensor<1>) -> Tensor<B> {
        let dims = self.mean.dims();
        let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
        let all: usize = batch.iter().product();
        let x = if x.dims()[0] == all { x } else { x.expand([all]) };
        x.reshape(batch)
    }
}

/// All axes but the last as one.
fn flat<const L: usize>(dims: [usize; L]) -> [usize; 2] {
    [dims[..L - 1].iter().product(), dims[L - 1]]
}

impl<const L: usize, const B: usize> Distribution<L, B> for MultivariateNormal<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<L>) -> Tensor<B> {
        let d = self.mean.dims()[L - 1];
        let dims = broadcast_dims("MultivariateNormal", self.mean.dims(), value.dims());
        let constant = self.covariance.log_det() + d as f64 * LN_2PI;
        if dims == value.dims() {
            let flat = |x: Tensor<L>| -> Tensor<2> {
                let [rows, d] = flat(x.dims());
                x.reshape([rows, d])
            };
            let (x, mean) = (flat(value.clone()), flat(self.mean.clone()));
            if let Some(distance) = self.covariance.shared_distance(&x, &mean) {
                let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
                return ((distance + constant) * -0.5).reshape(batch);
            }
        }
        let difference = value - self.mean.clone();
        let dims = difference.dims();
        let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
        let rows: usize = batch.iter().product();
        let difference = difference.reshape([rows, d]);
        let n = self.covariance.dims()[0];
        // One covariance takes all rows as columns of one matrix.
        let columns: Tensor<3> = if n == 1 {
            difference.swap_dims(0, 1).unsqueeze()
        } else {
            difference.unsqueeze_dim(2)
        };
        let distance = self.covariance.quadratic(columns).reshape([rows]);
        ((distance + constant) * -0.5).reshape(batch)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<L> {
        let x = self.rsample(noise);
        if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
    }
}

impl<const L: usize> Pathwise<L> for MultivariateNormal<L> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<L> {
        let dims = self.mean.dims();
        let [rows, d] = flat(dims);
        // Noise has the batch's shape, so that a window sees its rows.
        let mut draw = |width: usize| -> Tensor<2> {
            let mut shape = dims;
            shape[L - 1] = width;
            let epsilon: Tensor<L> = noise.normal(shape, &self.mean.device());
            in_type_of(&self.mean, epsilon).reshape([rows, width])
        };
        let product = |matrix: &Tensor<3>, e: Tensor<2>| -> Tensor<2> {
            let width = matrix.dims()[1];
            if matrix.dims()[0] == 1 {
                let matrix: Tensor<2> = matrix.clone().squeeze_dim(0);
                return pyrogen_ops::matmul(e, matrix.swap_dims(0, 1));
            }
            matrix.clone().matmul(e.unsqueeze_dim(2)).reshape([rows, width])
        };
        let scaled = |variance: &Tensor<3>, e: Tensor<2>| -> Tensor<2> {
            e * variance.clone().sqrt().squeeze_dim::<2>(2)
        };
        let shift = match &self.covariance {
            Covariance::Diagonal(variance) => scaled(variance, draw(d)),
            Covariance::Cholesky(factor) => product(factor, draw(d)),
            Covariance::LowRank(factor, variance) => {
                let shared = product(factor, draw(factor.dims()[2]));
                shared + scaled(variance, draw(d))
            }
        };
        let shift: Tensor<L> = shift.reshape(dims);
        self.mean.clone() + shift
    }
}

impl<const L: usize> Moments<L> for MultivariateNormal<L> {
    fn mean(&self) -> Tensor<L> {
        self.mean.clone()
    }

    /// The diagonal of the covariance.
    fn variance(&self) -> Tensor<L> {
        let dims = self.mean.dims();
        let [rows, d] = flat(dims);
        self.covariance.variance().expand([rows, d]).reshape(dims)
    }
}

impl<const L: usize> Mode<L> for MultivariateNormal<L> {
    fn mode(&self) -> Tensor<L> {
        self.mean.clone()
    }
}

impl<const L: usize> HasSupport<L> for MultivariateNormal<L> {
    fn support(&self) -> Support<L> {
        Support::Real
    }
}

impl<const L: usize, const B: usize> Entropy<B> for MultivariateNormal<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn entropy(&self) -> Tensor<B> {
        let d = self.mean.dims()[L - 1] as f64;
        self.each((self.covariance.log_det() + d * (1.0 + LN_2PI)) * 0.5)
    }
}

impl<const L: usize, const B: usize> KlDivergence<MultivariateNormal<L>, B>
    for MultivariateNormal<L>
where
    Rank<L>: OneMoreThan<B>,
{
    /// ```text
    /// (tr(C2^-1 C1) + (m2 - m1)^T C2^-1 (m2 - m1) - d + ln det C2 - ln det C1) / 2
    /// ```
    /// of covariances of any kind.
    ///
    /// # Panics
    /// If the means differ in shape.
    fn kl_divergence(&self, other: &MultivariateNormal<L>) -> Tensor<B> {
        assert_eq!(self.mean.dims(), other.mean.dims(), "KL of MultivariateNormal: shapes differ");
        let [rows, d] = flat(self.mean.dims());
        let root = self.covariance.root();
        let m = other.covariance.dims()[0];
        let [n, _, width] = root.dims();
        let root = if n < m { root.expand([m, d, width]) } else { root };
        let trace = if m == 1 {
            // Columns of all batches at once.
            let columns = root.swap_dims(0, 1).reshape([1, d, n * width]);
            let parts: Tensor<2> = other.covariance.quadratic(columns).reshape([n, width]);
            parts.sum_dim(1).reshape([n])
        } else {
            other.covariance.quadratic(root).sum_dim(2).reshape([m])
        };
        let difference = (other.mean.clone() - self.mean.clone()).reshape([rows, d]);
        let columns: Tensor<3> = if m == 1 {
            difference.swap_dims(0, 1).unsqueeze()
        } else {
            difference.unsqueeze_dim(2)
        };
        let distance = other.covariance.quadratic(columns).reshape([rows]);
        let logs = other.covariance.log_det() - self.covariance.log_det();
        let parts = self.each::<B>(trace + logs - d as f64);
        (parts + self.each::<B>(distance)) * 0.5
    }
}
