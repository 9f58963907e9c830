//! Guidance: denoisers made of denoisers.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::SolveError;
use crate::finite::gradient;

/// Classifier-free guidance: `D = D_0 + weight (D_c - D_0)`, with `D_c` under the condition and
/// `D_0` not.
///
/// A weight of 1 is the conditional model itself, bit for bit, and asks the other not at all; 0 is
/// the unconditional one; above 1 samples fit the condition better and vary less.
///
/// # References
/// Ho and Salimans 2022; Kynkäänniemi et al. 2024 (interval); Lin, Liu, Li and Yang 2024, equations
/// 15 and 16 (rescaling; here of the clean example).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_solve::{GaussianMixture, Guidance};
///
/// let mixture = GaussianMixture::ring(8, 2.0, 0.1);
/// let class = mixture.component(3);
/// let guided = Guidance { weight: 2.0, ..Guidance::default() }
///     .denoiser(|x, sigma| class.denoise(x, sigma), |x, sigma| mixture.denoise(x, sigma));
/// let x = Tensor::<2>::zeros([1, 2], &Device::flex());
/// assert_eq!(guided(x, 1.0).dims(), [1, 2]);
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guidance {
    /// How strongly: 1 for the conditional model.
    pub weight: f64,
    /// The noise levels at which to guide, both ends included; outside, the weight is 1. `None` is
    /// everywhere.
    pub interval: Option<(f64, f64)>,
    /// How much of the growth in contrast to take back, from 0 to 1: each example is scaled toward
    /// the standard deviation of `D_c`.
    pub rescale: f64,
}

impl Default for Guidance {
    /// The conditional model.
    fn default() -> Self {
        Self { weight: 1.0, interval: None, rescale: 0.0 }
    }
}

impl Guidance {
    /// Guidance with a weight, at all levels and without rescaling.
    pub fn weight(weight: f64) -> Self {
        Self { weight, ..Self::default() }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// A weight that is not finite, an interval that is empty, or a rescaling outside `[0, 1]`.
    pub fn validate(&self) -> Result<(), SolveError> {
        let check = SolveError::check;
        check("weight", self.weight, self.weight.is_finite(), "a finite number")?;
        check("rescale", self.rescale, (0.0..=1.0).contains(&self.rescale), "from 0 to 1")?;
        let (low, high) = self.interval.unwrap_or((0.0, 0.0));
        check("interval", high, low >= 0.0 && low <= high, "a level of at least the first, from 0")
    }

    /// Whether a model without the condition is asked at this level.
    pub fn applies(&self, sigma: f64) -> bool {
        let inside = |(low, high): (f64, f64)| (low..=high).contains(&sigma);
        self.weight != 1.0 && self.interval.is_none_or(inside)
    }

    /// The guided denoiser of a denoiser with the condition and one without.
    pub fn denoiser<const D: usize>(
        self,
        with_condition: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        without: impl Fn(Tensor<D>, f64) -> Tensor<D>,
    ) -> impl Fn(Tensor<D>, f64) -> Tensor<D> {
        move |x, sigma| {
            let conditional = with_condition(x.clone(), sigma);
            if self.applies(sigma) {
                self.combine(conditional, without(x, sigma))
            } else {
                conditional
            }
        }
    }

    /// The guided example of both, for a model that makes them in one batch.
    pub fn combine<const D: usize>(
        &self,
        conditional: Tensor<D>,
        unconditional: Tensor<D>,
    ) -> Tensor<D> {
        let guided = unconditional.clone() + (conditional.clone() - unconditional) * self.weight;
        if self.rescale == 0.0 {
            return guided;
        }
        let ratio =
            row_std(conditional) / row_std(guided.clone()).clamp_min(f64::from(f32::MIN_POSITIVE));
        let factor = ratio * self.rescale + (1.0 - self.rescale);
        let mut shape = [1; D];
        shape[0] = guided.dims()[0];
        guided * factor.reshape(shape)
    }
}

/// Standard deviation of each example, `[batch, 1]`.
fn row_std<const D: usize>(x: Tensor<D>) -> Tensor<2> {
    let batch = x.dims()[0];
    let features = x.dims()[1..].iter().product::<usize>();
    x.reshape([batch, features]).var(1).sqrt()
}

/// Classifier guidance: `D' = D + weight sigma^2 grad_x log p(y | x)`.
///
/// `log_prob(x, sigma)` gives the classifier's log-probability of the wanted class for each noisy
/// example, `[batch]`. It is called with a tensor on the autodiff device, so the classifier's
/// weights have to be there.
///
/// # Panics
/// When called, if the classifier's answer does not depend on its input.
///
/// # References
/// Dhariwal and Nichol 2021, algorithm 1, as the score's change (Song et al. 2021).
pub fn classifier_guidance<const D: usize>(
    weight: f64,
    denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
    log_prob: impl Fn(Tensor<D>, f64) -> Tensor<1>,
) -> impl Fn(Tensor<D>, f64) -> Tensor<D> {
    move |x, sigma| {
        let (gradient, _) = gradient(&x, |x| (log_prob(x.clone(), sigma), x));
        let gradient = gradient.expect("classifier_guidance: log_prob must depend on its input");
        denoiser(x, sigma) + gradient * (weight * sigma * sigma)
    }
}
