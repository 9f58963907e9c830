//! A distribution seen through a bijection.

use burn::tensor::Tensor;

use super::{Cdf, Distribution, KlDivergence, Pathwise};
use crate::Noise;
use crate::bijection::Bijection;

/// The distribution of `map(x)` for `x` from `base`.
///
/// ```text
/// log p(y) = log base(x) - ln |det dy/dx|    x = map^-1(y)
/// ```
///
/// # Shapes
/// The base's values have rank `X`, the map's results rank `Y`, and densities and log-determinants rank
/// `B`. A map of numbers has `B = X`; [`Independent`](super::Independent) makes axes after the first `B`
/// one event on both sides.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::Exp;
/// use pyrogen_core::distribution::{Distribution, LogNormal, Normal, Transformed};
///
/// let device = Device::flex();
/// let p = Transformed::new(Normal::standard([1], &device), Exp);
/// let same = LogNormal::new(Tensor::zeros([1], &device), Tensor::ones([1], &device))?;
/// let at = Tensor::<1>::from_floats([2.5], &device);
/// let log_prob: Tensor<1> = p.log_prob(at.clone());
/// assert!(log_prob.all_close(same.log_prob(at), None, None));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Transformed<P, F, const X: usize> {
    base: P,
    map: F,
}

impl<P, F, const X: usize> Transformed<P, F, X> {
    /// The distribution of the map's results.
    pub fn new(base: P, map: F) -> Self {
        Self { base, map }
    }

    /// The distribution of the map's arguments.
    pub fn base(&self) -> &P {
        &self.base
    }

    /// The map.
    pub fn map(&self) -> &F {
        &self.map
    }
}

impl<P, F, const X: usize, const Y: usize, const B: usize> Distribution<Y, B>
    for Transformed<P, F, X>
where
    P: Distribution<X, B>,
    F: Bijection<X, Y, B>,
{
    fn log_prob(&self, value: Tensor<Y>) -> Tensor<B> {
        let (x, log_det) = self.map.inverse(value);
        self.base.log_prob(x) + log_det
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<Y> {
        let y = self.map.forward(self.base.sample(noise)).0;
        if y.device().is_autodiff() { Tensor::from_inner(y.inner()) } else { y }
    }
}

impl<P, F, const X: usize> Transformed<P, F, X> {
    /// A draw that carries the pathwise gradient by the parameters of the base and of the map.
    pub fn rsample<const Y: usize, const B: usize>(&self, noise: &mut Noise) -> Tensor<Y>
    where
        P: Pathwise<X>,
        F: Bijection<X, Y, B>,
    {
        self.map.forward(self.base.rsample(noise)).0
    }

    /// `P(Y <= value)` of an increasing map of numbers.
    pub fn cdf_of_increasing(&self, value: Tensor<X>) -> Tensor<X>
    where
        P: Cdf<X>,
        F: Bijection<X, X, X>,
    {
        self.base.cdf(self.map.inverse(value).0)
    }

    /// `KL(self || other)` of two distributions through one map, which changes nothing: that of their
    /// bases.
    pub fn kl_divergence<Q, const B: usize>(&self, other: &Transformed<Q, F, X>) -> Tensor<B>
    where
        P: KlDivergence<Q, B>,
    {
        self.base.kl_divergence(&other.base)
    }
}
