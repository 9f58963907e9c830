//! Categories as vectors of one 1 among zeros.

use burn::tensor::{Int, Tensor};

use super::categorical::gumbel_argmax;
use super::normal::in_type_of;
use super::numerics::{broadcast_dims, expand_to};
use super::{
    Categorical, Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, OneMoreThan, Rank,
    Support,
};
use crate::Noise;

/// [`Categorical`] distribution whose values are vectors of one 1 among zeros.
///
/// ```text
/// log p(x) = sum_k x_k (logits_k - ln(sum_j exp(logits_j)))
/// ```
///
/// # Shapes
/// Logits and values are `[.., categories]`, of rank `L`; log-probabilities lack the last axis.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, OneHotCategorical};
/// use pyrogen_core::{Noise, Seed};
///
/// let device = Device::flex();
/// let dice = OneHotCategorical::new(Tensor::<2>::zeros([3, 6], &device));
/// let throws = dice.sample(&mut Noise::new(Seed(1)));
/// assert_eq!(throws.clone().sum().into_scalar::<f32>(), 3.0);
/// assert!(dice.log_prob(throws).all_close(Tensor::full([3], -(6f32.ln()), &device), None, None));
/// ```
#[derive(Debug, Clone)]
pub struct OneHotCategorical<const L: usize> {
    categories: Categorical<L>,
}

impl<const L: usize> OneHotCategorical<L> {
    /// From logits `[.., categories]`, which need not be normalised.
    ///
    /// # Panics
    /// If there are no categories.
    pub fn new(logits: Tensor<L>) -> Self {
        Self { categories: Categorical::new(logits) }
    }

    /// The distribution of the categories' numbers.
    pub fn categories(&self) -> &Categorical<L> {
        &self.categories
    }

    fn one_hot(&self, index: Tensor<L, Int>) -> Tensor<L> {
        let logits = self.categories.logits();
        let dims = logits.dims();
        let mut last = [1; L];
        last[L - 1] = dims[L - 1];
        let numbers: Tensor<L, Int> =
            Tensor::<1, Int>::arange(0..dims[L - 1] as i64, &logits.device()).reshape(last);
        in_type_of(&logits, expand_to(index, dims).equal(expand_to(numbers, dims)).float())
    }
}

impl<const L: usize, const B: usize> Distribution<L, B> for OneHotCategorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<L>) -> Tensor<B> {
        let log_probs = self.categories.log_probs();
        // A category that is ruled out counts where it is the value alone.
        let ruled_out = value.clone().equal_elem(0.0);
        let dims = broadcast_dims("OneHotCategorical", log_probs.dims(), value.dims());
        let log_probs = expand_to(log_probs, dims);
        let ruled_out = expand_to(ruled_out, dims);
        (log_probs.mask_fill(ruled_out, 0.0) * value).sum_dim(L - 1).squeeze_dim(L - 1)
    }

    /// Draws the categories that [`Categorical`] draws of the same noise.
    fn sample(&self, noise: &mut Noise) -> Tensor<L> {
        self.one_hot(gumbel_argmax(self.categories.logits(), noise))
    }
}

impl<const L: usize> Moments<L> for OneHotCategorical<L> {
    fn mean(&self) -> Tensor<L> {
        self.categories.probs()
    }

    fn variance(&self) -> Tensor<L> {
        let probs = self.categories.probs();
        probs.clone() * (probs.neg() + 1.0)
    }
}

impl<const L: usize> Mode<L> for OneHotCategorical<L> {
    fn mode(&self) -> Tensor<L> {
        self.one_hot(self.categories.logits().argmax(L - 1))
    }
}

impl<const L: usize> HasSupport<L> for OneHotCategorical<L> {
    fn support(&self) -> Support<L> {
        Support::OneHot
    }
}

impl<const L: usize, const B: usize> Entropy<B> for OneHotCategorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn entropy(&self) -> Tensor<B> {
        self.categories.entropy()
    }
}

impl<const L: usize, const B: usize> KlDivergence<OneHotCategorical<L>, B> for OneHotCategorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn kl_divergence(&self, other: &OneHotCategorical<L>) -> Tensor<B> {
        self.categories.kl_divergence(&other.categories)
    }
}
