//! Logarithm and derivative of the gamma function.

/// `log Gamma(x)` for positive `x`.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `d/dx log Gamma(x)` for positive `x`.
///
/// # Numerics
/// By `psi(x) = psi(x + 1) - 1 / x` up to 10, then the asymptotic series to `x^-14` (Abramowitz and
/// Stegun 1964, 6.3.18): within 1e-14 of the value, or absolutely near its zero.
pub(crate) fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 10.0 {
        below -= 1.0 / x;
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    // B_2n / (2n) for n = 1 to 7.
    let series = [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0];
    let series = series.into_iter().chain([-691.0 / 32_760.0, 1.0 / 12.0]);
    let (mut power, mut sum) = (s, 0.0);
    for b in series {
        sum += b * power;
        power *= s;
    }
    below + x.ln() - 0.5 / x - sum
}

/// `log Gamma_d(x)` without its power of pi: `sum_j log Gamma(x - j / 2)`, `j` from 0 to `d - 1`.
pub(crate) fn ln_gamma_many(d: usize, x: f64) -> f64 {
    (0..d).map(|j| ln_gamma(x - 0.5 * j as f64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_at_known_places() {
        let euler = 0.577_215_664_901_532_9;
        let known = [
            (1.0, -euler),
            (0.5, -euler - 2.0 * 2f64.ln()),
            (2.0, 1.0 - euler),
            // 1 + 1/2 + .. + 1/9 - euler
            (10.0, 2.828_968_253_968_254 - euler),
            (1e-3, -1_000.575_571_931_810_3),
            (1e6, 13.815_510_057_964_19),
        ];
        for (x, expected) in known {
            let error = (digamma(x) - expected).abs() / f64::max(expected.abs(), 1.0);
            assert!(error < 1e-14, "{x}: {} {expected}", digamma(x));
        }
    }
}
