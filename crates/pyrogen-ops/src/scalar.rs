//! Elementary functions that the compiler can vectorise.
//!
//! The standard library's `exp` is a call for each number. These are polynomials on reduced
//! arguments, without branches or tables.

use std::f32::consts::LOG2_E;

/// ln 2 in two parts: the first has few enough bits that a product with a small integer is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// Adding and subtracting it rounds to an integer.
const ROUND: f32 = 12_582_912.0;

/// `exp(x)`.
///
/// # Numerics
/// Within 2 units in the last place of the nearest number, also where the result is subnormal;
/// infinity above 88.73, zero below -103.98, not a number where `x` is none.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let clamped = x.clamp(-104.0, 89.0);
    // The integer is also in the low bits of the sum.
    let sum = clamped * LOG2_E + ROUND;
    let n = sum - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    // The Taylor series to r^7 on |r| <= ln(2) / 2: the rest is below 6e-9.
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = (p * r) * r + r + 1.0;
    // 2^n in two factors, each within the normal range.
    let n = (sum.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n - half)
}

#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    // exp of what is not above zero: no infinity, and small results keep their digits.
    let e = exp(-x.abs());
    let s = 1.0 / (1.0 + e);
    if x >= 0.0 { s } else { e * s }
}

/// `tanh(x)`.
///
/// # Numerics
/// Within 4e-7 of the value relative to it.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // Near zero 1 - exp(-2|x|) loses its digits; the odd series to x^9 does not.
    let a = x.abs();
    let e = exp(-2.0 * a);
    let far = (1.0 - e) / (1.0 + e);
    let s = x * x;
    let p = 62.0 / 2835.0;
    let p = p * s - 17.0 / 315.0;
    let p = p * s + 2.0 / 15.0;
    let p = p * s - 1.0 / 3.0;
    let near = a + a * (p * s);
    (if a < 0.25 { near } else { far }).copysign(x)
}

/// Coefficients of [`normal_cdf`], found by a weighted least-squares fit to the scaled
/// complementary error function on `s` from 0 to 14.5.
const CDF: [f32; 10] = [
    -7.165_577e-6,
    0.103_906_59,
    0.101_715_57,
    0.109_480_98,
    0.031_209_175,
    0.200_114_84,
    -0.200_808_25,
    0.290_980_14,
    -0.170_517_92,
    0.033_926_05,
];

/// The normal distribution function and its density at `x`.
///
/// For `s = |x|` and `t = 1 / (1 + 0.26 s)` the smaller tail is `exp(-s^2 / 2) P(t)`.
///
/// # Numerics
/// The smaller tail is within 1e-6 of its value relative to it for `s` up to 5.
#[inline(always)]
pub(crate) fn normal_cdf(x: f32) -> (f32, f32) {
    let s = x.abs();
    let t = 1.0 / (1.0 + 0.26 * s);
    let mut p = CDF[9];
    for c in CDF[..9].iter().rev() {
        p = p * t + c;
    }
    let e = exp(-0.5 * s * s);
    let tail = e * p;
    (if x > 0.0 { 1.0 - tail } else { tail }, e * 0.398_942_3)
}

/// `ln(x)` for normal numbers above zero.
///
/// # Numerics
/// Within 2 units in the last place.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    // x = 2^n m with m from sqrt(1/2) to sqrt(2), ln(m) = 2 artanh((m - 1) / (m + 1)).
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    let bits = x.to_bits() as i32;
    let n = (bits - SQRT_HALF_BITS) >> 23;
    let m = f32::from_bits((bits - (n << 23)) as u32);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let q = s * s;
    let p = 2.0 / 9.0;
    let p = p * q + 2.0 / 7.0;
    let p = p * q + 2.0 / 5.0;
    let p = p * q + 2.0 / 3.0;
    let n = n as f32;
    // 2s = f - s f; the parts from the smallest on.
    let small = s * (q * p) - s * f + n * LN2_LOW;
    n * LN2_HIGH + (f + small)
}

/// `ln(1 + exp(x))`.
///
/// # Numerics
/// Within 4e-7 of the value relative to it; no overflow.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let e = exp(-x.abs());
    // The rounding of 1 + e is put back to first order, so that small e keep their digits.
    let u = 1.0 + e;
    let log = ln(u) + (e - (u - 1.0)) / u;
    x.max(0.0) + log
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error relative to the value, over a grid, against `f64`.
    fn worst(from: f64, to: f64, ours: fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        (0..=200_000)
            .map(|i| {
                let x = (from + (to - from) * f64::from(i) / 200_000.0) as f32;
                let y = exact(f64::from(x));
                (f64::from(ours(x)) - y).abs() / y.abs().max(1e-37)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn elementary_functions_are_exact_to_rounding() {
        // Two units in the last place of single precision are 2.4e-7.
        assert!(worst(-87.0, 88.7, exp, f64::exp) < 2.4e-7);
        assert!(worst(-85.0, 85.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 4e-7);
        assert!(worst(-9.0, 9.0, tanh, f64::tanh) < 4e-7);
        assert!(worst(-80.0, 80.0, softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()) < 4e-7);
        assert!(worst(1e-3, 50.0, ln, f64::ln) < 2.4e-7);
    }

    #[test]
    fn extremes_are_those_of_the_standard_library() {
        assert_eq!(exp(-104.0), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(89.0), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert!(softplus(f32::NAN).is_nan() && normal_cdf(f32::NAN).0.is_nan());
        assert_eq!(exp(0.0), 1.0);
        assert!((exp(-95.0) / (-95f32).exp() - 1.0).abs() < 1e-3, "subnormal");
        assert_eq!((sigmoid(-200.0), sigmoid(200.0)), (0.0, 1.0));
        assert_eq!((tanh(-30.0), tanh(30.0), tanh(0.0)), (-1.0, 1.0, 0.0));
        assert_eq!((softplus(-200.0), softplus(200.0)), (0.0, 200.0));
        assert_eq!((softplus(f32::INFINITY), softplus(f32::NEG_INFINITY)), (f32::INFINITY, 0.0));
    }

    #[test]
    fn the_normal_distribution_function_is_right_in_its_tails() {
        // Values of the distribution function to 17 digits (Johnson and Kotz; any table has them).
        let table: [(f64, f64); 6] = [
            (-5.0, 2.866_515_718_791_933e-7),
            (-3.0, 1.349_898_031_630_094_6e-3),
            (-1.0, 0.158_655_253_931_457_05),
            (0.0, 0.5),
            (0.5, 0.691_462_461_274_013_1),
            (2.0, 0.977_249_868_051_820_8),
        ];
        for (x, p) in table {
            let (got, density) = normal_cdf(x as f32);
            assert!((f64::from(got) / p - 1.0).abs() < 1e-6, "{x}: {got} and {p}");
            let exact = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            assert!((f64::from(density) / exact - 1.0).abs() < 1e-6, "{x}");
        }
    }
}
