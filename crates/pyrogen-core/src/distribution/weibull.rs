//! Weibull's distribution.

use super::family::prelude::*;
use super::gamma::at_zero;

elementwise! {
    /// Weibull's distribution of each element.
    ///
    /// ```text
    /// P(X > x) = exp(-(x / scale)^concentration)
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Quantile, Weibull};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = Weibull::new(full(3.0), full(2.0))?;
    /// assert!((p.isf(full((-1f64).exp())).into_scalar::<f32>() - 3.0).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Weibull: WeibullFamily, |_this| Support::NonNegative => {
        /// The scale.
        scale: Domain::Positive,
        /// The shape.
        concentration: Domain::Positive,
    }
}

/// The formulas of [`Weibull`].
#[derive(Debug)]
pub struct WeibullFamily;

impl Family for WeibullFamily {
    const NAME: &'static str = "Weibull";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [scale, k] = params(p);
        let (outside, zero) = (x.under(0.0), x.is(0.0));
        let log = (x.safe(R::either(outside, zero), 1.0) / scale).ln();
        let ratio = (k / scale).ln();
        let density = ratio + (k - 1.0) * log - (k * log).exp();
        R::select(zero, at_zero(k, ratio), density.unless(outside, f64::NEG_INFINITY))
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.exponential(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] * (e[0].ln() / p[1]).exp()
    }
}

impl FamilyPathwise for WeibullFamily {}

impl FamilyMoments for WeibullFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] * lgamma(p[1].recip() + 1.0).exp()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let first = lgamma(p[1].recip() + 1.0) * 2.0;
        let second = lgamma(p[1].recip() * 2.0 + 1.0);
        (second - first).exp_m1() * (first.exp() * p[0].square())
    }
}

impl FamilyEntropy for WeibullFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[1].recip().under_from(1.0) * EULER + (p[0] / p[1]).ln() + 1.0
    }
}

impl FamilyMode for WeibullFamily {
    /// 0 for shapes up to 1.
    fn mode<R: Real>(p: &[R]) -> R {
        let inner = p[1].over(1.0);
        let k = p[1].guard(inner, 2.0);
        (p[0] * ((-k.recip()).ln_1p() / k).exp()).or(inner, 0.0)
    }
}

/// `(x / scale)^concentration`.
fn hazard<R: Real>(x: R, p: &[R]) -> R {
    let outside = x.not_positive();
    (p[1] * (x.safe(outside, 1.0) / p[0]).ln()).exp().unless(outside, 0.0)
}

impl FamilyCdf for WeibullFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        -(-hazard(x, p)).exp_m1()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        (-hazard(x, p)).exp()
    }
}

impl FamilyQuantile for WeibullFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * ((-(-q).ln_1p()).ln() / p[1]).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * ((-q.ln()).ln() / p[1]).exp()
    }
}
