//! Modified Bessel functions of the first kind, by their logarithm.

use std::f64::consts::{LN_2, PI};

use super::gamma::lgamma;

/// `ln I_nu(x)` for `nu >= 0` and `x >= 0`.
///
/// # Numerics
/// Relative error below 1e-13, or absolute 1e-13 where the value is near zero, for orders up to
/// 100 and any argument that fits; `-inf` at `x = 0` for a positive order. No overflow: the value
/// grows as `x`.
///
/// # References
/// Abramowitz and Stegun (1964), 9.6.10 (the series) and 9.7.1 (large arguments).
pub fn log_bessel_i(nu: f64, x: f64) -> f64 {
    if is_large(nu, x) { x + log_bessel_ie(nu, x) } else { series(nu, x) }
}

/// `ln(I_nu(x) exp(-x))`: [`log_bessel_i`] without its growth.
///
/// # Numerics
/// As [`log_bessel_i`], and for large `x` relative to this smaller value.
pub fn log_bessel_ie(nu: f64, x: f64) -> f64 {
    if is_large(nu, x) {
        return large(nu, x).ln() - 0.5 * (2.0 * PI * x).ln();
    }
    series(nu, x) - x
}

/// Where Hankel's expansion has the digits.
fn is_large(nu: f64, x: f64) -> bool {
    x > 40.0 && x > 2.0 * nu * nu
}

/// `ln I_nu(x)` by the power series.
fn series(nu: f64, x: f64) -> f64 {
    if x == 0.0 {
        return if nu == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    // The series around its largest term, near k (k + nu) = x^2 / 4: all terms are positive.
    let quarter = 0.25 * x * x;
    let peak = (0.5 * ((nu * nu + x * x).sqrt() - nu)).floor();
    let log_peak =
        (2.0 * peak + nu) * (x.ln() - LN_2) - lgamma(peak + 1.0) - lgamma(peak + nu + 1.0);
    let mut others = 0.0;
    let (mut term, mut k) = (1.0, peak);
    while term > 1e-18 * others {
        k += 1.0;
        term *= quarter / (k * (k + nu));
        others += term;
    }
    (term, k) = (1.0, peak);
    while k > 0.0 && term > 1e-18 * others {
        term *= k * (k + nu) / quarter;
        others += term;
        k -= 1.0;
    }
    log_peak + f64::ln_1p(others)
}

/// `I_nu(x) sqrt(2 pi x) exp(-x)` by Hankel's expansion.
fn large(nu: f64, x: f64) -> f64 {
    let mu = 4.0 * nu * nu;
    let (mut sum, mut term): (f64, f64) = (1.0, 1.0);
    for k in 1..200 {
        let odd = (2 * k - 1) as f64;
        let next = term * -(mu - odd * odd) / (8.0 * x * k as f64);
        if next.abs() > term.abs() && k > 2 {
            break;
        }
        term = next;
        sum += term;
        if term.abs() < 1e-17 * sum.abs() {
            break;
        }
    }
    sum
}

/// `I_(nu + 1)(x) / I_nu(x)` for `nu >= 0` and `x >= 0`: below 1, and 0 at 0.
///
/// # Numerics
/// Relative error below 1e-13.
///
/// # References
/// Gauss's continued fraction (Abramowitz and Stegun 1964, 9.1.73 turned to `I`); Hankel's
/// expansion for large arguments.
pub fn bessel_ratio(nu: f64, x: f64) -> f64 {
    if is_large(nu + 1.0, x) {
        return large(nu + 1.0, x) / large(nu, x);
    }
    // x / (2 (nu + 1) + x^2 / (2 (nu + 2) + ..)), from the end: all terms are positive.
    let steps = 40 + (1.5 * x) as usize;
    let mut tail = 0.0;
    for k in (1..=steps).rev() {
        tail = x / (2.0 * (nu + k as f64) + x * tail);
    }
    tail
}
