//! Bijections of tensors, with their log-determinants.
//!
//! | map | from, to | log-determinant |
//! |---|---|---|
//! | [`Identity`], [`Affine`], [`Exp`], [`Log`], [`Softplus`], [`Sigmoid`], [`Logit`], [`Tanh`], [`Power`], [`Between`] | numbers | of each number |
//! | [`RationalQuadratic`] | numbers, with a spline on an interval or on the circle | of each number |
//! | [`Permute`], [`StickBreaking`] | vectors along the last axis | of each vector |
//! | [`CholeskyFactor`] | vectors to lower triangular matrices | of each vector |
//! | [`Coupling`], [`Autoregressive`] | vectors, by maps of numbers whose parameters are functions of the others | of each vector |
//! | [`Reshape`] | events of one shape to another | of each event |
//! | [`Compose`], [`Chain`], [`Inverse`], [`Independent`](crate::distribution::Independent) | what their parts are of | the sum of their parts' |
//!
//! # Ranks
//! [`Bijection<X, Y, B>`](Bijection) maps values of rank `X` to rank `Y`; its log-determinants have rank
//! `B`. A map of numbers has `X = Y = B`; `Independent` around it makes the axes after the first `B` one
//! event.
//!
//! # From all real numbers to a support
//! [`to_support`] makes the map for a distribution's [`Support`](crate::distribution::Support).
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use pyrogen_core::bijection::{Bijection, to_support};
//! use pyrogen_core::distribution::{Gamma, HasSupport};
//!
//! let device = Device::flex();
//! let one = || Tensor::<2>::ones([1, 3], &device);
//! let map = to_support::<2, 1>(&Gamma::new(one(), one())?.support()).expect("a map");
//! let (y, log_det) = map.forward(Tensor::zeros([4, 3], &device));
//! assert_eq!(y.into_data().iter::<f32>().collect::<Vec<_>>(), [1.0; 12]);
//! assert_eq!(log_det.dims(), [4]);
//! # Ok::<(), pyrogen_core::ParameterError>(())
//! ```

mod compose;
mod elementwise;
mod network;
mod spline;
mod to_support;
mod vectors;

pub use compose::{Chain, Compose, Inverse};
pub use elementwise::{Affine, Between, Exp, Identity, Log, Logit, Power, Sigmoid, Softplus, Tanh};
pub use network::{Autoregressive, Coupling};
pub use spline::{RationalQuadratic, SplineEnds};
pub use to_support::{NoMap, to_support};
pub use vectors::{CholeskyFactor, Permute, Reshape, StickBreaking};

use burn::tensor::Tensor;

/// A differentiable bijection of values of rank `X` to values of rank `Y`, whose log-determinants have
/// rank `B`.
pub trait Bijection<const X: usize, const Y: usize, const B: usize> {
    /// The result and `ln |det dy/dx|`.
    fn forward(&self, x: Tensor<X>) -> (Tensor<Y>, Tensor<B>);

    /// The argument and `ln |det dx/dy|`.
    fn inverse(&self, y: Tensor<Y>) -> (Tensor<X>, Tensor<B>);
}

impl<T, const X: usize, const Y: usize, const B: usize> Bijection<X, Y, B> for Box<T>
where
    T: Bijection<X, Y, B> + ?Sized,
{
    fn forward(&self, x: Tensor<X>) -> (Tensor<Y>, Tensor<B>) {
        (**self).forward(x)
    }

    fn inverse(&self, y: Tensor<Y>) -> (Tensor<X>, Tensor<B>) {
        (**self).inverse(y)
    }
}
