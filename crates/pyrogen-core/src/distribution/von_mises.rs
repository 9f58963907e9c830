//! Von Mises' distribution.

use std::f64::consts::PI;

use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Von Mises' distribution of each element, on the circle.
    ///
    /// ```text
    /// p(x) = exp(concentration cos(x - loc)) / (2 pi I_0(concentration))
    /// ```
    ///
    /// # Values
    /// Angles; the density has period `2 pi`. Draws lie in [-pi, pi]. The distribution function counts
    /// from `loc - pi`, and the quantiles lie between `loc - pi` and `loc + pi`. Mean and variance are
    /// those of the circle: `loc`, and 1 less the length of the mean vector.
    ///
    /// # References
    /// Best and Fisher (1979), "Efficient Simulation of the von Mises Distribution"; Mardia and Jupp
    /// (2000), "Directional Statistics", section 3.5.4.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Distribution, VonMises};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let p = VonMises::new(full(0.5), full(2.0))?;
    /// let turn = std::f64::consts::TAU;
    /// assert!(p.log_prob(full(1.0)).all_close(p.log_prob(full(1.0 + turn)), None, None));
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    VonMises: VonMisesFamily, |_this| Support::Circle => {
        /// The mean direction.
        loc: Domain::Real,
        /// How narrow: 0 is uniform, and large values are inverse variances.
        concentration: Domain::NonNegative,
    }
}

/// The formulas of [`VonMises`].
#[derive(Debug)]
pub struct VonMisesFamily;

impl Family for VonMisesFamily {
    const NAME: &'static str = "VonMises";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, kappa] = params(p);
        let fall = ((x - loc) * 0.5).sin().square() * 2.0;
        -(kappa * fall) - log_bessel_i0e(kappa) - (2.0 * PI).ln()
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::von_mises(stream, p[1]), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        let x = p[0] + von_mises_draw(p[1], e[0]);
        x - ((x + PI) / (2.0 * PI)).floor() * (2.0 * PI)
    }
}

impl FamilyPathwise for VonMisesFamily {}

impl FamilyMoments for VonMisesFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        one_minus_bessel_ratio(p[1])
    }
}

impl FamilyEntropy for VonMisesFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        p[1] * one_minus_bessel_ratio(p[1]) + log_bessel_i0e(p[1]) + (2.0 * PI).ln()
    }
}

impl FamilyMode for VonMisesFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

fn within<R: Real>(x: R) -> R {
    let x = x.safe(x.under(-PI), -PI);
    x.safe(x.over(PI), PI)
}

impl FamilyCdf for VonMisesFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        von_mises_lower(p[1], within(x - p[0]))
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        von_mises_upper(p[1], within(x - p[0]))
    }
}

impl FamilyQuantile for VonMisesFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] + von_mises_icdf(p[1], q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - von_mises_icdf(p[1], q)
    }
}
