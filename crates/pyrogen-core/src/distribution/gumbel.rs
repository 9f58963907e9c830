//! Gumbel's distribution.

use super::family::prelude::*;

elementwise! {
    /// Gumbel's distribution of each element: that of the largest of many draws.
    ///
    /// ```text
    /// log p(x) = -z - exp(-z) - ln(scale)    z = (x - loc) / scale
    /// ```
    ///
    /// # References
    /// Gumbel (1954), "Statistical Theory of Extreme Values and Some Practical Applications".
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Gumbel, Moments};
    ///
    /// let device = Device::flex();
    /// let p = Gumbel::new(Tensor::<1>::zeros([1], &device), Tensor::ones([1], &device))?;
    /// assert!((p.mean().into_scalar::<f32>() - 0.577_215_7).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Gumbel: GumbelFamily, |_this| Support::Real => {
        /// The mode.
        loc: Domain::Real,
        /// The scale.
        scale: Domain::Positive,
    }
}

/// The formulas of [`Gumbel`].
#[derive(Debug)]
pub struct GumbelFamily;

impl Family for GumbelFamily {
    const NAME: &'static str = "Gumbel";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, scale] = params(p);
        let z = (x - loc) / scale;
        -z - (-z).exp() - scale.ln()
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [-stream.exponential().ln(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] + p[1] * e[0]
    }
}

impl FamilyPathwise for GumbelFamily {}

impl FamilyMoments for GumbelFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] + p[1] * EULER
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[1].square() * (std::f64::consts::PI.powi(2) / 6.0)
    }
}

impl FamilyEntropy for GumbelFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[1].ln() + (1.0 + EULER)
    }
}

impl FamilyMode for GumbelFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyCdf for GumbelFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        (-((p[0] - x) / p[1]).exp()).exp()
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        -(-((p[0] - x) / p[1]).exp()).exp_m1()
    }
}

impl FamilyQuantile for GumbelFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - p[1] * (-q.ln()).ln()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - p[1] * (-(-q).ln_1p()).ln()
    }
}
