//! The relaxed Bernoulli distribution.

use super::family::prelude::*;
use super::logistic::{self, logit};

elementwise! {
    /// Relaxed Bernoulli distribution of each element, on (0, 1): the sigmoid of a logistic variable
    /// around `logits`, over the temperature.
    ///
    /// ```text
    /// x = sigmoid((logits + e) / temperature)    e standard logistic
    /// ```
    ///
    /// As the temperature falls to 0, draws go to 0 and 1 with the probabilities of a
    /// [`Bernoulli`](super::Bernoulli), and stay differentiable in the logits.
    ///
    /// # References
    /// Maddison, Mnih and Teh (2017), "The Concrete Distribution", appendix B.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Pathwise, RelaxedBernoulli};
    /// use pyrogen_core::{Noise, Seed};
    ///
    /// let device = Device::flex().autodiff();
    /// let logits = Tensor::<1>::zeros([4], &device).require_grad();
    /// let p = RelaxedBernoulli::new(Tensor::full([1], 0.5, &device), logits.clone())?;
    /// let draw = p.rsample(&mut Noise::new(Seed(1)));
    /// assert!(logits.grad(&draw.sum().backward()).is_some());
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    RelaxedBernoulli: RelaxedBernoulliFamily, |_this| Support::UnitInterval => {
        /// How far from 0 and 1 the values are.
        temperature: Domain::Positive,
        /// The logit of 1.
        logits: Domain::Real,
    }
}

/// The formulas of [`RelaxedBernoulli`].
#[derive(Debug)]
pub struct RelaxedBernoulliFamily;

/// `temperature logit(x) - logits`, a standard logistic variable.
fn standard<R: Real>(x: R, p: &[R]) -> R {
    let (below, above) = (x.not_positive(), x.at_least(1.0));
    let z = p[0] * logit(x.safe(R::either(below, above), 0.5)) - p[1];
    z.unless(below, f64::NEG_INFINITY).unless(above, f64::INFINITY)
}

impl Family for RelaxedBernoulliFamily {
    const NAME: &'static str = "RelaxedBernoulli";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let outside = R::either(x.not_positive(), x.at_least(1.0));
        let x = x.safe(outside, 0.5);
        let z = standard(x, p).abs();
        let density = p[0].ln() - z - (-z).exp().ln_1p() * 2.0 - x.ln() - (-x).ln_1p();
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [logistic::noise(stream), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        ((p[1] + e[0]) / p[0]).sigmoid()
    }
}

impl FamilyPathwise for RelaxedBernoulliFamily {}

impl FamilyCdf for RelaxedBernoulliFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        standard(x, p).sigmoid()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        (-standard(x, p)).sigmoid()
    }
}

impl FamilyQuantile for RelaxedBernoulliFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        ((p[1] + logit(q)) / p[0]).sigmoid()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        ((p[1] - logit(q)) / p[0]).sigmoid()
    }
}
