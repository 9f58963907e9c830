//! The negative binomial distribution.

use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Negative binomial distribution of each element: the successes before `total_count` failures,
    /// from the logits `l = ln(p / (1 - p))` of a success, as PyTorch has it.
    ///
    /// ```text
    /// p(k) = C(total_count + k - 1, k) (1 - p)^total_count p^k
    /// ```
    ///
    /// It is a Poisson count whose rate is a gamma variable; `total_count` need not be an integer.
    /// Mean `total_count exp(l)`.
    ///
    /// # Values
    /// Counts as numbers of the tensor's own type; other values have probability 0.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Moments, NegativeBinomial};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = NegativeBinomial::new(full(2.5), full(2f64.ln()))?;
    /// assert!((p.mean().into_scalar::<f32>() - 5.0).abs() < 1e-5);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    NegativeBinomial: NegativeBinomialFamily, |_this| Support::NonNegativeInteger => {
        /// The number of failures.
        total_count: Domain::Positive,
        /// The logit of a success.
        logits: Domain::Real,
    }
}

impl<const D: usize> NegativeBinomial<D> {
    /// The probability of a success.
    pub fn probs(&self) -> burn::tensor::Tensor<D> {
        pyrogen_ops::sigmoid(self.logits())
    }
}

/// The formulas of [`NegativeBinomial`].
#[derive(Debug)]
pub struct NegativeBinomialFamily;

impl Family for NegativeBinomialFamily {
    const NAME: &'static str = "NegativeBinomial";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let outside = R::either(x.under(0.0), x.broken());
        let k = x.safe(outside, 0.0);
        let ways = -(n + k).ln() - lbeta(n, k + 1.0);
        let mass = ways - n * l.softplus() - k * (-l).softplus();
        mass.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::negative_binomial(stream, p[0], p[1]), 0.0]
    }

    fn transform<R: Real>(e: &[R], _p: &[R]) -> R {
        e[0]
    }
}

impl FamilyMoments for NegativeBinomialFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] * p[1].exp()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let odds = p[1].exp();
        p[0] * odds * (odds + 1.0)
    }
}

impl FamilyMode for NegativeBinomialFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        ((p[0] - 1.0) * p[1].exp()).floor().most(p[0].lit(0.0))
    }
}

impl FamilyCdf for NegativeBinomialFamily {
    /// `P(X <= k) = I_(1 - p)(n, k + 1)`
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let below = x.under(0.0);
        let k = x.safe(below, 0.0).floor();
        beta_lower(n, k + 1.0, (-l).sigmoid(), l.sigmoid()).unless(below, 0.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let below = x.under(0.0);
        let k = x.safe(below, 0.0).floor();
        beta_lower(k + 1.0, n, l.sigmoid(), (-l).sigmoid()).unless(below, 1.0)
    }
}

impl FamilyQuantile for NegativeBinomialFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        negative_binomial_icdf(p[0], p[1], q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        negative_binomial_isf(p[0], p[1], q)
    }
}

impl FamilyEntropy for NegativeBinomialFamily {
    /// A sum over the counts that matter.
    fn entropy<R: Real>(p: &[R]) -> R {
        negative_binomial_entropy(p[0], p[1])
    }
}
