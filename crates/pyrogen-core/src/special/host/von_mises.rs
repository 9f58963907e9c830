//! The distribution function of von Mises' distribution.

use std::f64::consts::PI;

use super::bessel::{bessel_ratio, log_bessel_ie};
use super::solve::increasing_root;

/// Nodes and weights of the Gauss-Legendre rule of 16 points, the positive half.
const NODES: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_095),
];

/// `P(X <= x)` and its complement for `x` in [-pi, pi], location 0 and concentration `kappa >= 0`.
///
/// # Numerics
/// Relative error below 1e-12 in both tails, by Gauss-Legendre quadrature of the density from `x`
/// outwards.
pub fn von_mises_cdf(kappa: f64, x: f64) -> (f64, f64) {
    let tail = outside(kappa, x.abs(), |_| 1.0);
    if x > 0.0 { (1.0 - tail, tail) } else { (tail, 1.0 - tail) }
}

/// The derivative of [`von_mises_cdf`]'s first result by `kappa`.
///
/// # Numerics
/// Relative error below 1e-11.
pub fn von_mises_cdf_slope(kappa: f64, x: f64) -> f64 {
    // The derivative of the log-density is cos t - I_1(kappa) / I_0(kappa); near the top both are
    // near 1, so their distances from 1 are subtracted.
    let rest = one_minus_bessel_ratio(kappa);
    let tail = outside(kappa, x.abs(), |t| rest - 2.0 * (0.5 * t).sin().powi(2));
    if x > 0.0 { -tail } else { tail }
}

/// The density at `x`, around 0.
pub fn von_mises_density(kappa: f64, x: f64) -> f64 {
    let log_top = -(2.0 * PI).ln() - log_bessel_ie(0.0, kappa);
    (log_top - 2.0 * kappa * (0.5 * x).sin().powi(2)).exp()
}

/// `1 - I_1(kappa) / I_0(kappa)`, without cancellation for large `kappa`.
pub fn one_minus_bessel_ratio(kappa: f64) -> f64 {
    if kappa > 1e3 {
        // 1/(2 k) + 1/(8 k^2) + 1/(8 k^3) + 25/(128 k^4) + 13/(32 k^5)
        let r = 1.0 / kappa;
        return r * (0.5 + r * (0.125 + r * (0.125 + r * (25.0 / 128.0 + r * 13.0 / 32.0))));
    }
    1.0 - bessel_ratio(0.0, kappa)
}

/// `int_x^pi f(t) p(t) dt` for `x >= 0`.
fn outside(kappa: f64, x: f64, f: impl Fn(f64) -> f64) -> f64 {
    // ln p(t) = kappa (cos t - 1) - ln(2 pi I_0(kappa) exp(-kappa))
    let log_top = -(2.0 * PI).ln() - log_bessel_ie(0.0, kappa);
    let log_density = |t: f64| log_top - 2.0 * kappa * (0.5 * t).sin().powi(2);
    // The density falls by a factor e within a step of this length at most.
    let width = |t: f64| 2.0 / (kappa.sqrt() + kappa * t.sin().max(0.0) + 1.0);
    let top = log_density(x);
    let (mut sum, mut from) = (0.0, x);
    while from < PI && log_density(from) > top - 60.0 {
        let to = (from + width(from)).min(PI);
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        for (node, weight) in NODES {
            for t in [middle - half * node, middle + half * node] {
                sum += half * weight * f(t) * log_density(t).exp();
            }
        }
        from = to;
    }
    sum
}

/// The angle `x` in [-pi, pi] with `P(X <= x) = p` and complement `q`, where `p + q = 1`.
///
/// # Numerics
/// Absolute error about 1e-12 of the angle, times the condition of the inverse.
pub fn von_mises_quantile(kappa: f64, p: f64, q: f64) -> f64 {
    if p.is_nan() || q.is_nan() || p < 0.0 || q < 0.0 {
        return f64::NAN;
    }
    if p == 0.0 {
        return -PI;
    }
    if q == 0.0 {
        return PI;
    }
    if p > q {
        return -von_mises_quantile(kappa, q, p);
    }
    let target = p.ln();
    let normal = crate::normal_quantile(p) / kappa.max(0.3).sqrt();
    increasing_root(normal.max(-0.99 * PI), -PI, 0.0, |x| {
        let (cdf, _) = von_mises_cdf(kappa, x);
        if cdf == 0.0 {
            return (f64::NEG_INFINITY, 1.0);
        }
        (cdf.ln() - target, von_mises_density(kappa, x) / cdf)
    })
}
