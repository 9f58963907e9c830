//! Wishart's distribution.

use burn::tensor::Tensor;

use super::domain::Domain;
use super::matrix::{checked_cholesky, cholesky, diagonal, lower_inverse};
use super::normal::in_type_of;
use super::{
    ChiSquared, Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, Pathwise, Rank,
    Support, TwoMoreThan,
};
use crate::special::{digamma, lgamma};
use crate::{Noise, ParameterError};

/// Wishart's distribution of symmetric positive-definite matrices: that of `sum_i z_i z_i^T` for `df`
/// normal vectors `z_i` of covariance `V = factor factor^T`.
///
/// ```text
/// log p(X) = (df - d - 1) / 2 ln det X - tr(V^-1 X) / 2 - df / 2 ln det V
///            - df d / 2 ln 2 - ln Gamma_d(df / 2)
/// ```
///
/// # Shapes
/// Values are `[.., d, d]`, of rank `M`. `df` has that rank, with two axes of length 1 at its end, and
/// `factor` is `[.., d, d]`. Log-densities lack the last two axes.
///
/// # Numerics
/// Factors and inverses are computed on the host in double precision, products in the tensor's own type.
/// Draws are Bartlett's, with pathwise gradients by `factor` and `df`.
///
/// # References
/// Bartlett (1933), "On the Theory of Statistical Regression"; Bishop (2006), "Pattern Recognition and
/// Machine Learning", appendix B.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Moments, Wishart};
///
/// let device = Device::flex();
/// let df = Tensor::<3>::full([1, 1, 1], 5.0, &device);
/// let factor = Tensor::<3>::from_floats([[[1.0, 0.0], [0.5, 2.0]]], &device);
/// let mean = Wishart::new(df, factor)?.mean();
/// let expected = Tensor::from_floats([[[5.0, 2.5], [2.5, 21.25]]], &device);
/// assert!(mean.all_close(expected, None, None));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Wishart<const M: usize> {
    df: Tensor<M>,
    factor: Tensor<M>,
}

impl<const M: usize> Wishart<M> {
    /// From degrees of freedom above `d - 1` and the lower triangular factor of `V`, whose diagonal is
    /// positive.
    ///
    /// # Errors
    /// A parameter outside its domain.
    ///
    /// # Panics
    /// If `df` does not end in two axes of length 1.
    pub fn new(df: Tensor<M>, factor: Tensor<M>) -> Result<Self, ParameterError> {
        let d = factor.dims()[M - 1] as f64;
        Domain::Positive.check("Wishart", "df - d + 1", &(df.clone() - (d - 1.0)))?;
        Domain::Positive.check("Wishart", "diagonal of factor", &diagonal(factor.clone()))?;
        Domain::Real.check("Wishart", "factor", &factor)?;
        Ok(Self::new_unchecked(df, factor))
    }

    /// From degrees of freedom and `V` itself, which is factorised on the host.
    ///
    /// # Errors
    /// As [`new`](Self::new); a matrix that is not symmetric, or a pivot of its factorisation that is not
    /// positive.
    ///
    /// # Panics
    /// If `df` does not end in two axes of length 1.
    pub fn from_scale(df: Tensor<M>, scale: Tensor<M>) -> Result<Self, ParameterError> {
        Self::new(df, checked_cholesky("Wishart", ["scale", "pivot of scale"], scale)?)
    }

    /// As [`new`](Self::new), without reading from the device.
    ///
    /// # Panics
    /// If `df` does not end in two axes of length 1.
    pub fn new_unchecked(df: Tensor<M>, factor: Tensor<M>) -> Self {
        let dims = df.dims();
        assert_eq!(dims[M - 2..], [1, 1], "Wishart: one number of degrees of freedom a matrix");
        Self { df, factor: factor.tril(0) }
    }

    fn d(&self) -> usize {
        self.factor.dims()[M - 1]
    }

    fn scale(&self) -> Tensor<M> {
        self.factor.clone().matmul(self.factor.clone().swap_dims(M - 2, M - 1))
    }

    /// `f(df / 2 - i / 2)` summed over the `d` rows.
    fn over_rows(&self, f: impl Fn(Tensor<M>) -> Tensor<M>) -> Tensor<M> {
        let half = self.df.clone() * 0.5;
        let row = |i: usize| f(half.clone() - 0.5 * i as f64);
        (1..self.d()).map(row).fold(row(0), |sum, x| sum + x)
    }

    /// `ln Gamma_d(df / 2)`.
    fn log_gamma(&self) -> Tensor<M> {
        let d = self.d() as f64;
        self.over_rows(lgamma) + 0.25 * d * (d - 1.0) * std::f64::consts::PI.ln()
    }

    fn log_det_scale(&self) -> Tensor<M> {
        diagonal(self.factor.clone()).log().sum_dim(M - 2) * 2.0
    }
}

/// Drops the last two axes, which have length 1.
pub(super) fn one_a_matrix<const M: usize, const B: usize>(x: Tensor<M>) -> Tensor<B> {
    let dims = x.dims();
    x.reshape::<B, _>(std::array::from_fn::<usize, B, _>(|i| dims[i]))
}

