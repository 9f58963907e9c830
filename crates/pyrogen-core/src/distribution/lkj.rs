//! The LKJ distribution of correlation matrices.

use burn::tensor::Tensor;

use super::domain::Domain;
use super::matrix::diagonal;
use super::normal::in_type_of;
use super::wishart::one_a_matrix;
use super::{Beta, Distribution, HasSupport, Pathwise, Rank, Support, TwoMoreThan};
use crate::special::lgamma;
use crate::{Noise, ParameterError};

/// The LKJ distribution of the Cholesky factors of correlation matrices: the matrices' density is
/// proportional to their determinant to the power `concentration - 1`.
///
/// ```text
/// log p(L) = sum_(k = 2..d) (d - k + 2 concentration - 2) ln L_kk - ln Z
/// ```
///
/// With concentration 1 all correlation matrices are as probable; larger ones are near the identity.
///
/// # Shapes
/// Values are `[.., d, d]`, of rank `M`; the concentration has that rank, with two axes of length 1 at
/// its end; log-densities lack the last two axes.
///
/// # References
/// Lewandowski, Kurowicka and Joe (2009), "Generating Random Correlation Matrices Based on Vines and
/// Extended Onion Method", section 3.2 for draws.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Lkj};
/// use pyrogen_core::{Noise, Seed};
///
/// let device = Device::flex();
/// let p = Lkj::new(3, Tensor::<3>::full([8, 1, 1], 2.0, &device))?;
/// let factors = p.sample(&mut Noise::new(Seed(1)));
/// let lengths = factors.square().sum_dim(2);
/// assert!(lengths.all_close(Tensor::ones([8, 3, 1], &device), None, None));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lkj<const M: usize> {
    d: usize,
    concentration: Tensor<M>,
}

impl<const M: usize> Lkj<M> {
    /// Of `d x d` matrices, from a concentration above 0.
    ///
    /// # Errors
    /// A concentration outside its domain.
    ///
    /// # Panics
    /// If `d` is below 2, or the concentration does not end in two axes of length 1.
    pub fn new(d: usize, concentration: Tensor<M>) -> Result<Self, ParameterError> {
        Domain::Positive.check("Lkj", "concentration", &concentration)?;
        assert!(d >= 2, "Lkj: a correlation needs two variables, got {d}");
        let dims = concentration.dims();
        assert_eq!(dims[M - 2..], [1, 1], "Lkj: one concentration a matrix");
        Ok(Self { d, concentration })
    }

    /// `0, 1, .., n - 1` along the last axis but one.
    fn rows(&self, n: usize) -> Tensor<M> {
        let mut dims = [1; M];
        dims[M - 2] = n;
        let device = self.concentration.device();
        let rows = Tensor::<1, burn::tensor::Int>::arange(0..n as i64, &device).float();
        in_type_of(&self.concentration, rows).reshape(dims)
    }

    /// `ln Z`: the product of the rows' normalisers.
    fn log_normaliser(&self) -> Tensor<M> {
        let m = (self.d - 1) as f64;
        let alpha = self.concentration.clone() + 0.5 * m;
        let below = self.rows(self.d - 1) * -0.5 - 0.5;
        let gammas = lgamma(alpha.clone() + below).sum_dim(M - 2);
        let pi = std::f64::consts::PI.ln();
        gammas - lgamma(alpha) * m + (0.5 * m + 0.25 * m * (m - 1.0)) * pi
    }
}

impl<const M: usize, const B: usize> Distribution<M, B> for Lkj<M>
where
    Rank<M>: TwoMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<M>) -> Tensor<B> {
        let d = self.d;
        // d - k for k = 2, .., d, and the first row has no part.
        let powers = self.rows(d - 1) * -1.0 + (d as f64 - 4.0) + self.concentration.clone() * 2.0;
        let logs = diagonal(value).log().narrow(M - 2, 1, d - 1);
        one_a_matrix((powers * logs).sum_dim(M - 2) - self.log_normaliser())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<M> {
        let x = self.rsample(noise);
        if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
    }
}

impl<const M: usize> Pathwise<M> for Lkj<M> {
    /// The onion method: row `k` has a length below the diagonal whose square is a beta variable, and a
    /// uniform direction.
    fn rsample(&self, noise: &mut Noise) -> Tensor<M> {
        let d = self.d;
        let before = self.rows(d - 1);
        let beta = self.concentration.clone() + 0.5 * (d as f64 - 2.0) - before.clone() * 0.5;
        let dims = beta.dims();
        let alpha = (before + 1.0) * 0.5;
        let squares =
            Beta::new_unchecked(super::numerics::expand_to(alpha, dims), beta).rsample(noise);
        let mut square = dims;
        (square[M - 2], square[M - 1]) = (d - 1, d);
        let device = self.concentration.device();
        let normal = in_type_of(&self.concentration, noise.normal(square, &device));
        // Row k (from the second on) has k numbers before the diagonal.
        let normal = normal.tril(0);
        let length = normal.clone().square().sum_dim(M - 1).sqrt();
        let below = normal / length * squares.clone().sqrt();
        let mut wide = [1; M];
        (wide[M - 2], wide[M - 1]) = (d - 1, d);
        let on_diagonal = Tensor::<2>::eye(d, &device).cast(self.concentration.dtype());
        let on_diagonal: Tensor<M> = on_diagonal.narrow(0, 1, d - 1).reshape(wide);
        let rest = below + on_diagonal * (squares.neg() + 1.0).sqrt();
        let first = Tensor::<2>::eye(d, &device).cast(self.concentration.dtype()).narrow(0, 0, 1);
        let mut one = [1; M];
        one[M - 1] = d;
        let mut row = rest.dims();
        row[M - 2] = 1;
        let first: Tensor<M> = first.reshape(one);
        Tensor::cat(vec![super::numerics::expand_to(first, row), rest], M - 2)
    }
}

impl<const M: usize> HasSupport<M> for Lkj<M> {
    fn support(&self) -> Support<M> {
        Support::CorrelationCholesky
    }
}
