//! Kumaraswamy's distribution.

use super::family::prelude::*;

elementwise! {
    /// Kumaraswamy's distribution of each element, on (0, 1): close to a beta distribution, with a
    /// distribution function of powers.
    ///
    /// ```text
    /// P(X <= x) = 1 - (1 - x^a)^b
    /// ```
    ///
    /// # References
    /// Kumaraswamy (1980), "A Generalized Probability Density Function for Double-Bounded Random
    /// Processes"; Jones (2009) for the moments.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, Kumaraswamy};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = Kumaraswamy::new(full(2.0), full(3.0))?;
    /// assert!((p.survival(full(0.5)).into_scalar::<f32>() - 0.75f32.powi(3)).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Kumaraswamy: KumaraswamyFamily, |_this| Support::UnitInterval => {
        /// The inner power.
        a: Domain::Positive,
        /// The outer power.
        b: Domain::Positive,
    }
}

/// The formulas of [`Kumaraswamy`].
#[derive(Debug)]
pub struct KumaraswamyFamily;

/// `ln(1 - x^a)` of a number within (0, 1).
fn log_rest<R: Real>(x: R, a: R) -> R {
    (-(x.ln() * a)).log1mexp()
}

impl Family for KumaraswamyFamily {
    const NAME: &'static str = "Kumaraswamy";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [a, b] = params(p);
        let (zero, one) = (x.is(0.0), x.is(1.0));
        let outside = R::either(x.under(0.0), x.over(1.0));
        let x = x.safe(R::either(outside, R::either(zero, one)), 0.5);
        let density = a.ln() + b.ln() + (a - 1.0) * x.ln() + (b - 1.0) * log_rest(x, a);
        let density = R::select(zero, super::gamma::at_zero(a, b.ln()), density);
        let density = R::select(one, super::gamma::at_zero(b, a.ln()), density);
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.exponential(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        ((e[0] / p[1]).log1mexp() / p[0]).exp()
    }
}

impl FamilyPathwise for KumaraswamyFamily {}

/// `ln E[X^n]`.
fn log_moment<R: Real>(n: f64, p: &[R]) -> R {
    p[1].ln() + lbeta(p[0].recip() * n + 1.0, p[1])
}

impl FamilyMoments for KumaraswamyFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        log_moment(1.0, p).exp()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let first = log_moment(1.0, p) * 2.0;
        (log_moment(2.0, p) - first).exp_m1() * first.exp()
    }
}

impl FamilyEntropy for KumaraswamyFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        let [a, b] = params(p);
        let harmonic = digamma(b + 1.0) + EULER;
        b.recip().under_from(1.0) + a.recip().under_from(1.0) * harmonic - a.ln() - b.ln()
    }
}

impl FamilyMode for KumaraswamyFamily {
    /// NaN unless both powers are above 1.
    fn mode<R: Real>(p: &[R]) -> R {
        let inner = R::both(p[0].over(1.0), p[1].over(1.0));
        let (a, b) = (p[0].guard(inner, 2.0), p[1].guard(inner, 2.0));
        (((a - 1.0) / (a * b - 1.0)).ln() / a).exp().or(inner, f64::NAN)
    }
}

/// `b ln(1 - x^a)`, at the ends its limits.
fn log_survival<R: Real>(x: R, p: &[R]) -> R {
    let (below, above) = (x.not_positive(), x.at_least(1.0));
    let x = x.safe(R::either(below, above), 0.5);
    let log = p[1] * log_rest(x, p[0]);
    log.unless(below, 0.0).unless(above, f64::NEG_INFINITY)
}

impl FamilyCdf for KumaraswamyFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        -log_survival(x, p).exp_m1()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        log_survival(x, p).exp()
    }
}

impl FamilyQuantile for KumaraswamyFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        ((-(-q).ln_1p() / p[1]).log1mexp() / p[0]).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        ((-q.ln() / p[1]).log1mexp() / p[0]).exp()
    }
}
