//! The map from all real numbers to a support.

use burn::tensor::Tensor;

use super::{Affine, Between, Bijection, Compose, Exp, Identity, Sigmoid, StickBreaking};
use crate::distribution::independent::sum_event;
use crate::distribution::{Independent, Support};

/// A support that no map from real numbers of the same rank reaches.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoMap {
    /// Its values are discrete.
    #[error("no bijection leads from real numbers to the discrete support {support}")]
    Discrete {
        /// The support.
        support: String,
    },
    /// Its values are matrices: see [`CholeskyFactor`](super::CholeskyFactor).
    #[error("{support} is reached from vectors, of one rank less: use CholeskyFactor")]
    Matrices {
        /// The support.
        support: String,
    },
    /// Its values are vectors, and a log-determinant of each number was asked for.
    #[error(
        "{support} has log-determinants of each vector: the rank {batch} leaves no axis for it"
    )]
    Vectors {
        /// The support.
        support: String,
        /// The log-determinants' rank.
        batch: usize,
    },
}

/// A map of boxes that can be sent to threads.
pub type Map<const X: usize, const B: usize> = Box<dyn Bijection<X, X, B> + Send + Sync>;

/// The bijection from real numbers to a support: what makes any parameter or latent variable free to be
/// optimised.
///
/// | support | map |
/// |---|---|
/// | real | identity |
/// | positive, non-negative | `exp(x)` |
/// | at least a bound | `low + exp(x)` |
/// | unit interval | `sigmoid(x)` |
/// | interval, circle | `low + (high - low) sigmoid(x)` |
/// | simplex | [`StickBreaking`], from one number less |
///
/// Log-determinants have rank `B`: those of the numbers or vectors are summed over the axes after.
///
/// # Errors
/// A support of discrete values or of matrices.
pub fn to_support<const X: usize, const B: usize>(
    support: &Support<X>,
) -> Result<Map<X, B>, NoMap> {
    let name = || {
        let text = format!("{support:?}");
        text.split([' ', '{']).next().unwrap_or_default().to_string()
    };
    Ok(match support {
        Support::Real => each(Identity),
        Support::Positive | Support::NonNegative => each(Exp),
        Support::UnitInterval => each(Sigmoid),
        Support::Interval { low, high } => each(Between { low: low.clone(), high: high.clone() }),
        Support::AtLeast { low } => {
            let shift = Affine { shift: low.clone(), scale: low.ones_like() };
            each(Compose::<_, _, X>::new(Exp, shift))
        }
        Support::Circle => each(Turn),
        Support::Simplex if B < X => {
            let map: Map<X, B> = Box::new(Simplex);
            map
        }
        Support::Simplex => return Err(NoMap::Vectors { support: name(), batch: B }),
        Support::PositiveDefinite | Support::CorrelationCholesky => {
            return Err(NoMap::Matrices { support: name() });
        }
        _ => return Err(NoMap::Discrete { support: name() }),
    })
}

fn each<F, const X: usize, const B: usize>(map: F) -> Map<X, B>
where
    F: Bijection<X, X, X> + Send + Sync + 'static,
{
    Box::new(Independent::<F, B>::with_batch_rank(map))
}

/// To the circle.
struct Turn;

impl Turn {
    fn map<const D: usize>(like: &Tensor<D>) -> Between<D> {
        let bound = |x: f64| Tensor::full([1; D], x, (&like.device(), like.dtype()));
        Between { low: bound(-std::f64::consts::PI), high: bound(std::f64::consts::PI) }
    }
}

impl<const D: usize> Bijection<D, D, D> for Turn {
    fn forward(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        Self::map(&x).forward(x)
    }

    fn inverse(&self, y: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        Self::map(&y).inverse(y)
    }
}

/// Stick-breaking along the last axis, with sums over the axes after the first `B`.
struct Simplex;

impl<const X: usize, const B: usize> Bijection<X, X, B> for Simplex {
    fn forward(&self, x: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let (dims, flat) = flatten(x);
        let (y, log_det): (_, Tensor<1>) = StickBreaking.forward(flat);
        (restore(y, dims), by_batch(log_det, dims))
    }

    fn inverse(&self, y: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let (dims, flat) = flatten(y);
        let (x, log_det): (_, Tensor<1>) = StickBreaking.inverse(flat);
        (restore(x, dims), by_batch(log_det, dims))
    }
}

fn flatten<const X: usize>(x: Tensor<X>) -> ([usize; X], Tensor<2>) {
    let dims = x.dims();
    (dims, x.reshape([dims[..X - 1].iter().product(), dims[X - 1]]))
}

fn restore<const X: usize>(x: Tensor<2>, mut dims: [usize; X]) -> Tensor<X> {
    dims[X - 1] = x.dims()[1];
    x.reshape(dims)
}

fn by_batch<const X: usize, const B: usize>(x: Tensor<1>, mut dims: [usize; X]) -> Tensor<B> {
    dims[X - 1] = 1;
    sum_event::<X, B>(x.reshape(dims))
}
