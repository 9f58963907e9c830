//! The gamma function's logarithm and what goes with it.

/// `ln(sqrt(2 pi))`.
pub(super) const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;

/// From here on the asymptotic series are used.
const ASYMPTOTIC: f64 = 12.0;

/// The logarithm of the absolute value of the gamma function.
///
/// # Numerics
/// Within 4 roundings of the value, also near its zeros at 1 and 2; for negative `x` near a zero
/// the error is that of the terms.
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// The derivative of [`lgamma`].
///
/// # Numerics
/// Error below 1e-14 of the value or 1e-15, whichever is more (the function has a zero at
/// 1.4616). NaN at 0 and at negative integers.
///
/// # References
/// Abramowitz and Stegun (1964), 6.3.5, 6.3.7 and 6.3.18.
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        let angle = std::f64::consts::PI * (x - x.floor());
        return digamma(1.0 - x) - std::f64::consts::PI / angle.tan();
    }
    if x < 1e-5 {
        // -1/x - gamma + pi^2/6 x
        return -1.0 / x - 0.577_215_664_901_532_9 + 1.644_934_066_848_226_4 * x;
    }
    let (mut x, mut shifted) = (x, 0.0);
    while x < ASYMPTOTIC {
        shifted += 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    x.ln() - 0.5 / x - horner(&series, r) * r - shifted
}

/// The derivative of [`digamma`].
///
/// # Numerics
/// Relative error below 1e-14 for `x > 0`.
///
/// # References
/// Abramowitz and Stegun (1964), 6.4.6, 6.4.7 and 6.4.12.
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        let sine = (std::f64::consts::PI * (x - x.floor())).sin();
        return (std::f64::consts::PI / sine).powi(2) - trigamma(1.0 - x);
    }
    let (mut x, mut shifted) = (x, 0.0);
    while x < ASYMPTOTIC {
        shifted += 1.0 / (x * x);
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
    ];
    1.0 / x + 0.5 * r + horner(&series, r) * r / x + shifted
}

/// The error of Stirling's formula: `ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2)`.
///
/// # Numerics
/// Absolute error below 1e-14 for `x >= 1e-3`; for large `x` relative error 1e-15.
///
/// # References
/// Loader (2000), "Fast and Accurate Computation of Binomial Probabilities".
pub fn stirling_error(x: f64) -> f64 {
    if x < 16.0 {
        return lgamma(x) - (x - 0.5) * x.ln() + x - HALF_LN_2PI;
    }
    let r = 1.0 / (x * x);
    let series = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    horner(&series, r) / x
}

/// The derivative of [`stirling_error`]: `digamma(x) - ln x + 1 / (2 x)`.
pub fn stirling_error_slope(x: f64) -> f64 {
    if x < 16.0 {
        return digamma(x) - x.ln() + 0.5 / x;
    }
    let r = 1.0 / (x * x);
    let series =
        [-1.0 / 12.0, 1.0 / 120.0, -1.0 / 252.0, 1.0 / 240.0, -1.0 / 132.0, 691.0 / 32760.0];
    horner(&series, r) * r
}

/// `x ln(x / m) + m - x` for `x >= 0` and `m > 0`, without cancellation where the two are near:
/// half the deviance of a Poisson count.
///
/// # References
/// Loader (2000), "Fast and Accurate Computation of Binomial Probabilities", `bd0`.
pub fn deviance(x: f64, m: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    let difference = x - m;
    if difference.abs() > 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    // x ln(x / m) = 2 x atanh(v), and x v = difference (1 + v) / 2.
    let v = difference / (x + m);
    let mut sum = difference * v;
    let mut power = 2.0 * x * v;
    for k in 1..1000 {
        power *= v * v;
        let next = sum + power / (2 * k + 1) as f64;
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// A polynomial, lowest power first.
pub(super) fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}
