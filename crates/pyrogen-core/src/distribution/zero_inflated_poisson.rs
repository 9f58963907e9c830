//! The zero-inflated Poisson distribution.

use super::draws;
use super::family::prelude::*;
use super::poisson::PoissonFamily;

elementwise! {
    /// Poisson distribution of each element with more zeros: 0 with probability `gate`, and a Poisson
    /// count otherwise.
    ///
    /// # References
    /// Lambert (1992), "Zero-Inflated Poisson Regression", eq. 1.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Moments, ZeroInflatedPoisson};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = ZeroInflatedPoisson::new(full(0.25), full(4.0))?;
    /// assert_eq!(p.mean().into_scalar::<f32>(), 3.0);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    ZeroInflatedPoisson: ZeroInflatedPoissonFamily, |_this| Support::NonNegativeInteger => {
        /// The probability that the count is 0 whatever the Poisson variable is.
        gate: Domain::Unit,
        /// The mean of the Poisson variable.
        rate: Domain::NonNegative,
    }
}

/// The formulas of [`ZeroInflatedPoisson`].
#[derive(Debug)]
pub struct ZeroInflatedPoissonFamily;

impl Family for ZeroInflatedPoissonFamily {
    const NAME: &'static str = "ZeroInflatedPoisson";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [gate, rate] = params(p);
        let rest = gate.under_from(1.0);
        // Near 1 the complement has the digits.
        let near = rate.under(0.7);
        let direct = (gate + rest * (-rate).exp()).ln();
        let zero = R::select(near, (rest * (-rate).exp_m1()).ln_1p(), direct);
        let other = (-gate).ln_1p() + PoissonFamily::log_prob(x, &[rate]);
        R::select(x.is(0.0), zero, other)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        let closed = stream.uniform() < p[0];
        [if closed { 0.0 } else { draws::poisson(stream, p[1]) }, 0.0]
    }

    fn transform<R: Real>(e: &[R], _p: &[R]) -> R {
        e[0]
    }
}

impl FamilyMoments for ZeroInflatedPoissonFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0].under_from(1.0) * p[1]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0].under_from(1.0) * p[1] * (p[0] * p[1] + 1.0)
    }
}

impl FamilyCdf for ZeroInflatedPoissonFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let open = p[0].under_from(1.0) * PoissonFamily::cdf(x, &p[1..]);
        (p[0] + open).unless(x.under(0.0), 0.0)
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let open = p[0].under_from(1.0) * PoissonFamily::survival(x, &p[1..]);
        open.unless(x.under(0.0), 1.0)
    }
}

impl FamilyMode for ZeroInflatedPoissonFamily {
    /// 0, or the Poisson variable's where that is more probable.
    fn mode<R: Real>(p: &[R]) -> R {
        let (zero, top) = (p[0].lit(0.0), p[1].floor());
        let more = Self::log_prob(zero, p).below(Self::log_prob(top, p));
        R::select(more, top, zero)
    }
}

impl FamilyQuantile for ZeroInflatedPoissonFamily {
    /// That of the Poisson variable, of what is left of the probability above the gate's.
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        let shut = R::not(p[0].below(q));
        let rest = (q - p[0]) / p[0].under_from(1.0);
        poisson_icdf(p[1], rest.safe(shut, 0.5)).unless(shut, 0.0)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        let open = p[0].under_from(1.0);
        let shut = R::not(q.below(open));
        poisson_isf(p[1], (q / open).safe(shut, 0.5)).unless(shut, 0.0)
    }
}