impl<const M: usize, const B: usize> Distribution<M, B> for Wishart<M>
where
    Rank<M>: TwoMoreThan<B>,
{
    /// NaN for a matrix that is not positive definite.
    fn log_prob(&self, value: Tensor<M>) -> Tensor<B> {
        let d = self.d() as f64;
        let root = cholesky(value);
        let log_det = diagonal(root.clone()).log().sum_dim(M - 2) * 2.0;
        let trace = lower_inverse(self.factor.clone()).matmul(root).square();
        let trace = trace.sum_dim(M - 1).sum_dim(M - 2);
        let power = (self.df.clone() - (d + 1.0)) * log_det;
        let normaliser = self.df.clone() * (self.log_det_scale() + d * 2f64.ln());
        one_a_matrix((power - trace - normaliser) * 0.5 - self.log_gamma())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<M> {
        let x = self.rsample(noise);
        if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
    }
}

impl<const M: usize> Pathwise<M> for Wishart<M> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<M> {
        let d = self.d();
        let mut dims = super::numerics::broadcast_dims("Wishart", self.df.dims(), {
            let mut dims = self.factor.dims();
            (dims[M - 2], dims[M - 1]) = (1, 1);
            dims
        });
        dims[M - 2] = d;
        // The diagonal: the roots of chi-squared variables of df, df - 1, ..
        let mut last = [1; M];
        last[M - 2] = d;
        let rows = Tensor::<1, burn::tensor::Int>::arange(0..d as i64, &self.df.device());
        let rows: Tensor<M> = in_type_of(&self.df, rows.float()).reshape(last);
        let mut one_row = dims;
        one_row[M - 2] = 1;
        let df = super::numerics::expand_to(self.df.clone(), one_row);
        let roots = ChiSquared::new_unchecked(df - rows).rsample(noise).sqrt();
        dims[M - 1] = d;
        let epsilon = in_type_of(&self.df, noise.normal(dims, &self.df.device()));
        let mut square = [1; M];
        (square[M - 2], square[M - 1]) = (d, d);
        let one = Tensor::<2>::eye(d, &self.df.device()).cast(self.df.dtype());
        let one: Tensor<M> = one.reshape(square);
        let root = self.factor.clone().matmul(epsilon.tril(-1) + one * roots);
        root.clone().matmul(root.swap_dims(M - 2, M - 1))
    }
}

impl<const M: usize> Moments<M> for Wishart<M> {
    fn mean(&self) -> Tensor<M> {
        self.scale() * self.df.clone()
    }

    /// `df (V_ij^2 + V_ii V_jj)`
    fn variance(&self) -> Tensor<M> {
        let scale = self.scale();
        let diagonal = diagonal(scale.clone());
        let products = diagonal.clone().matmul(diagonal.swap_dims(M - 2, M - 1));
        (scale.square() + products) * self.df.clone()
    }
}

impl<const M: usize> Mode<M> for Wishart<M> {
    /// `(df - d - 1) V`, NaN for fewer degrees of freedom.
    fn mode(&self) -> Tensor<M> {
        let factor = self.df.clone() - (self.d() + 1) as f64;
        let none = factor.clone().lower_elem(0.0);
        self.scale() * factor.mask_fill(none, f64::NAN)
    }
}

impl<const M: usize> HasSupport<M> for Wishart<M> {
    fn support(&self) -> Support<M> {
        Support::PositiveDefinite
    }
}

impl<const M: usize, const B: usize> Entropy<B> for Wishart<M>
where
    Rank<M>: TwoMoreThan<B>,
{
    fn entropy(&self) -> Tensor<B> {
        let d = self.d() as f64;
        let slopes = self.over_rows(digamma);
        let power = (self.df.clone() - (d + 1.0)) * slopes;
        let logs = self.log_det_scale() + d * 2f64.ln();
        one_a_matrix(
            logs * (0.5 * (d + 1.0)) + self.log_gamma() - power * 0.5 + self.df.clone() * (0.5 * d),
        )
    }
}

impl<const M: usize, const B: usize> KlDivergence<Wishart<M>, B> for Wishart<M>
where
    Rank<M>: TwoMoreThan<B>,
{
    /// ```text
    /// (n2 (ln det V2 - ln det V1) + n1 (tr(V2^-1 V1) - d)) / 2
    ///   + ln Gamma_d(n2 / 2) - ln Gamma_d(n1 / 2) + (n1 - n2) / 2 digamma_d(n1 / 2)
    /// ```
    fn kl_divergence(&self, other: &Wishart<M>) -> Tensor<B> {
        let d = self.d() as f64;
        let root = lower_inverse(other.factor.clone()).matmul(self.factor.clone());
        let trace = root.square().sum_dim(M - 1).sum_dim(M - 2);
        let logs = (other.log_det_scale() - self.log_det_scale()) * other.df.clone();
        let slopes = self.over_rows(digamma) * (self.df.clone() - other.df.clone());
        let scales = (logs + (trace - d) * self.df.clone() + slopes) * 0.5;
        one_a_matrix(scales + other.log_gamma() - self.log_gamma())
    }
}
