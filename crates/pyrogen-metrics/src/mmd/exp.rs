//! The exponential function, in a form that a compiler makes vectors of.

/// `exp(x)` for `x <= 0`.
///
/// ```text
/// x = n ln 2 + r, |r| <= ln(2) / 2        exp(x) = 2^n exp(r)
/// ```
///
/// # Numerics
/// `exp(r)` is its series up to `r^13`, whose next term is below 5e-18; with the roundings the relative error is
/// below 3e-16. 0 below -708, where the standard function gives numbers under 4e-308.
#[inline(always)]
pub(super) fn exp_of_negative(x: f64) -> f64 {
    // Added and taken away again, it rounds to a whole number, which stands in the last bits between.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let bounded = if x < LEAST { LEAST } else { x };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (bounded - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut series = SERIES[0];
    for c in &SERIES[1..] {
        series = series * r + c;
    }
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < LEAST { 0.0 } else { series * power }
}

const LEAST: f64 = -708.0;

/// 1 over factorials, from 13! down.
const SERIES: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_standard_function() {
        for i in 0..2_000_000 {
            let x = -708.0 * f64::from(i) / 2e6 * (1.0 + 1e-9 * f64::from(i % 7));
            let (got, expected) = (exp_of_negative(x), x.exp());
            assert!(
                (got - expected).abs() <= 4e-16 * expected || x < -708.0,
                "{x}: {got} {expected}"
            );
        }
        for (x, expected) in [(0.0, 1.0), (-0.0, 1.0), (-1e-300, 1.0), (-709.0, 0.0)] {
            assert_eq!(exp_of_negative(x), expected);
        }
        assert_eq!(exp_of_negative(f64::NEG_INFINITY), 0.0);
    }
}
