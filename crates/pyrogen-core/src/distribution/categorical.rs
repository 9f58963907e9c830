//! The categorical distribution.

use burn::tensor::{Int, Tensor};
use pyrogen_ops::{log_softmax, log_softmax_at};

use super::normal::in_type_of;
use super::numerics::{broadcast_dims, expand_to};
use super::{Distribution, Entropy, KlDivergence, OneMoreThan, Rank};
use crate::Noise;

/// Categorical distribution from logits; the categories are the last axis.
///
/// ```text
/// log p(k) = logits_k - ln(sum_j exp(logits_j))
/// ```
///
/// # Shapes
/// The logits are `[.., categories]`, of rank `L`; values and log-probabilities lack the last
/// axis, so they have rank `L - 1`. One distribution alone is `[1, categories]`.
///
/// # Numerics
/// A logit of `-inf` rules its category out: its probability is 0, and it adds nothing to the
/// entropy or to a divergence. A row of nothing but `-inf` gives NaN.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use pyrogen_core::distribution::{Categorical, Distribution};
/// use pyrogen_core::{Noise, Seed};
///
/// let device = Device::flex();
/// let dice = Categorical::new(Tensor::<2>::zeros([3, 6], &device));
/// let throws = dice.sample(&mut Noise::new(Seed(1)));
/// assert_eq!(throws.dims(), [3]);
/// let log_prob = dice.log_prob(throws);
/// assert!(log_prob.all_close(Tensor::full([3], -(6f32.ln()), &device), None, None));
/// ```
#[derive(Debug, Clone)]
pub struct Categorical<const L: usize> {
    logits: Tensor<L>,
}

impl<const L: usize> Categorical<L> {
    /// From logits `[.., categories]`, which need not be normalised.
    ///
    /// # Panics
    /// If there are no categories.
    pub fn new(logits: Tensor<L>) -> Self {
        assert!(
            logits.dims()[L - 1] > 0,
            "Categorical: logits of shape {:?} have no categories",
            logits.dims()
        );
        Self { logits }
    }

    /// The logits, as they were given.
    pub fn logits(&self) -> Tensor<L> {
        self.logits.clone()
    }

    /// The log-probabilities of every category: the normalised logits.
    pub fn log_probs(&self) -> Tensor<L> {
        log_softmax(self.logits.clone())
    }

    /// The probabilities of every category.
    pub fn probs(&self) -> Tensor<L> {
        self.log_probs().exp()
    }

    /// The most probable category; the first of several.
    pub fn mode<const B: usize>(&self) -> Tensor<B, Int>
    where
        Rank<L>: OneMoreThan<B>,
    {
        self.logits.clone().argmax(L - 1).squeeze_dim(L - 1)
    }

    /// The number of categories.
    pub fn categories(&self) -> usize {
        self.logits.dims()[L - 1]
    }
}

/// `sum_k p_k f_k` over the categories that are possible.
fn expect<const L: usize, const B: usize>(log_probs: Tensor<L>, f: Tensor<L>) -> Tensor<B>
where
    Rank<L>: OneMoreThan<B>,
{
    let impossible = log_probs.clone().equal_elem(f32::NEG_INFINITY);
    let impossible = expand_to(impossible, f.dims());
    (log_probs.exp() * f.mask_fill(impossible, 0.0)).sum_dim(L - 1).squeeze_dim(L - 1)
}

/// The category of the largest `logits + g`, with standard Gumbel noise `g`: a draw with
/// probabilities `softmax(logits)` (Gumbel 1954). The last axis of the result has length 1. The
/// noise has the logits' shape, so windows of the first axis see their own rows.
pub(super) fn gumbel_argmax<const L: usize>(
    logits: Tensor<L>,
    noise: &mut Noise,
) -> Tensor<L, Int> {
    let gumbel = in_type_of(&logits, noise.gumbel(logits.dims(), &logits.device()));
    (logits + gumbel).argmax(L - 1)
}

impl<const L: usize, const B: usize> Distribution<B, B, Int> for Categorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    /// # Panics
    /// If the values and the batch of the logits do not broadcast. A value that is not a category
    /// panics or gives an arbitrary number, as the device's gather does.
    fn log_prob(&self, value: Tensor<B, Int>) -> Tensor<B> {
        let last = L - 1;
        let mut all = self.logits.dims();
        let categories = std::mem::replace(&mut all[last], 1);
        let batch: [usize; B] = std::array::from_fn(|i| all[i]);
        if value.dims() == batch {
            let rows: usize = batch.iter().product();
            let (logits, index) = (self.logits.clone(), value.clone());
            let index = index.reshape([rows]);
            let one = log_softmax_at(&logits.reshape([rows, categories]), &index);
            if let Some(log_prob) = one {
                return log_prob.reshape(batch);
            }
        }
        let index: Tensor<L, Int> = value.unsqueeze_dim(last);
        let mut dims = broadcast_dims("Categorical::log_prob", all, index.dims());
        let index = expand_to(index, dims);
        dims[last] = categories;
        expand_to(self.log_probs(), dims).gather(last, index).squeeze_dim(last)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<B, Int> {
        gumbel_argmax(self.logits.clone(), noise).squeeze_dim(L - 1)
    }
}

impl<const L: usize, const B: usize> Entropy<B> for Categorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn entropy(&self) -> Tensor<B> {
        let log_probs = self.log_probs();
        expect::<L, B>(log_probs.clone(), log_probs).neg()
    }
}

impl<const L: usize, const B: usize> KlDivergence<Categorical<L>, B> for Categorical<L>
where
    Rank<L>: OneMoreThan<B>,
{
    /// ```text
    /// sum_k p_k (ln p_k - ln q_k)
    /// ```
    /// Infinite where `other` rules out a category that is possible here.
    fn kl_divergence(&self, other: &Categorical<L>) -> Tensor<B> {
        let log_probs = self.log_probs();
        expect(log_probs.clone(), log_probs - other.log_probs())
    }
}
