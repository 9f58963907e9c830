//! Pareto's distribution.

use super::family::prelude::*;

elementwise! {
    /// Pareto's distribution of each element.
    ///
    /// ```text
    /// P(X > x) = (scale / x)^alpha    x >= scale
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Moments, Pareto};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// assert_eq!(Pareto::new(full(2.0), full(3.0))?.mean().into_scalar::<f32>(), 3.0);
    /// assert!(Pareto::new(full(2.0), full(1.0))?.mean().into_scalar::<f32>().is_infinite());
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Pareto: ParetoFamily, |this| Support::AtLeast { low: this.scale.clone() } => {
        /// The smallest value.
        scale: Domain::Positive,
        /// The power of the tail.
        alpha: Domain::Positive,
    }
}

/// The formulas of [`Pareto`].
#[derive(Debug)]
pub struct ParetoFamily;

/// `ln(x / scale)`, and where it is below 0.
fn log_ratio<R: Real>(x: R, scale: R) -> (R, R::Mask) {
    let outside = x.below(scale);
    let x = R::select(outside, scale, x);
    (((x - scale) / scale).ln_1p(), outside)
}

impl Family for ParetoFamily {
    const NAME: &'static str = "Pareto";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [scale, alpha] = params(p);
        let (log, outside) = log_ratio(x, scale);
        ((alpha / scale).ln() - (alpha + 1.0) * log).unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.exponential(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] * (e[0] / p[1]).exp()
    }
}

impl FamilyPathwise for ParetoFamily {}

impl FamilyMoments for ParetoFamily {
    /// Infinite for powers up to 1.
    fn mean<R: Real>(p: &[R]) -> R {
        let finite = p[1].over(1.0);
        let alpha = p[1].guard(finite, 2.0);
        (p[0] * alpha / (alpha - 1.0)).or(finite, f64::INFINITY)
    }

    /// Infinite for powers up to 2.
    fn variance<R: Real>(p: &[R]) -> R {
        let finite = p[1].over(2.0);
        let alpha = p[1].guard(finite, 3.0);
        ((p[0] / (alpha - 1.0)).square() * alpha / (alpha - 2.0)).or(finite, f64::INFINITY)
    }
}

impl FamilyEntropy for ParetoFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (p[0] / p[1]).ln() + p[1].recip() + 1.0
    }
}

impl FamilyMode for ParetoFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyCdf for ParetoFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        -(-(p[1] * log_ratio(x, p[0]).0)).exp_m1()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        (-(p[1] * log_ratio(x, p[0]).0)).exp()
    }
}

impl FamilyQuantile for ParetoFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * (-(-q).ln_1p() / p[1]).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * (-q.ln() / p[1]).exp()
    }
}
