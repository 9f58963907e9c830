//! The Poisson distribution.

use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Poisson distribution of each element.
    ///
    /// ```text
    /// log p(k) = k ln(rate) - rate - ln(k!)
    /// ```
    ///
    /// # Values
    /// Counts as numbers of the tensor's own type; other values have probability 0.
    ///
    /// # Numerics
    /// The mass is what is left over Stirling's formula and the deviance, so that counts of 1e5 cost
    /// no digits. Draws: transformed rejection, and inversion for rates below 10.
    ///
    /// # References
    /// Loader (2000), "Fast and Accurate Computation of Binomial Probabilities"; Hörmann (1993), "The
    /// Transformed Rejection Method for Generating Poisson Random Variables".
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, Poisson};
    ///
    /// let device = Device::flex();
    /// let p = Poisson::new(Tensor::<1>::full([1], 2.0, &device))?;
    /// let none = p.cdf(Tensor::zeros([1], &device)).into_scalar::<f32>();
    /// assert!((none - (-2f32).exp()).abs() < 1e-7);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Poisson: PoissonFamily, |_this| Support::NonNegativeInteger => {
        /// The mean.
        rate: Domain::NonNegative,
    }
}

/// The formulas of [`Poisson`].
#[derive(Debug)]
pub struct PoissonFamily;

impl Family for PoissonFamily {
    const NAME: &'static str = "Poisson";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let (outside, zero) = (R::either(x.under(0.0), x.broken()), x.is(0.0));
        let k = x.safe(R::either(outside, zero), 1.0);
        let mass = -stirling_error(k) - deviance(k, p[0]) - k.ln() * 0.5 - HALF_LN_2PI;
        R::select(zero, -p[0], mass.unless(outside, f64::NEG_INFINITY))
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::poisson(stream, p[0]), 0.0]
    }

    fn transform<R: Real>(e: &[R], _p: &[R]) -> R {
        e[0]
    }
}

impl FamilyMoments for PoissonFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyMode for PoissonFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].floor()
    }
}

impl FamilyCdf for PoissonFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let below = x.under(0.0);
        gamma_upper(x.safe(below, 0.0).floor() + 1.0, p[0]).unless(below, 0.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let below = x.under(0.0);
        gamma_lower(x.safe(below, 0.0).floor() + 1.0, p[0]).unless(below, 1.0)
    }
}

impl FamilyQuantile for PoissonFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        poisson_icdf(p[0], q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        poisson_isf(p[0], q)
    }
}

impl FamilyEntropy for PoissonFamily {
    /// A sum over the counts that matter.
    fn entropy<R: Real>(p: &[R]) -> R {
        poisson_entropy(p[0])
    }
}
