//! The standard normal distribution function as logarithms, as far out as numbers go.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use pyrogen_core::normal_quantile;

/// Beyond this many deviations a series has all digits of f64.
const FAR: f64 = 30.0;

/// `Phi(y)`.
pub(in crate::prepare) fn normal_cdf(y: f64) -> f64 {
    0.5 * libm::erfc(-y * FRAC_1_SQRT_2)
}

/// `ln phi(y)`.
pub(in crate::prepare) fn normal_log_density(y: f64) -> f64 {
    -0.5 * (y * y + TAU.ln())
}

/// `ln Phi(-a)` for `a >= 0`.
pub(super) fn normal_log_tail(a: f64) -> f64 {
    if a < FAR {
        return normal_cdf(-a).ln();
    }
    // Mills' ratio: Phi(-a) = phi(a) / a (1 - 1/a^2 + 3/a^4 - ..).
    let s = 1.0 / (a * a);
    normal_log_density(a) - a.ln() + (-s + 3.0 * s * s - 15.0 * s * s * s).ln_1p()
}

/// The `a` with `ln Phi(-a) = log_p`, for `log_p <= ln(1/2)`.
pub(super) fn normal_tail_quantile(log_p: f64) -> f64 {
    if log_p > -600.0 {
        return -normal_quantile(log_p.exp());
    }
    // Newton's method; the slope of ln Phi(-a) is -a to one part in a^2.
    let mut a = (-2.0 * log_p).sqrt();
    for _ in 0..20 {
        let change = (normal_log_tail(a) - log_p) / a;
        a += change;
        if change.abs() < 1e-14 * a {
            break;
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of f64, in a function whose value moves by `a` times the error of its argument.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn tails_have_their_known_values() {
        // ln Phi(-a) by scipy 1.17.1, `log_ndtr`.
        for (a, expected) in [
            (0.0, -std::f64::consts::LN_2),
            (5.0, -15.064_998_393_988_725),
            (37.5, -707.668_989_317_507_2),
            (100.0, -5_005.524_208_694_205),
        ] {
            let got = normal_log_tail(a);
            assert!((got - expected).abs() <= ROUNDING * (1.0 - expected), "{a}: {got}");
        }
    }

    #[test]
    fn the_quantile_undoes_the_tail() {
        for a in [0.0, 0.5, 3.0, 8.0, 20.0, 29.9, 30.1, 34.0, 35.0, 80.0, 1e4] {
            let back = normal_tail_quantile(normal_log_tail(a));
            assert!((back - a).abs() <= ROUNDING * (1.0 + a), "{a}: {back}");
        }
    }
}
