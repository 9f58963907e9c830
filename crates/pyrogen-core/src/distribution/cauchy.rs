//! Cauchy's distribution.

use std::f64::consts::{FRAC_1_PI, PI};

use super::family::prelude::*;

elementwise! {
    /// Cauchy's distribution of each element. It has neither mean nor variance.
    ///
    /// ```text
    /// p(x) = 1 / (pi scale (1 + z^2))    z = (x - loc) / scale
    /// ```
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cauchy, Cdf};
    ///
    /// let device = Device::flex();
    /// let p = Cauchy::new(Tensor::<1>::zeros([1], &device), Tensor::ones([1], &device))?;
    /// let far = p.survival(Tensor::full([1], 1e10, &device)).into_scalar::<f32>();
    /// assert!((far * 1e10 - std::f32::consts::FRAC_1_PI).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Cauchy: CauchyFamily, |_this| Support::Real => {
        /// The median.
        loc: Domain::Real,
        /// Half the distance of the quartiles.
        scale: Domain::Positive,
    }
}

/// The formulas of [`Cauchy`].
#[derive(Debug)]
pub struct CauchyFamily;

/// `P(X <= z)` of the standard distribution: far below, the inverse's angle has the digits.
pub(super) fn lower<R: Real>(z: R) -> R {
    let far = z.under(-1.0);
    let tail = -(z.guard(far, -2.0).recip()).atan();
    let near = z.safe(far, 0.0).atan() * FRAC_1_PI + 0.5;
    R::select(far, tail * FRAC_1_PI, near)
}

/// `ln(1 + z^2 / df)`, also where the square is beyond all numbers.
pub(super) fn log_one_plus_square<R: Real>(z: R, df: R) -> R {
    let size = z.abs();
    let far = size.over(1e15);
    let large = size.guard(far, 1.0).ln() * 2.0 - df.ln();
    R::select(far, large, (z.safe(far, 0.0).square() / df).ln_1p())
}

/// The number with `P(X <= z) = q`.
fn quantile<R: Real>(q: R) -> R {
    let below = q.under(0.5);
    let nearest = R::select(below, q, q.under_from(1.0));
    let size = (nearest * PI).tan().recip();
    R::select(below, -size, size)
}

/// A draw of the standard distribution.
pub(super) fn noise(stream: &mut Stream) -> f64 {
    quantile(stream.uniform())
}

impl Family for CauchyFamily {
    const NAME: &'static str = "Cauchy";

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [loc, scale] = params(p);
        -log_one_plus_square((x - loc) / scale, scale.lit(1.0)) - scale.ln() - PI.ln()
    }

    fn noise(stream: &mut Stream, _p: &[f64]) -> [f64; 2] {
        [noise(stream), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        p[0] + p[1] * e[0]
    }
}

impl FamilyPathwise for CauchyFamily {}

impl FamilyEntropy for CauchyFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        (p[1] * (4.0 * PI)).ln()
    }
}

impl FamilyMode for CauchyFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[0]
    }
}

impl FamilyCdf for CauchyFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        lower((x - p[0]) / p[1])
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        lower((p[0] - x) / p[1])
    }
}

impl FamilyQuantile for CauchyFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[0] + p[1] * quantile(q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[0] - p[1] * quantile(q)
    }
}
