//! The truncated normal distribution.

use super::family::prelude::*;

elementwise! {
    /// Normal distribution of each element, between two bounds.
    ///
    /// ```text
    /// log p(x) = -z^2 / 2 - ln(2 pi) / 2 - ln(scale) - ln(Phi(b) - Phi(a))
    /// z = (x - loc) / scale    a = (low - loc) / scale    b = (high - loc) / scale
    /// ```
    ///
    /// A bound may be infinite.
    ///
    /// # Numerics
    /// The mass between the bounds is a difference of logarithms, taken in the tail that is nearer, so
    /// that it has its digits 30 standard deviations away and further. Draws invert the distribution
    /// function there, too. Moments there are integrals, in which nothing cancels.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Distribution, TruncatedNormal};
    /// use pyrogen_core::{Noise, Seed};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([100], v, &device);
    /// let far = TruncatedNormal::new(full(0.0), full(1.0), full(30.0), full(31.0))?;
    /// let draws: Vec<f32> = far.sample(&mut Noise::new(Seed(1))).into_data().iter().collect();
    /// assert!(draws.iter().all(|x| (30.0..31.0).contains(x)));
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    TruncatedNormal: TruncatedNormalFamily, |this| Support::Interval {
        low: this.low.clone(),
        high: this.high.clone(),
    } => {
        /// The mean before truncation.
        loc: Domain::Real,
        /// The standard deviation before truncation.
        scale: Domain::Positive,
        /// The lower bound.
        low: Domain::Number,
        /// The upper bound.
        high: Domain::Number,
    }
    check |this: &TruncatedNormal<D>| {
        let above = this.high().greater(this.low()).float();
        Domain::True.check("TruncatedNormal", "high > low", &above)
    };
}

/// The formulas of [`TruncatedNormal`].
#[derive(Debug)]
pub struct TruncatedNormalFamily;

/// `ln(Phi(b) - Phi(a))` for `a < b`, in the tail where both are small.
fn log_mass<R: Real>(a: R, b: R) -> R {
    let upper = a.over(0.0);
    let (a, b) = (R::select(upper, -b, a), R::select(upper, -a, b));
    let (low, high) = (log_ndtr(a), log_ndtr(b));
    high + (high - low).log1mexp()
}

fn standard<R: Real>(x: R, p: &[R]) -> R {
    (x - p[0]) / p[1]
}

/// The bounds in standard units, and the logarithm of the mass between them.
fn bounds<R: Real>(p: &[R]) -> [R; 3] {
    let (a, b) = (standard(p[2], p), standard(p[3], p));
    [a, b, log_mass(a, b)]
}

impl Family for TruncatedNormalFamily {
    const NAME: &'static str = "TruncatedNormal";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let outside = R::either(x.below(p[2]), p[3].below(x));
        let z = standard(R::select(outside, p[0], x), p);
        let density = -(z.square() * 0.5) - HALF_LN_2PI - p[1].ln() - bounds(p)[2];
        density.unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.uniform(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        Self::icdf(e[0], p)
    }
}

impl FamilyPathwise for TruncatedNormalFamily {}

impl FamilyMoments for TruncatedNormalFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] + p[1] * truncated_mean(standard(p[2], p), standard(p[3], p))
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[1].square() * truncated_variance(standard(p[2], p), standard(p[3], p))
    }
}

impl FamilyEntropy for TruncatedNormalFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[1].ln() + truncated_entropy(standard(p[2], p), standard(p[3], p))
    }
}

impl FamilyMode for TruncatedNormalFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0].most(p[2]).least(p[3])
    }
}

impl FamilyCdf for TruncatedNormalFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let [a, _, mass] = bounds(p);
        let (below, above) = (R::not(p[2].below(x)), R::not(x.below(p[3])));
        let x = R::select(R::either(below, above), p[2].most(p[0] - p[1]).least(p[3]), x);
        let z = standard(x, p);
        let inner = a.below(z);
        let value = (log_mass(a, R::select(inner, z, a + 1.0)) - mass).exp();
        value.unless(below, 0.0).unless(above, 1.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        Self::cdf(-x, &mirrored(p))
    }
}

/// The distribution of the negative.
fn mirrored<R: Real>(p: &[R]) -> [R; 4] {
    [-p[0], p[1], -p[3], -p[2]]
}

impl FamilyQuantile for TruncatedNormalFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        let (a, b) = (standard(p[2], p), standard(p[3], p));
        (p[0] + p[1] * truncated_ndtri(q, a, b)).most(p[2]).least(p[3])
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        -Self::icdf(q, &mirrored(p))
    }
}
