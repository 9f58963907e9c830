//! The beta distribution.

use super::draws;
use super::family::prelude::*;
use super::gamma::at_zero;

elementwise! {
    /// Beta distribution of each element, on [0, 1].
    ///
    /// ```text
    /// p(x) = x^(alpha - 1) (1 - x)^(beta - 1) / B(alpha, beta)
    /// ```
    ///
    /// # Numerics
    /// The density is what is left over Stirling's formula and two deviances, so that parameters of
    /// 1e5 cost no digits. Draws are the ratio of two gamma variables, made as logarithms; values
    /// nearer to 1 than the tensor's type can say come out as 1.
    ///
    /// # References
    /// Loader (2000), "Fast and Accurate Computation of Binomial Probabilities".
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Beta, Mode};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = Beta::new(full(3.0), full(2.0))?;
    /// assert!((p.mode().into_scalar::<f32>() - 2.0 / 3.0).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Beta: BetaFamily, |_this| Support::UnitInterval => {
        /// The power at 0, plus 1.
        alpha: Domain::Positive,
        /// The power at 1, plus 1.
        beta: Domain::Positive,
    }
}

/// The formulas of [`Beta`].
#[derive(Debug)]
pub struct BetaFamily;

/// The log-density within (0, 1). Small parameters have the textbook formula, whose slope is exact where
/// a power is nearly 0.
fn log_density<R: Real>(a: R, b: R, x: R) -> R {
    let (y, n) = (x.under_from(1.0), a + b);
    let small = R::both(a.under(10.0), b.under(10.0));
    let textbook = (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p() - lbeta(a, b);
    let roots = (a.ln() + b.ln() - n.ln()) * 0.5 - HALF_LN_2PI;
    let errors = stirling_error(n) - stirling_error(a) - stirling_error(b);
    let large = roots + errors - deviance(a, n * x) - deviance(b, n * y) - x.ln() - y.ln();
    R::select(small, textbook, large)
}

impl Family for BetaFamily {
    const NAME: &'static str = "Beta";
    const NOISES: usize = 2;
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [a, b] = params(p);
        let (zero, one) = (x.is(0.0), x.is(1.0));
        let outside = R::either(x.under(0.0), x.over(1.0));
        let x = x.safe(R::either(outside, R::either(zero, one)), 0.5);
        let density = log_density(a, b, x);
        let density = R::select(zero, at_zero(a, b.ln()), density);
        let density = R::select(one, at_zero(b, a.ln()), density);
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::log_gamma(stream, p[0]), draws::log_gamma(stream, p[1])]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        (log_gamma_draw(p[0], e[0]) - log_gamma_draw(p[1], e[1])).sigmoid()
    }
}

impl FamilyPathwise for BetaFamily {}

impl FamilyMoments for BetaFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] / (p[0] + p[1])
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let n = p[0] + p[1];
        p[0] / n * (p[1] / n) / (n + 1.0)
    }
}

impl FamilyEntropy for BetaFamily {
    /// ```text
    /// ln B(a, b) - (a - 1) digamma(a) - (b - 1) digamma(b) + (a + b - 2) digamma(a + b)
    /// ```
    /// written without the large terms, which cancel.
    fn entropy<R: Real>(p: &[R]) -> R {
        let [a, b] = params(p);
        let n = a + b;
        let rest = |a: R| {
            let slopes = stirling_error_slope(n) - stirling_error_slope(a);
            (a - 1.0) * ((a.recip() - n.recip()) * 0.5 + slopes)
        };
        let errors = stirling_error(a) + stirling_error(b) - stirling_error(n);
        (a.ln() + b.ln()) * 0.5 - n.ln() * 1.5 + HALF_LN_2PI + errors + rest(a) + rest(b)
    }
}

impl FamilyMode for BetaFamily {
    /// NaN where the density has no bound at either end, or none is more probable.
    fn mode<R: Real>(p: &[R]) -> R {
        let [a, b] = params(p);
        let (low, high) = (a.over(1.0), b.over(1.0));
        let inner = R::both(low, high);
        let (a_ok, b_ok) = (a.guard(inner, 2.0), b.guard(inner, 2.0));
        let middle = (a_ok - 1.0) / (a_ok + b_ok - 2.0);
        let end = R::select(low, a.lit(1.0), a.lit(0.0).or(high, f64::NAN));
        R::select(inner, middle, end)
    }
}

/// Within [0, 1], with its distance from 1.
fn parts<R: Real>(x: R) -> (R, R) {
    let x = x.safe(x.under(0.0), 0.0);
    let x = x.safe(x.over(1.0), 1.0);
    (x, x.under_from(1.0))
}

impl FamilyCdf for BetaFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let (x, y) = parts(x);
        beta_lower(p[0], p[1], x, y)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let (x, y) = parts(x);
        beta_upper(p[0], p[1], x, y)
    }
}

impl FamilyQuantile for BetaFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        beta_logit_icdf(p[0], p[1], q).sigmoid()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        beta_logit_isf(p[0], p[1], q).sigmoid()
    }
}
