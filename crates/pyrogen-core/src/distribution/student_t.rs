//! Student's distribution.

use super::cauchy;
use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Student's t distribution of each element.
    ///
    /// ```text
    /// p(x) = (1 + z^2 / df)^(-(df + 1) / 2) / (scale sqrt(df) B(1/2, df / 2))    z = (x - loc) / scale
    /// ```
    ///
    /// # Numerics
    /// The mean is NaN up to 1 degree of freedom; the variance is infinite up to 2, and NaN up to 1.
    /// The distribution function and the entropy have gradients by `df`, too, and draws have the
    /// implicit one.
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, StudentT};
    ///
    /// let device = Device::flex();
    /// let full = |v: f64| Tensor::<1>::full([1], v, &device);
    /// let t = StudentT::new(full(1.0), full(0.0), full(1.0))?;
    /// assert!((t.cdf(full(1.0)).into_scalar::<f32>() - 0.75).abs() < 1e-6);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    StudentT: StudentTFamily, |_this| Support::Real => {
        /// Degrees of freedom.
        df: Domain::Positive,
        /// The median.
        loc: Domain::Real,
        /// The scale.
        scale: Domain::Positive,
    }
}

/// The formulas of [`StudentT`].
#[derive(Debug)]
pub struct StudentTFamily;

impl Family for StudentTFamily {
    const NAME: &'static str = "StudentT";
    const NOISES: usize = 2;
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [df, loc, scale] = params(p);
        let z = (x - loc) / scale;
        let power = (df + 1.0) * 0.5 * cauchy::log_one_plus_square(z, df);
        -power - scale.ln() - df.ln() * 0.5 - lbeta(df.lit(0.5), df * 0.5)
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [stream.normal(), draws::log_gamma(stream, 0.5 * p[0])]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        let [df, loc, scale] = params(p);
        let half = df * 0.5;
        let t = e[0] * ((half.ln() - log_gamma_draw(half, e[1])) * 0.5).exp();
        loc + scale * t
    }
}

impl FamilyPathwise for StudentTFamily {}

impl FamilyMoments for StudentTFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[1].or(p[0].over(1.0), f64::NAN)
    }

    fn variance<R: Real>(p: &[R]) -> R {
        let [df, _, scale] = params(p);
        let finite = df.over(2.0);
        let df_ok = df.guard(finite, 3.0);
        let variance = scale.square() * df_ok / (df_ok - 2.0);
        variance.or(finite, f64::INFINITY).or(df.over(1.0), f64::NAN)
    }
}

impl FamilyEntropy for StudentTFamily {
    /// ```text
    /// (df + 1) / 2 (digamma((df + 1) / 2) - digamma(df / 2)) + ln(scale sqrt(df) B(1/2, df / 2))
    /// ```
    fn entropy<R: Real>(p: &[R]) -> R {
        let [df, _, scale] = params(p);
        let (half, more) = (df * 0.5, df * 0.5 + 0.5);
        // The difference of the two, without their common logarithm.
        let difference = (half.recip() * 0.5).ln_1p()
            + (half.recip() - more.recip()) * 0.5
            + stirling_error_slope(more)
            - stirling_error_slope(half);
        more * difference + scale.ln() + df.ln() * 0.5 + lbeta(df.lit(0.5), half)
    }
}

impl FamilyMode for StudentTFamily {
    fn mode<R: Real>(p: &[R]) -> R {
        p[1]
    }
}

impl FamilyCdf for StudentTFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        student_t_survival(p[0], (p[1] - x) / p[2])
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        student_t_survival(p[0], (x - p[1]) / p[2])
    }
}

impl FamilyQuantile for StudentTFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        p[1] - p[2] * student_t_isf(p[0], q)
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        p[1] + p[2] * student_t_isf(p[0], q)
    }
}
