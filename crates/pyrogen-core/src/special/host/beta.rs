//! The beta function's logarithm.

use super::gamma::{HALF_LN_2PI, lgamma, stirling_error};

/// From here on Stirling's formula is used, so that large terms do not cancel.
const LARGE: f64 = 10.0;

/// `ln Gamma(a) + ln Gamma(b) - ln Gamma(a + b)` for `a, b > 0`.
///
/// # Numerics
/// Relative error about 1e-14, or absolute 1e-14 where the value is near zero, for parameters
/// from 1e-300 to 1e300.
///
/// # References
/// DiDonato and Morris (1992), "Algorithm 708", `betaln`, for where Stirling's formula is taken.
pub fn lbeta(a: f64, b: f64) -> f64 {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    let sum = a + b;
    let smaller = -(a / sum); // b / sum - 1
    if a >= LARGE {
        let error = stirling_error(a) + stirling_error(b) - stirling_error(sum);
        return HALF_LN_2PI - 0.5 * b.ln()
            + error
            + (a - 0.5) * (a / sum).ln()
            + b * smaller.ln_1p();
    }
    if b >= LARGE {
        let error = stirling_error(b) - stirling_error(sum);
        return lgamma(a) + error + a - a * sum.ln() + (b - 0.5) * smaller.ln_1p();
    }
    lgamma(a) + lgamma(b) - lgamma(sum)
}

/// `ln(n! / (k! (n - k)!))` for real `0 <= k <= n`.
///
/// # Numerics
/// As [`lbeta`], of which it is `-ln(n + 1) - lbeta(n - k + 1, k + 1)`.
pub fn log_choose(n: f64, k: f64) -> f64 {
    if k == 0.0 || k == n {
        return 0.0;
    }
    -(n.ln_1p() + lbeta(n - k + 1.0, k + 1.0))
}
