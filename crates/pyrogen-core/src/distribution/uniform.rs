//! The uniform distribution.

use super::family::prelude::*;

elementwise! {
    /// Uniform distribution of each element, between two bounds that belong to it.
    ///
    /// ```text
    /// p(x) = 1 / (high - low)    low <= x <= high
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::Uniform;
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// assert!(Uniform::new(full(0.0), full(2.0)).is_ok());
    /// let error = Uniform::new(full(3.0), full(2.0)).unwrap_err();
    /// let text = "Uniform: `high - low` must be positive and finite, got -1 at element 0";
    /// assert_eq!(error.to_string(), text);
    /// ```
    Uniform: UniformFamily, |this| Support::Interval {
        low: this.low.clone(),
        high: this.high.clone(),
    } => {
        /// The lower bound.
        low: Domain::Real,
        /// The upper bound.
        high: Domain::Real,
    }
    check |this: &Uniform<D>| {
        let width = this.high.clone() - this.low.clone();
        Domain::Positive.check("Uniform", "high - low", &width)
    };
}

/// The formulas of [`Uniform`].
#[derive(Debug)]
pub struct UniformFamily;

impl Family for UniformFamily {
    const NAME: &'static str = "Uniform";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [low, high] = params(p);
        let outside = R::either(x.below(low), high.below(x));
        (-(high - low).ln() + x * 0.0).unless(outside, f64::NEG_INFINITY)
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [stream.uniform(), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] + (p[1] - p[0]) * e[0]
    }
}

impl FamilyPathwise for UniformFamily {}

impl FamilyMoments for UniformFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] * 0.5 + p[1] * 0.5
    }

    fn variance<R: Real>(p: &[R]) -> R {
        (p[1] - p[0]).square() / 12.0
    }
}

impl FamilyEntropy for UniformFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (p[1] - p[0]).ln()
    }
}

impl FamilyMode for UniformFamily {
    /// The middle: all values between the bounds are as probable.
    fn mode<R: Real>(p: &[R]) -> R {
        Self::mean(p)
    }
}

impl FamilyCdf for UniformFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        (x.most(p[0]).least(p[1]) - p[0]) / (p[1] - p[0])
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        (p[1] - x.most(p[0]).least(p[1])) / (p[1] - p[0])
    }
}

impl FamilyQuantile for UniformFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] + (p[1] - p[0]) * q
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[1] - (p[1] - p[0]) * q
    }
}
