//! Special functions of the emissions.

/// `ln Γ(x)` for `x > 0`.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// The derivative of `ln Γ`, for `x > 0`: recurrence up to 10, then the asymptotic series
/// (Abramowitz and Stegun 1964, 6.3.18).
pub(crate) fn digamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = r
        * (1.0 / 12.0
            - r * (1.0 / 120.0
                - r * (1.0 / 252.0
                    - r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32760.0 - r / 12.0))))));
    sum + x.ln() - 0.5 / x - series
}

/// The derivative of [`digamma`] (Abramowitz and Stegun 1964, 6.4.12).
pub(crate) fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 12.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = 1.0 / 6.0
        - r * (1.0 / 30.0
            - r * (1.0 / 42.0 - r * (1.0 / 30.0 - r * (5.0 / 66.0 - r * 691.0 / 2730.0))));
    sum + 1.0 / x + 0.5 * r + series * r / x
}

/// `ln Σ exp(x)`; minus infinity for no terms.
pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + x.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// `exp(x)` in a form that compilers turn into vector instructions: below -708 it is 0, and `x` must
/// not exceed 700.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`, and a polynomial of degree 13 for `exp(r)`, whose
/// remainder is below half a unit in the last place.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52: adding it rounds to an integer
    const HI: f64 = 0.693_147_180_369_123_8;
    const LO: f64 = 1.908_214_929_270_587_7e-10;
    let clamped = if x > -708.0 { x } else { -708.0 };
    let shifted = clamped * std::f64::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = (clamped - n * HI) - n * LO;
    let mut p = 1.605_904_383_682_161_5e-10;
    for c in [
        2.087_675_698_786_81e-9,
        2.505_210_838_544_172e-8,
        2.755_731_922_398_589_3e-7,
        2.755_731_922_398_589e-6,
        2.480_158_730_158_73e-5,
        1.984_126_984_126_984e-4,
        1.388_888_888_888_889e-3,
        8.333_333_333_333_333e-3,
        4.166_666_666_666_666_4e-2,
        1.666_666_666_666_666_6e-1,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    let scale = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    if x > -708.0 { p * scale } else { 0.0 }
}

/// The distribution function of a standard normal variable.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The regularised lower incomplete gamma function `P(a, x)` (Press et al. 2007, 6.2): a series
/// below `a + 1`, a continued fraction above.
pub(crate) fn gamma_p(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term.abs() > sum.abs() * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return (front * sum).min(1.0);
    }
    // Lentz's method.
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let an = -(i as f64) * (i as f64 - a);
        b += 2.0;
        d = 1.0 / nonzero(an * d + b, TINY);
        c = nonzero(b + an / c, TINY);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (1.0 - front * h).clamp(0.0, 1.0)
}

fn nonzero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

/// The regularised incomplete beta function `I_x(a, b)` (Press et al. 2007, 6.4), by its continued
/// fraction.
pub(crate) fn beta_i(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0), TINY);
    let mut h = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d, TINY);
        c = nonzero(1.0 + even / c, TINY);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d, TINY);
        c = nonzero(1.0 + odd / c, TINY);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of a few operations.
    const CLOSE: f64 = 1e-13;

    #[test]
    fn special_functions_at_known_points() {
        // Values of Abramowitz and Stegun, and of scipy.special 1.17.
        assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < CLOSE);
        assert!((digamma(0.5) + 1.963_510_026_021_423_5).abs() < CLOSE);
        let pi2 = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - pi2 / 6.0).abs() < CLOSE);
        assert!((trigamma(0.5) - pi2 / 2.0).abs() < CLOSE);
        // P(1, x) is 1 - exp(-x), P(1/2, x) is erf(sqrt(x)).
        for x in [0.1f64, 1.0, 3.0, 20.0] {
            assert!((gamma_p(1.0, x) + (-x).exp_m1()).abs() < CLOSE);
            assert!((gamma_p(0.5, x) - libm::erf(x.sqrt())).abs() < CLOSE);
            let p = x / 21.0;
            assert!((beta_i(3.0, 1.0, p) - p.powi(3)).abs() < CLOSE);
            assert!(
                (beta_i(0.5, 0.5, p) - p.sqrt().asin() * std::f64::consts::FRAC_2_PI).abs() < CLOSE
            );
        }
        assert!((log_sum_exp(&[1000.0, 1000.0]) - 1000.0 - 2f64.ln()).abs() < CLOSE);
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
    }

    #[test]
    fn exp_is_exact_to_a_unit_in_the_last_place() {
        for i in 0..200_000 {
            let x = 5.0 - 0.0035 * f64::from(i) - 1e-7 * f64::from(i % 1013);
            let (ours, truth) = (exp(x), x.exp());
            assert!((ours - truth).abs() <= 2.5e-16 * truth, "{x}: {ours} {truth}");
        }
        assert_eq!((exp(0.0), exp(f64::NEG_INFINITY), exp(-709.0)), (1.0, 0.0, 0.0));
    }
}
