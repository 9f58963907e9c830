//! A standard normal number between two bounds.

use std::f64::consts::PI;

use super::error::{log_ndtr, log_ndtri};
use super::gamma::HALF_LN_2PI;

/// `ln(Phi(b) - Phi(a))`, in the tail where both are small.
fn log_mass(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        return log_mass(-b, -a);
    }
    let (low, high) = (log_ndtr(a), log_ndtr(b));
    high + super::log1mexp(high - low)
}

/// The number `x` in (a, b) with `Phi(x) = Phi(a) + u (Phi(b) - Phi(a))`.
///
/// # Numerics
/// Relative error about 1e-12, in both tails.
pub fn truncated_ndtri(u: f64, a: f64, b: f64) -> f64 {
    if !(0.0..=1.0).contains(&u) {
        return f64::NAN;
    }
    if u == 0.0 {
        return a;
    }
    if u == 1.0 {
        return b;
    }
    if a > 0.0 {
        return -truncated_ndtri(1.0 - u, -b, -a);
    }
    let (low, high) = (log_ndtr(a), log_ndtr(b));
    let log_p = high + (u + (1.0 - u) * (low - high).exp()).ln();
    log_ndtri(log_p).clamp(a, b)
}

/// The derivatives of [`truncated_ndtri`] by `u`, `a` and `b`.
pub fn truncated_ndtri_slopes(u: f64, a: f64, b: f64) -> [f64; 3] {
    let x = truncated_ndtri(u, a, b);
    let log_density = -0.5 * x * x - 0.5 * (2.0 * PI).ln();
    let ratio = |bound: f64| {
        if bound.is_infinite() { 0.0 } else { (0.5 * (x - bound) * (x + bound)).exp() }
    };
    [(log_mass(a, b) - log_density).exp(), (1.0 - u) * ratio(a), u * ratio(b)]
}

/// Mean, variance and entropy of a standard normal number between `a` and `b`, and its density at both.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The variance.
    pub variance: f64,
    /// The entropy, in nats.
    pub entropy: f64,
    /// The densities at the bounds; 0 at infinity.
    pub at: [f64; 2],
}

impl Moments {
    /// The derivatives of the mean by the bounds: `p(a) (mean - a)`, `p(b) (b - mean)`.
    pub fn mean_slopes(&self, bounds: [f64; 2]) -> [f64; 2] {
        self.by_bounds(bounds, |x| x - self.mean)
    }

    /// Those of the variance.
    pub fn variance_slopes(&self, bounds: [f64; 2]) -> [f64; 2] {
        self.by_bounds(bounds, |x| (x - self.mean).powi(2) - self.variance)
    }

    /// Those of the entropy.
    pub fn entropy_slopes(&self, bounds: [f64; 2]) -> [f64; 2] {
        let square = self.variance + self.mean * self.mean;
        self.by_bounds(bounds, |x| 1.0 + 0.5 * (x - square.sqrt()) * (x + square.sqrt()))
    }

    /// What a function of the mass gains by more of it at a bound.
    fn by_bounds(&self, bounds: [f64; 2], gain: impl Fn(f64) -> f64) -> [f64; 2] {
        std::array::from_fn(|i| {
            let sign = if i == 0 { -1.0 } else { 1.0 };
            if self.at[i] == 0.0 { 0.0 } else { sign * self.at[i] * gain(bounds[i]) }
        })
    }
}

/// Wider than this around 0, the textbook formulas have their digits.
const WIDE: f64 = 1.5;

/// Moments of a standard normal number between `a < b`, of which either may be infinite.
///
/// # Numerics
/// Relative error about 1e-12, also 1e5 standard deviations away, or between bounds that are near to each
/// other: there the integrals are computed by Gauss and Legendre's rule, from the bound that is nearer to 0.
pub fn truncated_moments(a: f64, b: f64) -> Moments {
    if a.is_nan() || b.is_nan() || a >= b {
        return Moments {
            mean: f64::NAN,
            variance: f64::NAN,
            entropy: f64::NAN,
            at: [f64::NAN; 2],
        };
    }
    if a + b < 0.0 {
        let m = truncated_moments(-b, -a);
        return Moments { mean: -m.mean, at: [m.at[1], m.at[0]], ..m };
    }
    if a < -WIDE {
        return textbook(a, b);
    }
    integrated(a, b)
}

fn textbook(a: f64, b: f64) -> Moments {
    let mass = log_mass(a, b);
    let density = |z: f64| (-0.5 * z * z - HALF_LN_2PI - mass).exp();
    let at = [density(a), density(b)];
    let times = |z: f64, p: f64| if p == 0.0 { 0.0 } else { z * p };
    let (mean, rest) = (at[0] - at[1], times(a, at[0]) - times(b, at[1]));
    let variance = 1.0 + rest - mean * mean;
    Moments { mean, variance, entropy: mass + HALF_LN_2PI + 0.5 + 0.5 * rest, at }
}

/// By the integrals of `exp(-a t - t^2 / 2)` over `t = z - a`.
fn integrated(a: f64, b: f64) -> Moments {
    let exponent = |t: f64| -t * (a + 0.5 * t);
    // Where the exponent is -45 nothing is left.
    let end = 90.0 / (a + (a * a + 90.0).sqrt());
    let width = (b - a).min(end);
    let panel = width / PANELS as f64;
    let nodes = || {
        (0..PANELS).flat_map(move |i| {
            let centre = (i as f64 + 0.5) * panel;
            RULE.iter().flat_map(move |&(x, w)| {
                [(centre - 0.5 * panel * x, w), (centre + 0.5 * panel * x, w)]
            })
        })
    };
    let integral = |f: &dyn Fn(f64) -> f64| -> f64 {
        nodes().map(|(t, w)| w * exponent(t).exp() * f(t)).sum::<f64>() * 0.5 * panel
    };
    let mass = integral(&|_| 1.0);
    let first = integral(&|t| t) / mass;
    let variance = integral(&|t| (t - first).powi(2)) / mass;
    let energy = a * first + 0.5 * (variance + first * first);
    let high = if b.is_infinite() { 0.0 } else { exponent(b - a).exp() / mass };
    Moments { mean: a + first, variance, entropy: mass.ln() + energy, at: [1.0 / mass, high] }
}

/// Parts of an integral: a factor of 280 of the density at most falls to each.
const PANELS: usize = 8;

/// The positive nodes and the weights of Gauss and Legendre's rule of 16 points (Abramowitz and Stegun
/// 1964, table 25.4).
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];
