//! The geometric distribution.

use super::family::prelude::*;

elementwise! {
    /// Geometric distribution of each element: the failures before the first success, of logit
    /// `l = ln(p / (1 - p))`.
    ///
    /// ```text
    /// p(k) = p (1 - p)^k    k = 0, 1, ..
    /// ```
    ///
    /// # Values
    /// Counts as numbers of the tensor's own type; other values have probability 0.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, Geometric};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let fair = Geometric::new(full(0.0))?;
    /// assert_eq!(fair.survival(full(9.0)).into_scalar::<f32>(), 0.5f32.powi(10));
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Geometric: GeometricFamily, |_this| Support::NonNegativeInteger => {
        /// The logit of a success.
        logits: Domain::Real,
    }
}

impl<const D: usize> Geometric<D> {
    /// The probability of a success.
    pub fn probs(&self) -> burn::tensor::Tensor<D> {
        pyrogen_ops::sigmoid(self.logits())
    }
}

/// The formulas of [`Geometric`].
#[derive(Debug)]
pub struct GeometricFamily;

impl Family for GeometricFamily {
    const NAME: &'static str = "Geometric";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let outside = R::either(x.under(0.0), x.broken());
        let mass = -(x * p[0].softplus()) - (-p[0]).softplus();
        mass.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [(stream.exponential() / p[0].softplus()).floor(), 0.0]
    }

    fn transform<R: Real>(e: &[R], _p: &[R]) -> R {
        e[0]
    }
}

impl FamilyMoments for GeometricFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        (-p[0]).exp()
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let odds = (-p[0]).exp();
        odds * (odds + 1.0)
    }
}

impl FamilyEntropy for GeometricFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (-p[0]).exp() * p[0].softplus() + (-p[0]).softplus()
    }
}

impl FamilyMode for GeometricFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].lit(0.0)
    }
}

impl FamilyCdf for GeometricFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let below = x.under(0.0);
        let k = x.safe(below, 0.0).floor();
        (-(-((k + 1.0) * p[0].softplus())).exp_m1()).unless(below, 0.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let below = x.under(0.0);
        let k = x.safe(below, 0.0).floor();
        (-((k + 1.0) * p[0].softplus())).exp().unless(below, 1.0)
    }
}

/// The smallest count whose survival is `exp(log)` at most. Rounding within 1e-12 of a count counts as
/// that count.
fn count<R: Real>(log: R, p: &[R]) -> R {
    let k = -log / p[0].softplus();
    let k = -((-(k * (1.0 - 1e-12))).floor()) - 1.0;
    k.most(k.lit(0.0))
}

impl FamilyQuantile for GeometricFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        count((-q).ln_1p(), p)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        count(q.ln(), p)
    }
}
