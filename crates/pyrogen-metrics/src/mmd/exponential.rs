//! The exponential of many numbers at once.

/// The terms of the series, `1 / k!`.
const TERMS: [f64; 14] = [
    1.0,
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// Adding this rounds to a whole number, which then stands in the last bits.
const ROUND: f64 = 1.5 * (1u64 << 52) as f64;

/// The natural logarithm of 2 in two parts, the first with zeros at its end, so that its products with
/// small whole numbers are exact (Cody and Waite 1980).
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// Below this the exponential is taken to be that of this, 3e-308.
const LEAST: f64 = -708.0;

/// `exp(x)` for `x <= 0`, without branches or calls, so that compilers make it for many numbers at once.
///
/// # Numerics
/// Within 5e-16 of its value; `exp(x) = 2^n exp(r)` with `|r| <= ln(2) / 2` and a series for `exp(r)`.
#[inline(always)]
pub(super) fn exp_of_negative(x: f64) -> f64 {
    let x = if x > LEAST { x } else { LEAST };
    let rounded = x * std::f64::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let (r2, c) = (r * r, &TERMS);
    let r4 = r2 * r2;
    let four = |k: usize| (c[k] + c[k + 1] * r) + (c[k + 2] + c[k + 3] * r) * r2;
    let series = (four(0) + four(4) * r4) + (four(8) + (c[12] + c[13] * r) * r4) * (r4 * r4);
    let power = (rounded.to_bits() << 52).wrapping_add(1023 << 52);
    series * f64::from_bits(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential() {
        for i in 0..200_000 {
            let x = -3.54e-3 * f64::from(i);
            let (got, expected) = (exp_of_negative(x), x.exp());
            // Two roundings to either side, and those of the standard function.
            assert!((got / expected - 1.0).abs() <= 6.0 * f64::EPSILON, "{x}: {got} {expected}");
        }
        assert_eq!([exp_of_negative(0.0), exp_of_negative(-0.0)], [1.0, 1.0]);
        assert!(exp_of_negative(f64::NEG_INFINITY) < 1e-300);
        assert!((0.0..1e-300).contains(&exp_of_negative(-1e300)));
    }
}
