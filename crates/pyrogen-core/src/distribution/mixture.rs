//! Finite mixtures.

use burn::tensor::kind::Basic;
use burn::tensor::{Int, Tensor};
use pyrogen_ops::log_softmax;

use super::categorical::gumbel_argmax;
use super::numerics::{broadcast_dims, expand_to, log_sum_exp};
use super::{Cdf, Distribution, Moments, OneMoreThan, Rank};
use crate::Noise;

/// A mixture of distributions of one kind.
///
/// ```text
/// log p(x) = ln(sum_k exp(ln w_k + log p_k(x)))
/// ```
///
/// # Shapes
/// `components` is one distribution whose log-density is `[batch.., components]`, of rank `L`;
/// the weights have that shape, or broadcast to it. The values of a component have rank `C`. The
/// mixture lacks the component's axis in both: its log-density has rank `L - 1` and its values
/// rank `C - 1`.
///
/// | | components | weights | value | log-density |
/// |---|---|---|---|---|
/// | numbers, pixels | `Normal` of `[n, k]` | `[n, k]` | `[n]` | `[n]` |
/// | pixels of images | `DiscretisedLogistic` of `[n, c, h, w, k]` | `[n, c, h, w, k]` | `[n, c, h, w]` | `[n, c, h, w]` |
/// | vectors | `Independent<Normal<3>, 2>` of `[n, k, d]` | `[n, k]` | `[n, d]` | `[n]` |
///
/// One mixture for all examples has a batch axis of length 1 (`[1, k]`, `[1, k, d]`); densities
/// broadcast.
///
/// # Numerics
/// A weight of 0 (a logit of `-inf`) is allowed. Where every component gives a density of 0 the
/// log-density is `-inf` and its gradient NaN.
///
/// # References
/// Bishop (2006), "Pattern Recognition and Machine Learning", section 9.2; Salimans et al. (2017),
/// section 2.1, for mixtures of discretised logistics.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Independent, Mixture, Normal};
///
/// let device = Device::flex();
/// // Two round clusters in the plane, with weights 1/4 and 3/4.
/// let mean = Tensor::<3>::from_floats([[[-2.0, 0.0], [2.0, 0.0]]], &device);
/// let clusters = Normal::new(mean, Tensor::zeros([1, 2, 2], &device));
/// let logits = Tensor::<2>::from_floats([[1.0, 3.0]], &device).log();
/// let mixture = Mixture::new(logits, Independent::<_, 2>::with_batch_rank(clusters));
///
/// let points = Tensor::<2>::from_floats([[-2.0, 0.0], [2.0, 0.0], [0.0, 9.0]], &device);
/// assert_eq!(mixture.log_prob(points).dims(), [3]);
/// ```
#[derive(Debug, Clone)]
pub struct Mixture<P, const C: usize, const L: usize> {
    logits: Tensor<L>,
    components: P,
}

impl<P, const C: usize, const L: usize> Mixture<P, C, L> {
    /// From the logits of the weights, `[batch.., components]`, which need not be normalised.
    ///
    /// # Panics
    /// If there are no components.
    pub fn new<K: Basic>(logits: Tensor<L>, components: P) -> Self
    where
        P: Distribution<C, L, K>,
    {
        assert!(
            logits.dims()[L - 1] > 0,
            "Mixture: weights of shape {:?} have no components",
            logits.dims()
        );
        Self { logits, components }
    }

    /// The logarithms of the weights.
    pub fn log_weights(&self) -> Tensor<L> {
        log_softmax(self.logits.clone())
    }

    /// The components.
    pub fn components(&self) -> &P {
        &self.components
    }

    /// `sum_k w_k f_k`; the component's axis is dropped.
    fn expect<const X: usize>(&self, f: Tensor<C>) -> Tensor<X> {
        let dims = self.logits.dims();
        let dims = std::array::from_fn(|i| if i < L { dims[i] } else { 1 });
        let weights: Tensor<C> = self.log_weights().exp().reshape(dims);
        (f * weights).sum_dim(L - 1).squeeze_dim(L - 1)
    }

