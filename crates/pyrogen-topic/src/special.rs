//! Special functions of Dirichlet distributions, beside those of the core.

use pyrogen_core::special::host::{digamma, exp_in_loops, trigamma};

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
    w * exp_in_loops(-s)
}

/// The `x` with `ψ(x) = y`, by Newton's method (Minka 2000, appendix C).
pub(crate) fn inverse_digamma(y: f64) -> f64 {
    let mut x = if y >= -2.22 { y.exp() + 0.5 } else { -1.0 / (y - digamma(1.0)) };
    for _ in 0..8 {
        x -= (digamma(x) - y) / trigamma(x);
    }
    x
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
    }
}
