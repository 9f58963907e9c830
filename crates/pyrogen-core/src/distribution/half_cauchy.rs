//! The half-Cauchy distribution.

use std::f64::consts::{FRAC_PI_2, PI};

use super::cauchy;
use super::family::prelude::*;

elementwise! {
    /// Half-Cauchy distribution of each element: the size of a Cauchy variable around 0.
    ///
    /// ```text
    /// p(x) = 2 / (pi scale (1 + (x / scale)^2))    x >= 0
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{HalfCauchy, Quantile};
    ///
    /// let device = Device::flex();
    /// let p = HalfCauchy::new(Tensor::<1>::full([1], 3.0, &device))?;
    /// assert!((p.icdf(Tensor::full([1], 0.5, &device)).into_scalar::<f32>() - 3.0).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    HalfCauchy: HalfCauchyFamily, |_this| Support::NonNegative => {
        /// The median.
        scale: Domain::Positive,
    }
}

/// The formulas of [`HalfCauchy`].
#[derive(Debug)]
pub struct HalfCauchyFamily;

impl Family for HalfCauchyFamily {
    const NAME: &'static str = "HalfCauchy";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let density =
            -cauchy::log_one_plus_square(x / p[0], p[0].lit(1.0)) - p[0].ln() - FRAC_PI_2.ln();
        density.unless(x.under(0.0), f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [cauchy::noise(stream).abs(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] * e[0]
    }
}

impl FamilyPathwise for HalfCauchyFamily {}

impl FamilyEntropy for HalfCauchyFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (p[0] * (2.0 * PI)).ln()
    }
}

impl FamilyMode for HalfCauchyFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].lit(0.0)
    }
}

impl FamilyCdf for HalfCauchyFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        (x / p[0]).atan() / FRAC_PI_2
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        cauchy::lower(-(x / p[0])) * 2.0
    }
}

impl FamilyQuantile for HalfCauchyFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] * (q * FRAC_PI_2).tan()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        // Each end has the digits of its own form: the angle's complement is 0 at q = 1.
        let low = q.under(0.5);
        let small = p[0] / (q.guard(low, 0.25) * FRAC_PI_2).tan();
        let large = p[0] * (q.under_from(1.0) * FRAC_PI_2).tan();
        R::select(low, small, large)
    }
}
