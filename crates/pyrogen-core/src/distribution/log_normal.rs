//! The log-normal distribution.

use super::family::prelude::*;

elementwise! {
    /// Log-normal distribution of each element: the exponential of a normal variable.
    ///
    /// ```text
    /// log p(x) = -ln(x) - ln(scale) - ln(2 pi) / 2 - z^2 / 2    z = (ln(x) - loc) / scale
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{LogNormal, Mode};
    ///
    /// let device = Device::flex();
    /// let p = LogNormal::new(Tensor::<1>::ones([1], &device), Tensor::ones([1], &device))?;
    /// assert_eq!(p.mode().into_scalar::<f32>(), 1.0);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    LogNormal: LogNormalFamily, |_this| Support::Positive => {
        /// The mean of the logarithm.
        loc: Domain::Real,
        /// The standard deviation of the logarithm.
        scale: Domain::Positive,
    }
}

/// The formulas of [`LogNormal`].
#[derive(Debug)]
pub struct LogNormalFamily;

impl Family for LogNormalFamily {
    const NAME: &'static str = "LogNormal";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, scale] = params(p);
        let outside = x.not_positive();
        let log = x.safe(outside, 1.0).ln();
        let density = -((log - loc) / scale).square() * 0.5 - log - scale.ln() - HALF_LN_2PI;
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.normal(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        (p[0] + p[1] * e[0]).exp()
    }
}

impl FamilyPathwise for LogNormalFamily {}

impl FamilyMoments for LogNormalFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        (p[0] + p[1].square() * 0.5).exp()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let square = p[1].square();
        square.exp_m1() * (p[0] * 2.0 + square).exp()
    }
}

impl FamilyEntropy for LogNormalFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[0] + p[1].ln() + (0.5 + HALF_LN_2PI)
    }
}

impl FamilyMode for LogNormalFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        (p[0] - p[1].square()).exp()
    }
}

fn standard<R: Real>(x: R, p: &[R]) -> R {
    let outside = x.not_positive();
    let z = (x.safe(outside, 1.0).ln() - p[0]) / p[1];
    z.unless(outside, f64::NEG_INFINITY)
}

impl FamilyCdf for LogNormalFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        ndtr(standard(x, p))
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        ndtr(-standard(x, p))
    }
}

impl FamilyQuantile for LogNormalFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        (p[0] + p[1] * ndtri(q)).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        (p[0] - p[1] * ndtri(q)).exp()
    }
}
