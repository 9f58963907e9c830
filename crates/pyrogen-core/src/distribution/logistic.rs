//! The logistic distribution.

use super::family::prelude::*;

elementwise! {
    /// Logistic distribution of each element, with distribution function
    /// `sigmoid((x - loc) / scale)`.
    ///
    /// ```text
    /// log p(x) = -z - 2 ln(1 + exp(-z)) - ln(scale)    z = (x - loc) / scale
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Logistic, Quantile};
    ///
    /// let device = Device::flex();
    /// let p = Logistic::new(Tensor::<1>::zeros([1], &device), Tensor::ones([1], &device))?;
    /// let median = p.icdf(Tensor::full([1], 0.5, &device));
    /// assert_eq!(median.into_scalar::<f32>(), 0.0);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Logistic: LogisticFamily, |_this| Support::Real => {
        /// The mean.
        loc: Domain::Real,
        /// The scale: the standard deviation is `pi / sqrt(3)` times it.
        scale: Domain::Positive,
    }
}

/// The formulas of [`Logistic`].
#[derive(Debug)]
pub struct LogisticFamily;

pub(super) fn logit<R: Real>(q: R) -> R {
    q.ln() - (-q).ln_1p()
}

/// A standard logistic draw.
pub(super) fn noise(stream: &mut Stream) -> f64 {
    logit(stream.uniform())
}

impl Family for LogisticFamily {
    const NAME: &'static str = "Logistic";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, scale] = params(p);
        let z = ((x - loc) / scale).abs();
        -z - (-z).exp().ln_1p() * 2.0 - scale.ln()
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [noise(stream), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] + p[1] * e[0]
    }
}

impl FamilyPathwise for LogisticFamily {}

impl FamilyMoments for LogisticFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[1].square() * (std::f64::consts::PI.powi(2) / 3.0)
    }
}

impl FamilyEntropy for LogisticFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[1].ln() + 2.0
    }
}

impl FamilyMode for LogisticFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyCdf for LogisticFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        ((x - p[0]) / p[1]).sigmoid()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        ((p[0] - x) / p[1]).sigmoid()
    }
}

impl FamilyQuantile for LogisticFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] + p[1] * logit(q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - p[1] * logit(q)
    }
}
