//! Probability distributions over tensors.
//!
//! A distribution holds tensors of parameters and knows nothing of networks. Densities are in
//! nats.
//!
//! | distribution | of | parameters | entropy | KL | moments |
//! |---|---|---|---|---|---|
//! | [`Normal`] | real numbers | mean, log-variance | yes | yes | yes |
//! | [`Bernoulli`] | 0 or 1 | logits | yes | yes | yes |
//! | [`Categorical`] | categories | logits, categories on the last axis | yes | yes | |
//! | [`DiscretisedLogistic`] | equally spaced levels in [0, 1] | mean, log-scale | | | yes |
//! | [`ColourMixture`] | pixels of three channels | weights, and means, log-scales and couplings | | | to first order |
//! | [`Independent`] | events of several elements | a distribution of elements | yes | yes | yes |
//! | [`Mixture`] | what its components are of | weights, components | | | yes |
//!
//! # Ranks
//! Three ranks matter: the rank `X` of a value, the rank `B` of its log-density, and the axes
//! between them, which are one event. [`Normal<2>`](Normal) is a distribution of numbers: its
//! density has the rank of its value. [`Independent`] makes the axes after the first one event:
//! one density an example. Parameters that hold an axis more than the density (the categories of
//! [`Categorical`], the components of [`Mixture`]) hold it last among the axes of the batch;
//! [`Rank`] says so to the compiler.
//!
//! Parameters and values broadcast. Shapes that do not fit panic.
//!
//! # Gradients
//! Everything is differentiable in the parameters, and in the value where it is continuous.
//! [`Distribution::sample`] cuts the graph; [`Reparameterized`] does not.
//!
//! # Randomness
//! A draw takes its numbers from the [`Noise`] it is given. Draws have the batch as their first
//! axis, so that through a window ([`Noise::rows`]) the rows of a part of the batch are the rows of
//! the whole.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use pyrogen_core::distribution::{Bernoulli, Distribution, Independent, KlDivergence, Normal};
//! use pyrogen_core::distribution::Reparameterized;
//! use pyrogen_core::{Noise, Seed};
//!
//! let device = Device::flex();
//! let mut noise = Noise::new(Seed(3));
//!
//! // The two terms of a VAE's bound, for two examples of four pixels and three latents.
//! let posterior = Independent::new(Normal::standard([2, 3], &device));
//! let prior = Independent::new(Normal::standard([2, 3], &device));
//! let z = posterior.reparameterize(noise.normal([2, 3], &device));
//!
//! let logits = z.matmul(Tensor::ones([3, 4], &device)); // stands for a decoder
//! let decoder = Independent::new(Bernoulli::new(logits));
//! let bound = decoder.log_prob(Tensor::ones([2, 4], &device)) - posterior.kl_divergence(&prior);
//! assert_eq!(bound.dims(), [2]);
//! ```

mod bernoulli;
mod categorical;
mod colour_mixture;
mod discretised_logistic;
mod independent;
mod mixture;
mod normal;
mod numerics;
mod rank;

pub use bernoulli::Bernoulli;
pub use categorical::Categorical;
pub use colour_mixture::ColourMixture;
pub use discretised_logistic::DiscretisedLogistic;
pub use independent::Independent;
pub use mixture::Mixture;
pub use normal::Normal;
pub use rank::{OneMoreThan, Rank};

use burn::tensor::kind::Basic;
use burn::tensor::{Float, Tensor};

use crate::Noise;

/// A distribution of values of rank `X` and kind `K`, whose log-density has rank `B`.
pub trait Distribution<const X: usize, const B: usize, K: Basic = Float> {
    /// Log-density, or log-probability of a discrete value, in nats.
    fn log_prob(&self, value: Tensor<X, K>) -> Tensor<B>;

    /// One draw of the parameters' shape. No gradient flows through it; see [`Reparameterized`].
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
