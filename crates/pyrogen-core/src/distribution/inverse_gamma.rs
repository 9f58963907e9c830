//! The inverse gamma distribution.

use super::draws;
use super::family::prelude::*;
use super::gamma;

elementwise! {
    /// Inverse gamma distribution of each element: `scale` over a gamma variable of shape
    /// `concentration`.
    ///
    /// ```text
    /// p(x) = scale^concentration x^(-concentration - 1) exp(-scale / x) / Gamma(concentration)
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{InverseGamma, Moments};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = InverseGamma::new(full(3.0), full(4.0))?;
    /// assert_eq!(p.mean().into_scalar::<f32>(), 2.0);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    InverseGamma: InverseGammaFamily, |_this| Support::Positive => {
        /// The shape.
        concentration: Domain::Positive,
        /// The scale.
        scale: Domain::Positive,
    }
}

/// The formulas of [`InverseGamma`].
#[derive(Debug)]
pub struct InverseGammaFamily;

impl Family for InverseGammaFamily {
    const NAME: &'static str = "InverseGamma";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let outside = x.not_positive();
        let inner = x.safe(outside, 1.0);
        let density = gamma::log_weight(p[0], p[1] / inner) - inner.ln();
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::log_gamma(stream, p[0]), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        (p[1].ln() - log_gamma_draw(p[0], e[0])).exp()
    }
}

impl FamilyPathwise for InverseGammaFamily {}

impl FamilyMoments for InverseGammaFamily {
    /// Infinite for shapes up to 1.
    fn mean<R: Real>(p: &[R]) -> R {
        let finite = p[0].over(1.0);
        (p[1] / (p[0].guard(finite, 2.0) - 1.0)).or(finite, f64::INFINITY)
    }

    /// Infinite for shapes up to 2.
    fn variance<R: Real>(p: &[R]) -> R {
        let finite = p[0].over(2.0);
        let a = p[0].guard(finite, 3.0);
        ((p[1] / (a - 1.0)).square() / (a - 2.0)).or(finite, f64::INFINITY)
    }
}

impl FamilyEntropy for InverseGammaFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        gamma::entropy(p[0]) - digamma(p[0]) * 2.0 + p[1].ln()
    }
}

impl FamilyMode for InverseGammaFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[1] / (p[0] + 1.0)
    }
}

/// `scale / x`, infinite at 0.
fn inverse<R: Real>(x: R, p: &[R]) -> R {
    let outside = x.not_positive();
    (p[1] / x.safe(outside, 1.0)).unless(outside, f64::INFINITY)
}

impl FamilyCdf for InverseGammaFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        gamma_upper(p[0], inverse(x, p))
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        gamma_lower(p[0], inverse(x, p))
    }
}

impl FamilyQuantile for InverseGammaFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        (p[1].ln() - log_gamma_isf(p[0], q)).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        (p[1].ln() - log_gamma_icdf(p[0], q)).exp()
    }
}
