//! Probability distributions over tensors.
//!
//! A distribution holds tensors of parameters and knows nothing of networks. Three ranks matter:
//! the rank `X` of a value, the rank `B` of its log-density, and the axes between them, which are
//! one event. [`Normal<2>`] is a distribution of numbers: its density has the rank of its value.
//! [`Independent`] makes the axes after the first one event: one density an example.
//!
//! Everything is differentiable in the parameters and in the value, where the value is
//! continuous. Densities are in nats.

mod independent;
mod normal;

pub use independent::Independent;
pub use normal::Normal;

use burn::tensor::kind::Basic;
use burn::tensor::{Float, Tensor};

use crate::Noise;

/// A distribution of values of rank `X` and kind `K`, whose log-density has rank `B`.
pub trait Distribution<const X: usize, const B: usize, K: Basic = Float> {
    /// Log-density, or log-probability of a discrete value, in nats.
    fn log_prob(&self, value: Tensor<X, K>) -> Tensor<B>;

    /// One draw. No gradient flows through it; see [`Reparameterized`].
    fn sample(&self, noise: &mut Noise) -> Tensor<X, K>;
}

/// A distribution with a mean and a variance of the shape of its value.
pub trait Moments<const X: usize> {
    /// Expected value.
    fn mean(&self) -> Tensor<X>;

    /// Variance, element by element.
    fn variance(&self) -> Tensor<X>;
}

/// A distribution whose draws are a differentiable function of its parameters and of standard
/// noise (Kingma and Welling 2014, section 2.4; Rezende et al. 2014).
pub trait Reparameterized<const X: usize> {
    /// The draw that belongs to standard noise `epsilon`, which has the value's shape.
    fn reparameterize(&self, epsilon: Tensor<X>) -> Tensor<X>;
}

/// A distribution with a known entropy.
pub trait Entropy<const B: usize> {
    /// Entropy in nats; differential for continuous values.
    fn entropy(&self) -> Tensor<B>;
}

/// Kullback-Leibler divergence in closed form.
pub trait KlDivergence<Other, const B: usize> {
    /// `KL(self || other) = E_self[log self - log other]`, in nats.
    fn kl_divergence(&self, other: &Other) -> Tensor<B>;
}

/// Joins the axes after the first: `[batch, ..]` to `[batch, features]`.
pub(crate) fn flatten_event<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let batch = x.dims()[0];
    let features = x.dims()[1..].iter().product();
    x.reshape([batch, features])
}
