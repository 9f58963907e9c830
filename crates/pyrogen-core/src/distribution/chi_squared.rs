//! The chi-squared distribution.

use super::draws;
use super::family::prelude::*;
use super::gamma::GammaFamily;

elementwise! {
    /// Chi-squared distribution of each element: the sum of `df` squared standard normal variables,
    /// a gamma variable of shape `df / 2` and rate 1/2.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, ChiSquared};
    ///
    /// let device = Device::flex();
    /// let p = ChiSquared::new(Tensor::<1>::full([1], 1.0, &device))?;
    /// let beyond = p.survival(Tensor::full([1], 3.841_458_8, &device));
    /// assert!((beyond.into_scalar::<f32>() - 0.05).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    ChiSquared: ChiSquaredFamily, |_this| Support::Positive => {
        /// Degrees of freedom.
        df: Domain::Positive,
    }
}

/// The formulas of [`ChiSquared`].
#[derive(Debug)]
pub struct ChiSquaredFamily;

fn gamma<R: Real>(p: &[R]) -> [R; 2] {
    [p[0] * 0.5, p[0].lit(0.5)]
}

impl Family for ChiSquaredFamily {
    const NAME: &'static str = "ChiSquared";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        GammaFamily::log_prob(x, &gamma(p))
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::log_gamma(stream, 0.5 * p[0]), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        GammaFamily::transform(e, &gamma(p))
    }
}

impl FamilyPathwise for ChiSquaredFamily {}

impl FamilyMoments for ChiSquaredFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0] * 2.0
    }
}

impl FamilyEntropy for ChiSquaredFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        GammaFamily::entropy(&gamma(p))
    }
}

impl FamilyMode for ChiSquaredFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        GammaFamily::mode(&gamma(p))
    }
}

impl FamilyCdf for ChiSquaredFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        GammaFamily::cdf(x, &gamma(p))
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        GammaFamily::survival(x, &gamma(p))
    }
}

impl FamilyQuantile for ChiSquaredFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        GammaFamily::icdf(q, &gamma(p))
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        GammaFamily::isf(q, &gamma(p))
    }
}
