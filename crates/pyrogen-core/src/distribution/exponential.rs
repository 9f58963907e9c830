//! The exponential distribution.

use super::family::prelude::*;

elementwise! {
    /// Exponential distribution of each element.
    ///
    /// ```text
    /// p(x) = rate exp(-rate x)    x >= 0
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, Exponential};
    ///
    /// let device = Device::flex();
    /// let wait = Exponential::new(Tensor::<1>::from_floats([2.0], &device))?;
    /// let never = wait.survival(Tensor::from_floats([30.0], &device));
    /// assert!(never.all_close(Tensor::full([1], (-60f32).exp(), &device), None, Some(0.0)));
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Exponential: ExponentialFamily, |_this| Support::NonNegative => {
        /// The inverse of the mean.
        rate: Domain::Positive,
    }
}

/// The formulas of [`Exponential`].
#[derive(Debug)]
pub struct ExponentialFamily;

impl Family for ExponentialFamily {
    const NAME: &'static str = "Exponential";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        (p[0].ln() - p[0] * x).unless(x.under(0.0), f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.exponential(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        e[0] / p[0]
    }
}

impl FamilyPathwise for ExponentialFamily {}

impl FamilyMoments for ExponentialFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0].recip()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0].recip().square()
    }
}

impl FamilyEntropy for ExponentialFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        -p[0].ln() + 1.0
    }
}

impl FamilyMode for ExponentialFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].lit(0.0)
    }
}

impl FamilyCdf for ExponentialFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        -(-(p[0] * x)).exp_m1()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let x = x.safe(x.under(0.0), 0.0);
        (-(p[0] * x)).exp()
    }
}

impl FamilyQuantile for ExponentialFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        -(-q).ln_1p() / p[0]
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        -q.ln() / p[0]
    }
}
