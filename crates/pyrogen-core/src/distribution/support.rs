//! What values a distribution has.

use burn::tensor::{Bool, Tensor};

use super::numerics::{broadcast_dims, expand_to};

/// The set of values of a distribution, of rank `X`.
///
/// [`to_support`](crate::bijection::to_support) makes the map from all real numbers to a support.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Gamma, HasSupport, Support};
///
/// let device = Device::flex();
/// let one = || Tensor::<1>::ones([1], &device);
/// let gamma = Gamma::new(one(), one())?;
/// assert!(matches!(gamma.support(), Support::Positive));
/// let inside = gamma.support().contains(Tensor::from_floats([-1.0, 0.5], &device));
/// assert_eq!(inside.into_data().iter::<bool>().collect::<Vec<_>>(), [false, true]);
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one a distribution, of handles of tensors")]
pub enum Support<const X: usize> {
    /// All real numbers.
    Real,
    /// Above 0.
    Positive,
    /// At least 0.
    NonNegative,
    /// From 0 to 1.
    UnitInterval,
    /// Between two bounds, which belong to it.
    Interval {
        /// The lower bound.
        low: Tensor<X>,
        /// The upper bound.
        high: Tensor<X>,
    },
    /// At least a bound.
    AtLeast {
        /// The bound.
        low: Tensor<X>,
    },
    /// Angles from -pi to pi.
    Circle,
    /// 0 or 1.
    Binary,
    /// 0, 1, 2, ..
    NonNegativeInteger,
    /// 0, 1, .., up to a number.
    IntegerUpTo {
        /// The largest.
        high: Tensor<X>,
    },
    /// Equally spaced levels from 0 to 1.
    Levels {
        /// How many.
        levels: usize,
    },
    /// Positive numbers of the last axis that sum to 1.
    Simplex,
    /// A one among zeros, along the last axis.
    OneHot,
    /// Integers of at least 0 along the last axis that sum to a number.
    Counts {
        /// The sum.
        total: usize,
    },
    /// Symmetric positive-definite matrices in the last two axes.
    PositiveDefinite,
    /// Cholesky factors of correlation matrices in the last two axes: lower triangular, with rows of
    /// length 1 and a positive diagonal.
    CorrelationCholesky,
}

impl<const X: usize> Support<X> {
    /// Which values are in the support, element by element; the elements of a vector or a matrix
    /// have one answer.
    ///
    /// # Numerics
    /// Sums and rows are compared with 1 within 1e-4, symmetry within 1e-4 of the largest element.
    pub fn contains(&self, value: Tensor<X>) -> Tensor<X, Bool> {
        let x = value;
        match self {
            Self::Real => x.is_finite(),
            Self::Positive => x.greater_elem(0.0),
            Self::NonNegative => x.greater_equal_elem(0.0),
            Self::UnitInterval => between(x, 0.0, 1.0),
            Self::Interval { low, high } => {
                let [x, low, high] = common([x, low.clone(), high.clone()]);
                x.clone().greater_equal(low).bool_and(x.lower_equal(high))
            }
            Self::AtLeast { low } => {
                let [x, low] = common([x, low.clone()]);
                x.greater_equal(low)
            }
            Self::Circle => between(x, -std::f64::consts::PI, std::f64::consts::PI),
            Self::Binary => x.clone().equal_elem(0.0).bool_or(x.equal_elem(1.0)),
            Self::NonNegativeInteger => integer(x.clone()).bool_and(x.greater_equal_elem(0.0)),
            Self::IntegerUpTo { high } => {
                let [x, high] = common([x, high.clone()]);
                integer(x.clone())
                    .bool_and(x.clone().greater_equal_elem(0.0))
                    .bool_and(x.lower_equal(high))
            }
            Self::Levels { levels } => {
                let steps = x.clone() * (*levels - 1) as f64;
                let on = (steps.clone().round() - steps).abs().lower_elem(1e-3);
                between(x, 0.0, 1.0).bool_and(on)
            }
            Self::Simplex => {
                let positive = every(x.clone().greater_equal_elem(0.0), 1);
                sums_to(x, 1.0).bool_and(positive)
            }
            Self::OneHot => {
                let binary = x.clone().equal_elem(0.0).bool_or(x.clone().equal_elem(1.0));
                sums_to(x, 1.0).bool_and(every(binary, 1))
            }
            Self::Counts { total } => {
                let counts = integer(x.clone()).bool_and(x.clone().greater_equal_elem(0.0));
                sums_to(x, *total as f64).bool_and(every(counts, 1))
            }
            Self::PositiveDefinite => positive_definite(x),
            Self::CorrelationCholesky => correlation_cholesky(x),
        }
    }
}

fn between<const X: usize>(x: Tensor<X>, low: f64, high: f64) -> Tensor<X, Bool> {
    x.clone().greater_equal_elem(low).bool_and(x.lower_equal_elem(high))
}

fn integer<const X: usize>(x: Tensor<X>) -> Tensor<X, Bool> {
    x.clone().floor().equal(x)
}

fn common<const X: usize, const N: usize>(all: [Tensor<X>; N]) -> [Tensor<X>; N] {
    let dims = all.iter().fold([1; X], |d, x| broadcast_dims("Support::contains", d, x.dims()));
    all.map(|x| expand_to(x, dims))
}

/// Whether all elements of the last `axes` axes hold, for each of them.
fn every<const X: usize>(mask: Tensor<X, Bool>, axes: usize) -> Tensor<X, Bool> {
    let dims = mask.dims();
    let all = (X - axes..X).fold(mask, |m, axis| m.all_dim(axis));
    all.expand(dims)
}

fn sums_to<const X: usize>(x: Tensor<X>, total: f64) -> Tensor<X, Bool> {
    let dims = x.dims();
    let near = (x.sum_dim(X - 1) - total).abs().lower_elem(1e-4 * total.max(1.0));
    near.expand(dims)
}

/// Symmetric, with a Cholesky factor.
fn positive_definite<const X: usize>(x: Tensor<X>) -> Tensor<X, Bool> {
    let size = x.clone().abs().max_dim(X - 1).max_dim(X - 2);
    let difference = (x.clone() - x.clone().swap_dims(X - 1, X - 2)).abs();
    let symmetric = difference.lower_equal((size * 1e-4).expand(x.dims()));
    let factor = super::matrix::cholesky(x);
    every(symmetric.bool_and(factor.is_finite()), 2)
}

fn correlation_cholesky<const X: usize>(x: Tensor<X>) -> Tensor<X, Bool> {
    let dims = x.dims();
    let lower = x.clone().tril(0).equal(x.clone());
    let unit = (x.clone().square().sum_dim(X - 1) - 1.0).abs().lower_elem(1e-4).expand(dims);
    let positive = super::matrix::diagonal(x).greater_elem(0.0).expand(dims);
    every(lower.bool_and(unit).bool_and(positive), 2)
}
