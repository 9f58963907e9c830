//! The relaxed one-hot distribution.

use burn::tensor::Tensor;
use pyrogen_ops::{log_softmax, softmax};

use super::domain::Domain;
use super::normal::in_type_of;
use super::numerics::log_sum_exp;
use super::{Distribution, HasSupport, OneMoreThan, Pathwise, Rank, Support};
use crate::{Noise, ParameterError};

/// Relaxed one-hot distribution (Concrete, Gumbel-softmax) of vectors on the simplex: the softmax of
/// logits with Gumbel noise, over the temperature.
///
/// ```text
/// x = softmax((logits + g) / temperature)    g standard Gumbel
/// log p(x) = ln Gamma(n) + (n - 1) ln(temperature) + sum_k (l_k - (temperature + 1) ln x_k)
///            - n ln(sum_k exp(l_k - temperature ln x_k))    l = log softmax(logits)
/// ```
///
/// As the temperature falls to 0, draws go to the corners with the probabilities of an
/// [`OneHotCategorical`](super::OneHotCategorical), and stay differentiable in the logits.
///
/// # Shapes
/// Logits and values are `[.., categories]`, of rank `L`; the temperature broadcasts over the last axis,
/// where it has length 1; log-densities lack that axis.
///
/// # References
/// Maddison, Mnih and Teh (2017), "The Concrete Distribution", eq. 10; Jang, Gu and Poole (2017).
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Pathwise, RelaxedOneHot};
/// use pyrogen_core::{Noise, Seed};
///
/// let device = Device::flex();
/// let temperature = Tensor::<2>::full([1, 1], 0.5, &device);
/// let p = RelaxedOneHot::new(temperature, Tensor::zeros([4, 3], &device))?;
/// let draws = p.rsample(&mut Noise::new(Seed(1)));
/// assert!(draws.sum_dim(1).all_close(Tensor::ones([4, 1], &device), None, None));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RelaxedOneHot<const L: usize> {
    temperature: Tensor<L>,
    logits: Tensor<L>,
}

impl<const L: usize> RelaxedOneHot<L> {
    /// From a temperature above 0, `[.., 1]`, and logits `[.., categories]`.
    ///
    /// # Errors
    /// A temperature outside its domain.
    ///
    /// # Panics
    /// If the temperature's last axis is not of length 1.
    pub fn new(temperature: Tensor<L>, logits: Tensor<L>) -> Result<Self, ParameterError> {
        Domain::Positive.check("RelaxedOneHot", "temperature", &temperature)?;
        Ok(Self::new_unchecked(temperature, logits))
    }

    /// As [`new`](Self::new), without reading from the device.
    ///
    /// # Panics
    /// If the temperature's last axis is not of length 1.
    pub fn new_unchecked(temperature: Tensor<L>, logits: Tensor<L>) -> Self {
        let last = temperature.dims()[L - 1];
        assert_eq!(last, 1, "RelaxedOneHot: one temperature a vector, got {last}");
        Self { temperature, logits }
    }
}

impl<const L: usize, const B: usize> Distribution<L, B> for RelaxedOneHot<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<L>) -> Tensor<B> {
        let n = self.logits.dims()[L - 1] as f64;
        let logs = value.log();
        let score = log_softmax(self.logits.clone()) - self.temperature.clone() * logs.clone();
        let all: Tensor<B> = log_sum_exp(score.clone());
        let sum: Tensor<B> = (score - logs).sum_dim(L - 1).squeeze_dim(L - 1);
        let temperature: Tensor<B> = self.temperature.clone().log().squeeze_dim(L - 1);
        sum - all * n + temperature * (n - 1.0) + crate::special::host::lgamma(n)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<L> {
        let x = self.rsample(noise);
        if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
    }
}

impl<const L: usize> Pathwise<L> for RelaxedOneHot<L> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<L> {
        let gumbel = noise.gumbel(self.logits.dims(), &self.logits.device());
        let gumbel = in_type_of(&self.logits, gumbel);
        softmax((self.logits.clone() + gumbel) / self.temperature.clone())
    }
}

impl<const L: usize> HasSupport<L> for RelaxedOneHot<L> {
    fn support(&self) -> Support<L> {
        Support::Simplex
    }
}
