//! Probability distributions over tensors.
//!
//! A distribution holds tensors of parameters and knows nothing of networks. Densities are in
//! nats.
//!
//! | distribution | of | cdf, quantiles | pathwise draws |
//! |---|---|---|---|
//! | [`Normal`], [`Laplace`], [`Logistic`], [`Gumbel`], [`StudentT`], [`Cauchy`] | real numbers | yes | yes |
//! | [`LogNormal`], [`Exponential`], [`Gamma`], [`InverseGamma`], [`ChiSquared`], [`Weibull`], [`HalfNormal`], [`HalfCauchy`] | positive numbers | yes | yes |
//! | [`Pareto`] | numbers above a bound | yes | yes |
//! | [`Uniform`], [`TruncatedNormal`], [`Truncated`] | numbers between bounds | yes | but `Truncated` |
//! | [`Beta`], [`Kumaraswamy`], [`RelaxedBernoulli`] | numbers in [0, 1] | yes | yes |
//! | [`VonMises`] | angles | yes | yes |
//! | [`Poisson`], [`ZeroInflatedPoisson`], [`Binomial`], [`Geometric`], [`NegativeBinomial`] | counts | yes | |
//! | [`Bernoulli`] | 0 or 1 | yes | |
//! | [`Categorical`], [`OneHotCategorical`], [`Multinomial`] | categories and their counts | | |
//! | [`DiscretisedLogistic`] | levels in [0, 1] | yes | |
//! | [`ColourMixture`] | pixels | | |
//! | [`MultivariateNormal`] | real vectors | | yes |
//! | [`Dirichlet`], [`RelaxedOneHot`] | vectors that sum to 1 | | yes |
//! | [`Wishart`], [`Lkj`] | matrices | | yes |
//! | [`Independent`], [`Mixture`], [`Transformed`] | what their parts are of | cdf of mixtures of numbers | as their parts |
//!
//! Parameters with a domain are checked by `new`, which gives a
//! [`ParameterError`](crate::ParameterError) with the name and the value; the check reads one number a
//! parameter from the device. `new_unchecked` is for parameters that are in their domain by construction
//! (a softplus), and waits for nothing; what lies outside gives NaN there, as a scale of 0 does.
//!
//! # Precision
//! The distributions of numbers whose parameters have a domain, and the functions of
//! [`special`](crate::special), are computed on the CPU in double precision in one pass, whatever the
//! tensors hold: results in f32 are the exact ones, rounded. On other devices the same formulas are tensor
//! operations in the tensors' own type, but for special functions, which the host computes.
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
//! [`Distribution::sample`] cuts the graph; [`Pathwise`] and [`Reparameterized`] do not.
//!
//! # Randomness
//! A draw takes its numbers from the [`Noise`] it is given. Draws have the batch as their first
//! axis, so that through a window ([`Noise::rows`]) the rows of a part of the batch are the rows of
//! the whole. A number of a distribution takes one word of the noise: rejection samplers start a generator
//! of their own from it, so that a draw is a function of its word and its parameters.
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
mod beta;
mod binomial;
mod categorical;
mod cauchy;
mod chi_squared;
mod colour_mixture;
mod dirichlet;
mod discretised_logistic;
mod domain;
pub(crate) mod draws;
mod exponential;
pub(crate) mod family;
mod formulas;
mod gamma;
mod geometric;
mod gumbel;
mod half_cauchy;
mod half_normal;
pub(crate) mod independent;
mod inverse_gamma;
mod kl;
mod kumaraswamy;
mod laplace;
mod lkj;
mod log_normal;
mod logistic;
pub(crate) mod matrix;
mod mixture;
mod multinomial;
mod multivariate_normal;
mod negative_binomial;
mod normal;
pub(crate) mod numerics;
mod one_hot_categorical;
mod pareto;
mod poisson;
mod rank;
mod relaxed_bernoulli;
mod relaxed_one_hot;
mod rows;
mod student_t;
mod support;
mod transformed;
mod truncated;
mod truncated_normal;
mod uniform;
mod von_mises;
mod weibull;
mod wishart;
mod zero_inflated_poisson;

pub use bernoulli::Bernoulli;
pub use beta::Beta;
pub use binomial::Binomial;
pub use categorical::Categorical;
pub use cauchy::Cauchy;
pub use chi_squared::ChiSquared;
pub use colour_mixture::ColourMixture;
pub use dirichlet::Dirichlet;
pub use discretised_logistic::DiscretisedLogistic;
pub use exponential::Exponential;
pub use gamma::Gamma;
pub use geometric::Geometric;
pub use gumbel::Gumbel;
pub use half_cauchy::HalfCauchy;
pub use half_normal::HalfNormal;
pub use independent::Independent;
pub use inverse_gamma::InverseGamma;
pub use kl::{Estimate, kl_estimate};
pub use kumaraswamy::Kumaraswamy;
pub use laplace::Laplace;
pub use lkj::Lkj;
pub use log_normal::LogNormal;
pub use logistic::Logistic;
pub use mixture::Mixture;
pub use multinomial::Multinomial;
pub use multivariate_normal::MultivariateNormal;
pub use negative_binomial::NegativeBinomial;
pub use normal::Normal;
pub use one_hot_categorical::OneHotCategorical;
pub use pareto::Pareto;
pub use poisson::Poisson;
pub use rank::{OneMoreThan, Rank, TwoMoreThan};
pub use relaxed_bernoulli::RelaxedBernoulli;
pub use relaxed_one_hot::RelaxedOneHot;
pub use student_t::StudentT;
pub use support::Support;
pub use transformed::Transformed;
pub use truncated::Truncated;
pub use truncated_normal::TruncatedNormal;
pub use uniform::Uniform;
pub use von_mises::VonMises;
pub use weibull::Weibull;
pub use wishart::Wishart;
pub use zero_inflated_poisson::ZeroInflatedPoisson;

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

/// A distribution whose draws carry the pathwise gradient by its parameters.
pub trait Pathwise<const X: usize> {
    /// The draw that [`Distribution::sample`] makes of the same noise, with its gradient.
    ///
    /// Where the draw is no explicit function of its noise (rejection samplers), the gradient is the
    /// implicit one, which moves the draw along its distribution function (Figurnov et al. 2018).
    fn rsample(&self, noise: &mut Noise) -> Tensor<X>;
}

/// A distribution of numbers with a distribution function.
pub trait Cdf<const X: usize> {
    /// `P(X <= value)`, with relative accuracy in the lower tail.
    fn cdf(&self, value: Tensor<X>) -> Tensor<X>;

    /// `P(X > value)`, with relative accuracy in the upper tail.
    fn survival(&self, value: Tensor<X>) -> Tensor<X>;
}

/// A distribution of numbers with a quantile function.
///
/// A probability of 0 or 1 gives the ends of the support (infinite where it has none), one outside [0, 1]
/// gives NaN.
pub trait Quantile<const X: usize> {
    /// The inverse of [`Cdf::cdf`]; for discrete values the smallest with `cdf(x) >= probability`.
    fn icdf(&self, probability: Tensor<X>) -> Tensor<X>;

    /// The inverse of [`Cdf::survival`], which reaches far into the upper tail.
    fn isf(&self, probability: Tensor<X>) -> Tensor<X>;
}

/// A distribution with a most probable value.
pub trait Mode<const X: usize> {
    /// The value of largest density or probability; one of them where there are several, and NaN
    /// where the density has no bound within the support.
    fn mode(&self) -> Tensor<X>;
}

/// A distribution that says which values it has.
pub trait HasSupport<const X: usize> {
    /// The set of its values.
    fn support(&self) -> Support<X>;
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
