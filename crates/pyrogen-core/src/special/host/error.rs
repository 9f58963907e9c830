//! The error function's family.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI, SQRT_2};

use crate::normal_quantile;

/// The error function. Relative error about 1e-15.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// `1 - erf(x)`, with relative accuracy in the upper tail. Relative error about 1e-14.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// `exp(x^2) erfc(x)`: the complementary error function without its exponential decay.
///
/// # Numerics
/// Relative error below 1e-13 for `x >= 0`; infinite below -26.7.
pub fn erfcx(x: f64) -> f64 {
    // Where squaring costs too many digits.
    const FAR: f64 = 12.0;
    if x < FAR {
        // The square's rounding error, made good to first order.
        let square = x * x;
        let rest = x.mul_add(x, -square);
        return square.exp() * erfc(x) * (1.0 + rest);
    }
    // The asymptotic series, whose terms fall by (2 k - 1) / (2 x^2).
    let r = 0.5 / (x * x);
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..12 {
        term *= -((2 * k - 1) as f64) * r;
        sum += term;
    }
    sum / (x * PI.sqrt())
}

/// The inverse of [`erf`].
///
/// # Numerics
/// Relative error about 1e-15; infinite at -1 and 1, NaN beyond.
pub fn erfinv(y: f64) -> f64 {
    if y.abs() >= 0.9 {
        // 1 - |y| is exact here.
        return (-ndtri(0.5 * (1.0 - y.abs())) * FRAC_1_SQRT_2).copysign(y);
    }
    let x = normal_quantile(0.5 + 0.5 * y) * FRAC_1_SQRT_2;
    // The argument of the quantile is rounded at the size of 1/2: one step of Newton's method.
    let slope = FRAC_2_SQRT_PI * (-x * x).exp();
    x - (erf(x) - y) / slope
}

/// The standard normal distribution function, with relative accuracy in the lower tail.
pub fn ndtr(x: f64) -> f64 {
    0.5 * erfc(-x * FRAC_1_SQRT_2)
}

/// `ln ndtr(x)`, without underflow.
///
/// # Numerics
/// Relative error below 1e-13.
pub fn log_ndtr(x: f64) -> f64 {
    if x < -1.0 {
        return (0.5 * erfcx(-x * FRAC_1_SQRT_2)).ln() - 0.5 * x * x;
    }
    (-0.5 * erfc(x * FRAC_1_SQRT_2)).ln_1p()
}

/// The quantile function of the standard normal distribution: [`normal_quantile`].
pub fn ndtri(p: f64) -> f64 {
    normal_quantile(p)
}

/// The derivative of [`log_ndtr`]: the density over the distribution function.
pub fn log_ndtr_slope(x: f64) -> f64 {
    if x < -1.0 {
        // The two exponentials cancel.
        return (2.0 / PI).sqrt() / erfcx(-x * FRAC_1_SQRT_2);
    }
    normal_density(x) / ndtr(x)
}

/// The number `x` with `ln ndtr(x) = log_p`, for logarithms down to where `exp` underflows and beyond.
///
/// # Numerics
/// Relative error about 1e-14.
pub fn log_ndtri(log_p: f64) -> f64 {
    // Where the quantile's own argument is exact enough.
    if log_p > -600.0 {
        let p = log_p.exp();
        return if p > 0.5 { -normal_quantile(-log_p.exp_m1()) } else { normal_quantile(p) };
    }
    let mut x = -(-2.0 * log_p).sqrt();
    for _ in 0..20 {
        let step = (log_ndtr(x) - log_p) / log_ndtr_slope(x);
        x -= step;
        if step.abs() < 1e-15 * x.abs() {
            break;
        }
    }
    x
}

/// The standard normal density.
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (PI.sqrt() * SQRT_2)
}
