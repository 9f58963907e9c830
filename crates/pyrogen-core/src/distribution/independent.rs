//! Makes all axes but the first one event.

use burn::tensor::Tensor;
use burn::tensor::kind::Basic;

use super::{Distribution, Entropy, KlDivergence, Moments, Reparameterized, flatten_event};
use crate::Noise;

/// Independent elements seen as one event an example: log-densities, entropies and divergences
/// are summed over every axis but the first.
#[derive(Debug, Clone)]
pub struct Independent<P> {
    base: P,
}

impl<P> Independent<P> {
    /// Wraps a distribution of elements.
    pub fn new(base: P) -> Self {
        Self { base }
    }

    /// The distribution of the elements.
    pub fn base(&self) -> &P {
        &self.base
    }
}

/// `[batch, ..]` to `[batch]`.
fn sum_event<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let batch = x.dims()[0];
    flatten_event(x).sum_dim(1).reshape([batch])
}

impl<const X: usize, K: Basic, P: Distribution<X, X, K>> Distribution<X, 1, K> for Independent<P> {
    fn log_prob(&self, value: Tensor<X, K>) -> Tensor<1> {
        sum_event(self.base.log_prob(value))
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<X, K> {
        self.base.sample(noise)
    }
}

impl<const X: usize, P: Moments<X>> Moments<X> for Independent<P> {
    fn mean(&self) -> Tensor<X> {
        self.base.mean()
    }

    fn variance(&self) -> Tensor<X> {
        self.base.variance()
    }
}

impl<const X: usize, P: Reparameterized<X>> Reparameterized<X> for Independent<P> {
    fn reparameterize(&self, epsilon: Tensor<X>) -> Tensor<X> {
        self.base.reparameterize(epsilon)
    }
}

/// An element-wise distribution: entropies have the rank of the value.
impl<P> Independent<P> {
    /// Entropy of each event, `[batch]`, in nats.
    pub fn entropy<const D: usize>(&self) -> Tensor<1>
    where
        P: Entropy<D>,
    {
        sum_event(self.base.entropy())
    }

    /// `KL(self || other)` of each event, `[batch]`, in nats.
    pub fn kl_divergence<const D: usize, Q>(&self, other: &Independent<Q>) -> Tensor<1>
    where
        P: KlDivergence<Q, D>,
    {
        sum_event(self.base.kl_divergence(&other.base))
    }
}
