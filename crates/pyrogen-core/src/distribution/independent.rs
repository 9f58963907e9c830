//! Makes trailing axes one event.

use burn::tensor::Tensor;
use burn::tensor::kind::Basic;

use super::{
    Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, Pathwise, Reparameterized,
    Support,
};
use crate::Noise;

/// Independent elements seen as one event: log-densities, entropies and divergences are summed
/// over every axis after the first `B`.
///
/// `B = 1`, one density an example, is what [`new`](Self::new) makes and what
/// `Independent<Normal<2>>` means. [`with_batch_rank`](Self::with_batch_rank) keeps more axes,
/// for example those of the batch and of a mixture's components.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Independent, Normal};
///
/// let device = Device::flex();
/// let images = Independent::new(Normal::standard([2, 1, 8, 8], &device));
/// assert_eq!(images.log_prob(Tensor::zeros([2, 1, 8, 8], &device)).dims(), [2]);
/// assert_eq!(images.entropy().dims(), [2]);
///
/// let components = Independent::<_, 2>::with_batch_rank(Normal::standard([2, 5, 3], &device));
/// assert_eq!(components.log_prob(Tensor::zeros([2, 5, 3], &device)).dims(), [2, 5]);
/// ```
#[derive(Debug, Clone)]
pub struct Independent<P, const B: usize = 1> {
    base: P,
}

impl<P> Independent<P, 1> {
    /// Wraps a distribution of elements: every axis but the first is the event.
    pub fn new(base: P) -> Self {
        Self { base }
    }
}

impl<P, const B: usize> Independent<P, B> {
    /// Wraps a distribution of elements: every axis but the first `B` is the event.
    pub fn with_batch_rank(base: P) -> Self {
        Self { base }
    }

    /// The distribution of the elements.
    pub fn base(&self) -> &P {
        &self.base
    }

    /// Unwraps the distribution of the elements.
    pub fn into_base(self) -> P {
        self.base
    }

    /// Entropy of each event, in nats.
    ///
    /// # Panics
    /// If the base has fewer than `B` axes.
    pub fn entropy<const D: usize>(&self) -> Tensor<B>
    where
        P: Entropy<D>,
    {
        sum_event(self.base.entropy())
    }

    /// `KL(self || other)` of each event, in nats.
    ///
    /// # Panics
    /// If the base has fewer than `B` axes.
    pub fn kl_divergence<const D: usize, Q>(&self, other: &Independent<Q, B>) -> Tensor<B>
    where
        P: KlDivergence<Q, D>,
    {
        sum_event(self.base.kl_divergence(&other.base))
    }
}

/// Sums over the axes after the first `B`.
pub(crate) fn sum_event<const D: usize, const B: usize>(x: Tensor<D>) -> Tensor<B> {
    let dims = x.dims();
    assert!(B <= D, "Independent: a tensor of rank {D} does not have {B} batch axes");
    let batch: [usize; B] = std::array::from_fn(|i| dims[i]);
    let features: usize = dims[B..].iter().product();
    x.reshape([batch.iter().product(), features]).sum_dim(1).reshape(batch)
}

impl<const X: usize, const B: usize, K, P> Distribution<X, B, K> for Independent<P, B>
where
    K: Basic,
    P: Distribution<X, X, K>,
{
    fn log_prob(&self, value: Tensor<X, K>) -> Tensor<B> {
        sum_event(self.base.log_prob(value))
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<X, K> {
        self.base.sample(noise)
    }
}

impl<const X: usize, const B: usize, P: Moments<X>> Moments<X> for Independent<P, B> {
    fn mean(&self) -> Tensor<X> {
        self.base.mean()
    }

    fn variance(&self) -> Tensor<X> {
        self.base.variance()
    }
}

impl<const X: usize, const B: usize, P> Reparameterized<X> for Independent<P, B>
where
    P: Reparameterized<X>,
{
    fn reparameterize(&self, epsilon: Tensor<X>) -> Tensor<X> {
        self.base.reparameterize(epsilon)
    }
}

impl<const X: usize, const B: usize, P: Pathwise<X>> Pathwise<X> for Independent<P, B> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<X> {
        self.base.rsample(noise)
    }
}

impl<const X: usize, const B: usize, P: Mode<X>> Mode<X> for Independent<P, B> {
    fn mode(&self) -> Tensor<X> {
        self.base.mode()
    }
}

impl<const X: usize, const B: usize, P: HasSupport<X>> HasSupport<X> for Independent<P, B> {
    fn support(&self) -> Support<X> {
        self.base.support()
    }
}
