//! The regularised incomplete gamma functions.

use super::gamma::{HALF_LN_2PI, deviance, digamma, lgamma, stirling_error};
use super::solve::increasing_root;
use crate::normal_quantile;

/// Terms of a series or a continued fraction at most: enough for shapes of 1e9.
const TERMS: usize = 1_000_000;

/// `(P(a, x), Q(a, x))` for `a > 0` and `x >= 0`: the distribution function of a gamma variable of
/// shape `a`, and its complement.
///
/// # Numerics
/// Each has relative error below 1e-12, in both tails, for shapes from 1e-5 to 1e6. The time
/// grows as the square root of the shape.
///
/// # References
/// Abramowitz and Stegun (1964), 6.5.29 and 6.5.31; Gautschi (1979), "A Computational Procedure
/// for Incomplete Gamma Functions", section 4, for small shapes.
pub fn gammainc(a: f64, x: f64) -> (f64, f64) {
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x == f64::INFINITY {
        return (1.0, 0.0);
    }
    if x >= a + 1.0 {
        let q = log_weight(a, x).exp() * upper_fraction(a, x)[0];
        return (1.0 - q, q);
    }
    if a < 1.0 && x < 1.1 {
        return small_shape(a, x);
    }
    let p = log_weight(a, x).exp() / a * lower_series(a, x)[0];
    (p, 1.0 - p)
}

/// The derivative of `P(a, x)` by `a`.
///
/// # Numerics
/// Relative error about 1e-11.
pub fn gammainc_slope(a: f64, x: f64) -> f64 {
    if x == 0.0 || x == f64::INFINITY {
        return 0.0;
    }
    -log_weight(a, x).exp() * log_gamma_draw_slope(a, x.ln())
}

/// The derivative by the shape `a` of the logarithm `z` of a gamma variable whose probability
/// `P(a, exp(z))` is held: what carries gradients through draws.
///
/// ```text
/// dz/da = -(dP/da) / (x p(x))      x = exp(z)
/// ```
///
/// # Numerics
/// Relative error about 1e-11; defined down to where `exp(z)` underflows and beyond.
///
/// # References
/// Figurnov, Mohamed and Mnih (2018), "Implicit Reparameterization Gradients", eq. 7.
pub fn log_gamma_draw_slope(a: f64, z: f64) -> f64 {
    let x = z.exp();
    if x >= a + 1.0 {
        let [value, slope] = upper_fraction(a, x);
        return (z - digamma(a)) * value + slope;
    }
    let [value, slope] = lower_series(a, x);
    -(value * (z - digamma(a + 1.0)) + slope) / a
}

/// The density of a gamma variable of shape `a`: the derivative of `P(a, x)` by `x`.
pub fn gamma_density(a: f64, x: f64) -> f64 {
    (log_weight(a, x) - x.ln()).exp()
}

/// `ln(x^a exp(-x) / Gamma(a))`.
fn log_weight(a: f64, x: f64) -> f64 {
    if a < 1.0 {
        return a * x.ln() - x - lgamma(a);
    }
    0.5 * a.ln() - HALF_LN_2PI - stirling_error(a) - deviance(a, x)
}

/// `sum_n x^n / ((a + 1) .. (a + n))`, and its derivative by `a`.
fn lower_series(a: f64, x: f64) -> [f64; 2] {
    let (mut sum, mut slope) = (1.0, 0.0);
    let (mut term, mut harmonic) = (1.0, 0.0);
    for n in 1..TERMS {
        let next = a + n as f64;
        term *= x / next;
        harmonic += 1.0 / next;
        sum += term;
        slope -= term * harmonic;
        if term * harmonic.max(1.0) < 1e-17 * sum.min(slope.abs()) {
            break;
        }
    }
    [sum, slope]
}

/// `Q(a, x) Gamma(a) / (x^a exp(-x))` by Legendre's continued fraction, and its derivative by `a`.
///
/// Evaluated by Lentz's method (Thompson and Barnett 1986), with the derivative of each step.
fn upper_fraction(a: f64, x: f64) -> [f64; 2] {
    let mut b = x + 1.0 - a;
    let db = -1.0;
    let (mut c, mut dc) = (1e300, 0.0);
    let mut d = 1.0 / b;
    let mut dd = -db * d * d;
    let (mut h, mut dh) = (d, dd);
    for i in 1..TERMS {
        let i = i as f64;
        let (an, dan) = (-i * (i - a), i);
        b += 2.0;
        let denominator = an * d + b;
        let d_denominator = dan * d + an * dd + db;
        dc = dan / c - an * dc / (c * c) + db;
        c = b + an / c;
        d = 1.0 / denominator;
        dd = -d_denominator * d * d;
        let (step, d_step) = (c * d, dc * d + c * dd);
        dh = dh * step + h * d_step;
        h *= step;
        if (step - 1.0).abs() < 1e-16 && (h * d_step).abs() < 1e-16 * dh.abs().max(1e-300) {
            break;
        }
    }
    [h, dh]
}

/// Both functions where neither a small `Q` nor a small `P` may be taken from the other.
fn small_shape(a: f64, x: f64) -> (f64, f64) {
    // P = exp(u) (1 + a s) with s = sum_(n >= 1) (-x)^n / ((a + n) n!).
    let u = a * x.ln() - lgamma(a + 1.0);
    let (mut sum, mut term) = (0.0, 1.0);
    for n in 1..60 {
        term *= -x / n as f64;
        sum += term / (a + n as f64);
    }
    let q = -u.exp_m1() - u.exp() * a * sum;
    (u.exp() * (1.0 + a * sum), q)
}

/// The logarithm of the number `x` with `P(a, x) = p` and `Q(a, x) = q`, where `p + q = 1`.
///
/// The smaller of the two is what is solved for, so that each tail keeps its digits.
///
/// # Numerics
/// Relative error of `x` about 1e-12 (times the condition of the inverse); `-inf` at `p = 0`,
/// `inf` at `q = 0`. The logarithm is finite where `x` itself underflows.
pub fn gammainc_inverse(a: f64, p: f64, q: f64) -> f64 {
    if p.is_nan() || q.is_nan() || p < 0.0 || q < 0.0 {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if q == 0.0 {
        return f64::INFINITY;
    }
    let leading = (p.ln() + lgamma(a + 1.0)) / a;
    // Below, 1 - P and 1 are the same, and P is its leading power.
    if leading < -37.0 - a.ln_1p() {
        return leading;
    }
    let start = start(a, p, q, leading);
    let ratio = |z: f64, side: f64| (log_weight(a, z.exp())).exp() / side;
    if p <= q {
        let target = p.ln();
        return increasing_root(start, f64::NEG_INFINITY, f64::INFINITY, |z| {
            let (p, _) = gammainc(a, z.exp());
            (p.ln() - target, ratio(z, p))
        });
    }
    let target = q.ln();
    increasing_root(start, f64::NEG_INFINITY, f64::INFINITY, |z| {
        let (_, q) = gammainc(a, z.exp());
        (target - q.ln(), ratio(z, q))
    })
}

/// Wilson and Hilferty's normal approximation of the cube root, or the leading power.
fn start(a: f64, p: f64, q: f64, leading: f64) -> f64 {
    let z = if p <= q { normal_quantile(p) } else { -normal_quantile(q) };
    let cube = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    let x = a * cube * cube * cube;
    if a > 0.5 && cube > 0.3 {
        return x.ln();
    }
    if p <= q || a > 1.0 {
        return leading.min((a + 1.0).ln());
    }
    // The upper tail of a small shape: Q is about a E_1(x).
    (-(q / a).ln()).max(leading.exp().min(1.0)).ln()
}
