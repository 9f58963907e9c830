//! The binomial distribution.

use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Binomial distribution of each element, from logits `l = ln(p / (1 - p))`.
    ///
    /// ```text
    /// log p(k) = ln C(total_count, k) + k ln(p) + (total_count - k) ln(1 - p)
    /// ```
    ///
    /// # Values
    /// Counts as numbers of the tensor's own type; other values have probability 0.
    ///
    /// # References
    /// Hörmann (1993), "The Generation of Binomial Random Variates", for draws.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Binomial, Distribution};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let fair = Binomial::new(full(4.0), full(0.0))?;
    /// let two = fair.log_prob(full(2.0)).exp().into_scalar::<f32>();
    /// assert!((two - 6.0 / 16.0).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Binomial: BinomialFamily, |this| Support::IntegerUpTo { high: this.total_count.clone() } => {
        /// The number of trials.
        total_count: Domain::Count,
        /// The logit of a success.
        logits: Domain::Real,
    }
}

impl<const D: usize> Binomial<D> {
    /// The probability of a success.
    pub fn probs(&self) -> burn::tensor::Tensor<D> {
        pyrogen_ops::sigmoid(self.logits())
    }
}

/// The formulas of [`Binomial`].
#[derive(Debug)]
pub struct BinomialFamily;

impl Family for BinomialFamily {
    const NAME: &'static str = "Binomial";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let outside = R::either(R::either(x.under(0.0), n.below(x)), x.broken());
        let k = x.safe(outside, 0.0);
        let mass = log_choose(n, k) - k * (-l).softplus() - (n - k) * l.softplus();
        mass.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::binomial(stream, p[0], p[1].sigmoid()), 0.0]
    }

    fn transform<R: Real>(e: &[R], _p: &[R]) -> R {
        e[0]
    }
}

impl FamilyMoments for BinomialFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] * p[1].sigmoid()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0] * p[1].sigmoid() * (-p[1]).sigmoid()
    }
}

impl FamilyMode for BinomialFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        ((p[0] + 1.0) * p[1].sigmoid()).floor().least(p[0])
    }
}

impl FamilyCdf for BinomialFamily {
    /// `P(X <= k) = I_(1 - p)(n - k, k + 1)`
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let (below, all) = (x.under(0.0), R::not(x.floor().below(n)));
        let k = x.safe(R::either(below, all), 0.0).floor();
        let rest = (n - k).safe(R::either(below, all), 1.0);
        let value = beta_lower(rest, k + 1.0, (-l).sigmoid(), l.sigmoid());
        value.unless(below, 0.0).unless(all, 1.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let [n, l] = params(p);
        let (below, all) = (x.under(0.0), R::not(x.floor().below(n)));
        let k = x.safe(R::either(below, all), 0.0).floor();
        let rest = (n - k).safe(R::either(below, all), 1.0);
        let value = beta_lower(k + 1.0, rest, l.sigmoid(), (-l).sigmoid());
        value.unless(below, 1.0).unless(all, 0.0)
    }
}

impl FamilyQuantile for BinomialFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        binomial_icdf(p[0], p[1], q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        binomial_isf(p[0], p[1], q)
    }
}

impl FamilyEntropy for BinomialFamily {
    /// A sum over the counts that matter.
    fn entropy<R: Real>(p: &[R]) -> R {
        binomial_entropy(p[0], p[1])
    }
}
