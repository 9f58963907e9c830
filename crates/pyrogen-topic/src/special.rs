//! Special functions of Dirichlet distributions.

/// How far the recurrence carries an argument before the series.
const SHIFT: f64 = 10.0;

/// `exp(ψ(z + 1/2)) = z (1 + Σ_k C_k / z^(2k))`: the exponential of the asymptotic series of ψ
/// (Abramowitz and Stegun 1964, 6.3.18, shifted by a half). From `z = 9.5` on the rest is below
/// 1e-16.
const SERIES: [f64; 7] = [
    1.0 / 24.0,
    -37.0 / 5760.0,
    10_313.0 / 2_903_040.0,
    -5_509_121.0 / 1_393_459_200.0,
    2_709_398_569.0 / 367_873_228_800.0,
    -0.020_734_675_824_368_137,
    0.082_381_852_238_787_76,
];

/// `(w, s)` with `exp(ψ(x)) = w exp(-s)`: no logarithm is needed, and the loop over many `x` becomes
/// vector instructions.
#[inline(always)]
fn parts(x: f64) -> (f64, f64) {
    // Σ_{i<10} 1/(x + i) as one fraction: the terms i and 9 - i share u = x^2 + 9x.
    let u = x * (x + 9.0);
    let (mut num, mut den) = (1.0, u);
    for c in [8.0, 14.0, 18.0, 20.0] {
        num = num * (u + c) + den;
        den *= u + c;
    }
    let sum = (2.0 * x + 9.0) * num / den;
    let z = x + (SHIFT - 0.5);
    let r = 1.0 / (z * z);
    let mut series = SERIES[6];
    for c in [SERIES[5], SERIES[4], SERIES[3], SERIES[2], SERIES[1], SERIES[0], 1.0] {
        series = series * r + c;
    }
    (z * series, sum)
}

/// `exp(ψ(x))` for `x > 0`; 0 where it underflows.
#[inline(always)]
pub(crate) fn exp_digamma(x: f64) -> f64 {
    let (w, s) = parts(x);
    w * exp(-s)
}

/// The derivative of `ln Γ`, for `x > 0`.
pub(crate) fn digamma(x: f64) -> f64 {
    let (w, s) = parts(x);
    w.ln() - s
}

/// The derivative of [`digamma`]: recurrence up to 12, then the asymptotic series (Abramowitz and
/// Stegun 1964, 6.4.12).
pub(crate) fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 12.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let mut series = -691.0 / 2730.0;
    for c in [5.0 / 66.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 1.0 / 6.0] {
        series = series * r + c;
    }
    sum + 1.0 / x + 0.5 * r + series * r / x
}

/// The `x` with `ψ(x) = y`, by Newton's method (Minka 2000, appendix C).
pub(crate) fn inverse_digamma(y: f64) -> f64 {
    let mut x = if y >= -2.22 { y.exp() + 0.5 } else { -1.0 / (y - digamma(1.0)) };
    for _ in 0..8 {
        x -= (digamma(x) - y) / trigamma(x);
    }
    x
}

/// `ln Γ(x)` for `x > 0`.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `exp(x)` for `x <= 0`, in a form that compilers turn into vector instructions; 0 below -708.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, and the Taylor polynomial of degree 13 for `exp(r)`.
#[inline(always)]
fn exp(x: f64) -> f64 {
    // 1.5 * 2^52: adding it rounds to a whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with zeros at its end.
    const HIGH: f64 = 0.693_147_180_369_123_8;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    let within = if x > -708.0 { x } else { -708.0 };
    let shifted = within * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (within - n * HIGH) - n * LOW;
    let mut p = 1.0 + r / 13.0;
    for k in [12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        p = p * (r * (1.0 / k)) + 1.0;
    }
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x > -708.0 { p * scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of some tens of operations.
    const CLOSE: f64 = 1e-14;

    fn close(got: f64, expected: f64, what: &str) {
        assert!((got - expected).abs() <= CLOSE * expected.abs().max(1.0), "{what}: {got}");
    }

    #[test]
    fn digamma_at_known_places() {
        // mpmath 1.3, 40 digits.
        for (x, y) in [
            (1e-3, -1_000.575_571_931_810_3),
            (0.1, -10.423_754_940_411_076),
            (0.5, -1.963_510_026_021_423_5),
            (1.0, -0.577_215_664_901_532_9),
            (7.3, 1.917_820_335_637_986_1),
            (1e6, 13.815_510_057_964_191),
        ] {
            close(digamma(x), y, "digamma");
            close(exp_digamma(x) / y.exp().max(1e-300), if y < -700.0 { 0.0 } else { 1.0 }, "exp");
            close(inverse_digamma(y) / x, 1.0, "inverse");
        }
        close(trigamma(1.0), std::f64::consts::PI.powi(2) / 6.0, "trigamma");
        close(trigamma(0.5), std::f64::consts::PI.powi(2) / 2.0, "trigamma");
    }

    #[test]
    fn exp_is_exact_to_rounding() {
        for i in 0..100_000 {
            let x = -0.007 * f64::from(i) - 1e-7 * f64::from(i % 977);
            assert!((exp(x) - x.exp()).abs() <= 5e-16 * x.exp(), "{x}");
        }
        assert_eq!((exp(0.0), exp(f64::NEG_INFINITY), exp(-709.0)), (1.0, 0.0, 0.0));
    }
}