    /// The log-density of each component at `value`, `[batch.., components]`, without the weights.
    ///
    /// # Panics
    /// If the value does not fit the components.
    pub fn component_log_prob<const X: usize, K: Basic>(&self, value: Tensor<X, K>) -> Tensor<L>
    where
        P: Distribution<C, L, K>,
        Rank<C>: OneMoreThan<X>,
    {
        self.components.log_prob(value.unsqueeze_dim(L - 1))
    }

    /// How probable it is that each component made `value`, `[batch.., components]`: the
    /// responsibilities of expectation-maximisation (Bishop 2006, eq. 9.13).
    ///
    /// # Panics
    /// If the value does not fit the components.
    pub fn posterior<const X: usize, K: Basic>(&self, value: Tensor<X, K>) -> Tensor<L>
    where
        P: Distribution<C, L, K>,
        Rank<C>: OneMoreThan<X>,
    {
        let joint = self.component_log_prob(value) + self.log_weights();
        log_softmax(joint).exp()
    }
}

impl<P, K, const C: usize, const L: usize, const X: usize, const B: usize> Distribution<X, B, K>
    for Mixture<P, C, L>
where
    K: Basic,
    P: Distribution<C, L, K>,
    Rank<C>: OneMoreThan<X>,
    Rank<L>: OneMoreThan<B>,
{
    /// # Panics
    /// If the value does not fit the components.
    fn log_prob(&self, value: Tensor<X, K>) -> Tensor<B> {
        log_sum_exp(self.component_log_prob(value) + self.log_weights())
    }

    /// Draws from every component and keeps the one that the weights choose (Gumbel-max), so it
    /// costs as much as a draw from each.
    ///
    /// # Panics
    /// If an axis of the weights is longer than that of the components: rows that share
    /// components must be expanded, or their draws would be shared too.
    fn sample(&self, noise: &mut Noise) -> Tensor<X, K> {
        let draws = self.components.sample(noise);
        let dims = draws.dims();
        let batch: [usize; L] = std::array::from_fn(|i| dims[i]);
        let weights = self.logits.dims();
        assert!(
            broadcast_dims("Mixture::sample", weights, batch) == batch,
            "Mixture::sample: weights of shape {weights:?} have more rows than components of \
             batch shape {batch:?}; expand the components"
        );
        let chosen = gumbel_argmax(expand_to(self.logits.clone(), batch), noise);
        let axis = L - 1;
        let mut aligned = [1; C];
        aligned[..axis].copy_from_slice(&batch[..axis]);
        let mut one = dims;
        one[axis] = 1;
        let index: Tensor<C, Int> = expand_to(chosen.reshape(aligned), one);
        draws.gather(axis, index).squeeze_dim(axis)
    }
}

impl<P, const C: usize, const L: usize, const X: usize> Moments<X> for Mixture<P, C, L>
where
    P: Moments<C>,
    Rank<C>: OneMoreThan<X>,
{
    fn mean(&self) -> Tensor<X> {
        self.expect(self.components.mean())
    }

    /// The mean of the components' variances plus the variance of their means.
    fn variance(&self) -> Tensor<X> {
        let means = self.components.mean();
        let centre: Tensor<X> = self.expect(means.clone());
        let spread = (means - centre.unsqueeze_dim(L - 1)).square();
        self.expect(self.components.variance() + spread)
    }
}

impl<P, const C: usize, const L: usize, const X: usize> Cdf<X> for Mixture<P, C, L>
where
    P: Cdf<C>,
    Rank<C>: OneMoreThan<X>,
{
    /// The components', weighted.
    fn cdf(&self, value: Tensor<X>) -> Tensor<X> {
        self.expect(self.components.cdf(value.unsqueeze_dim(L - 1)))
    }

    fn survival(&self, value: Tensor<X>) -> Tensor<X> {
        self.expect(self.components.survival(value.unsqueeze_dim(L - 1)))
    }
}
