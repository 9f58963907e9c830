//! The half-normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use super::family::prelude::*;

elementwise! {
    /// Half-normal distribution of each element: the size of a normal variable around 0.
    ///
    /// ```text
    /// log p(x) = ln(2 / pi) / 2 - ln(scale) - (x / scale)^2 / 2    x >= 0
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{HalfNormal, Moments};
    ///
    /// let device = Device::flex();
    /// let p = HalfNormal::new(Tensor::<1>::ones([1], &device))?;
    /// assert!((p.mean().into_scalar::<f32>() - 0.797_884_6).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    HalfNormal: HalfNormalFamily, |_this| Support::NonNegative => {
        /// The standard deviation of the normal variable.
        scale: Domain::Positive,
    }
}

/// The formulas of [`HalfNormal`].
#[derive(Debug)]
pub struct HalfNormalFamily;

impl Family for HalfNormalFamily {
    const NAME: &'static str = "HalfNormal";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let density = -((x / p[0]).square() * 0.5) - p[0].ln() - 0.5 * (0.5 * PI).ln();
        density.unless(x.under(0.0), f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.normal().abs(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] * e[0]
    }
}

impl FamilyPathwise for HalfNormalFamily {}

impl FamilyMoments for HalfNormalFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] * (2.0 / PI).sqrt()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0].square() * (1.0 - 2.0 / PI)
    }
}

impl FamilyEntropy for HalfNormalFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[0].ln() + (0.5 * (0.5 * PI).ln() + 0.5)
    }
}

impl FamilyMode for HalfNormalFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].lit(0.0)
    }
}

impl FamilyCdf for HalfNormalFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        erf(x / p[0] * FRAC_1_SQRT_2)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        erfc(x / p[0] * FRAC_1_SQRT_2)
    }
}

impl FamilyQuantile for HalfNormalFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * erfinv(q) * SQRT_2
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        -(p[0] * ndtri(q * 0.5))
    }
}
