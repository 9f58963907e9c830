//! The multinomial distribution.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use super::draws;
use super::rows::{Function, of_rows};
use super::{Categorical, Distribution, HasSupport, Moments, OneMoreThan, Rank, Support};
use crate::Noise;
use crate::noise::Stream;
use crate::real::tensor;
use crate::special::host::lgamma;

/// Multinomial distribution of the counts of `total` draws from the categories of `logits`.
///
/// ```text
/// log p(x) = ln(total!) - sum_k ln(x_k!) + sum_k x_k ln p_k
/// ```
///
/// # Shapes
/// Logits and values are `[.., categories]`, of rank `L`; log-probabilities lack the last axis.
///
/// # Values
/// Counts as numbers of the tensor's own type. Counts that do not sum to the total have probability 0.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Multinomial};
///
/// let device = Device::flex();
/// let p = Multinomial::new(2, Tensor::<2>::zeros([1, 2], &device));
/// let one_each: Tensor<1> = p.log_prob(Tensor::ones([1, 2], &device));
/// assert!((one_each.into_scalar::<f32>() - 0.5f32.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Multinomial<const L: usize> {
    total: usize,
    categories: Categorical<L>,
}

impl<const L: usize> Multinomial<L> {
    /// From the number of draws and the logits `[.., categories]`, which need not be normalised.
    ///
    /// # Panics
    /// If there are no categories.
    pub fn new(total: usize, logits: Tensor<L>) -> Self {
        Self { total, categories: Categorical::new(logits) }
    }

    /// The number of draws.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The probabilities of the categories.
    pub fn probs(&self) -> Tensor<L> {
        self.categories.probs()
    }
}

/// `ln(sum exp)`.
fn log_normaliser(logits: &[f64]) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + logits.iter().map(|l| (l - top).exp()).sum::<f64>().ln()
}

/// Of logits and counts, whatever their sum is.
const LOG_PROB: Function<2> = Function {
    value: |[logits, x]| {
        if x.iter().any(|&k| k < 0.0 || k.fract() != 0.0) {
            return f64::NEG_INFINITY;
        }
        let all = log_normaliser(logits);
        let part = |(&l, &k): (&f64, &f64)| {
            if k == 0.0 { 0.0 } else { k * (l - all) - lgamma(k + 1.0) }
        };
        lgamma(x.iter().sum::<f64>() + 1.0) + logits.iter().zip(x).map(part).sum::<f64>()
    },
    slopes: |[logits, x], [by_logits, _]| {
        let (all, total) = (log_normaliser(logits), x.iter().sum::<f64>());
        for i in 0..x.len() {
            by_logits[i] = x[i] - total * (logits[i] - all).exp();
        }
    },
};

impl<const L: usize, const B: usize> Distribution<L, B> for Multinomial<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<L>) -> Tensor<B> {
        let sum: Tensor<B> = value.clone().sum_dim(L - 1).squeeze_dim(L - 1);
        let other = sum.not_equal_elem(self.total as f64);
        let log_prob: Tensor<B> =
            of_rows("Multinomial", LOG_PROB, [self.categories.logits(), value]);
        let dims = log_prob.dims();
        log_prob.mask_fill(super::numerics::expand_to(other, dims), f64::NEG_INFINITY)
    }

    /// A binomial count of each category, of what the ones before have left.
    fn sample(&self, noise: &mut Noise) -> Tensor<L> {
        let logits = self.categories.logits();
        let (dims, device, dtype) = (logits.dims(), logits.device(), logits.dtype());
        let logits = if device.is_autodiff() { logits.inner() } else { logits };
        let values: Vec<f64> = logits.into_data().iter().collect();
        let words = noise.words(&dims[..L - 1]);
        let total = self.total as f64;
        let counts: Vec<f64> = values
            .par_chunks(dims[L - 1])
            .zip(words)
            .flat_map_iter(|(logits, word)| counts(&mut Stream::new(word), total, logits))
            .collect();
        let data = TensorData::new(counts, dims);
        tensor(if dtype == DType::F64 { data } else { data.convert_dtype(dtype) }, &device)
    }
}

/// The counts of one vector.
fn counts(stream: &mut Stream, total: f64, logits: &[f64]) -> Vec<f64> {
    let mut rest = total;
    (0..logits.len())
        .map(|k| {
            let share = (logits[k] - log_normaliser(&logits[k..])).exp();
            let share = if share.is_nan() { 0.0 } else { share.min(1.0) };
            let count = draws::binomial(stream, rest, share);
            rest -= count;
            count
        })
        .collect()
}

impl<const L: usize> Moments<L> for Multinomial<L> {
    fn mean(&self) -> Tensor<L> {
        self.probs() * self.total as f64
    }

    fn variance(&self) -> Tensor<L> {
        let probs = self.probs();
        probs.clone() * (probs.neg() + 1.0) * self.total as f64
    }
}

impl<const L: usize> HasSupport<L> for Multinomial<L> {
    fn support(&self) -> Support<L> {
        Support::Counts { total: self.total }
    }
}
