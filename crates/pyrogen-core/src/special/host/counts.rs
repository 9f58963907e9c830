//! Quantiles and entropies of counts, which are searched for and summed.

use super::{
    betainc, deviance, digamma, gammainc, lbeta, log_choose, sigmoid, softplus, stirling_error,
};
use crate::normal_quantile;

/// A probability within this share of that of a count is that count's: what the distribution functions
/// may be off by.
const SLACK: f64 = 1e-12;

/// From this mean on the entropy of a Poisson count is its series to the last digit.
const LARGE_MEAN: f64 = 1e4;

/// Mean, standard deviation, skewness and the largest value of a count, to begin a search with.
struct Shape {
    mean: f64,
    deviation: f64,
    skewness: f64,
    last: f64,
}

impl Shape {
    /// Cornish and Fisher's expansion of the quantile, to the skewness.
    fn guess(&self, p: f64, q: f64) -> f64 {
        let z = if p <= q { normal_quantile(p) } else { -normal_quantile(q) };
        let x = self.mean + self.deviation * (z + self.skewness * (z * z - 1.0) / 6.0);
        if x.is_finite() { x.floor().clamp(0.0, self.last) } else { 0.0 }
    }
}

/// The smallest count `k` with `P(X <= k) >= p`, where `q = 1 - p`: what is searched is the tail that is
/// smaller. `tails` gives `P(X <= k)` and `P(X > k)`.
///
/// 0 at `p = 0`, the largest value at `q = 0`, and NaN where either is negative or NaN.
fn smallest(p: f64, q: f64, shape: &Shape, tails: impl Fn(f64) -> (f64, f64)) -> f64 {
    if p.is_nan() || q.is_nan() || p < 0.0 || q < 0.0 {
        return f64::NAN;
    }
    if p == 0.0 {
        return 0.0;
    }
    if q == 0.0 {
        return shape.last;
    }
    let reached = |k: f64| {
        let (below, above) = tails(k);
        if p <= q { below >= p * (1.0 - SLACK) } else { above <= q * (1.0 + SLACK) }
    };
    // A bracket, opened from the guess by steps that double: `low` is not reached, `high` is.
    let (mut low, mut high) = (shape.guess(p, q), shape.guess(p, q));
    let mut step = 1.0;
    if reached(high) {
        loop {
            if high == 0.0 {
                return 0.0;
            }
            low = (high - step).max(0.0);
            if !reached(low) {
                break;
            }
            high = low;
            step *= 2.0;
        }
    } else {
        loop {
            high = (low + step).min(shape.last);
            if high == shape.last || reached(high) {
                break;
            }
            low = high;
            step *= 2.0;
        }
    }
    loop {
        let middle = (0.5 * (low + high)).floor();
        if middle <= low || middle >= high {
            return high;
        }
        if reached(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// The smallest count that a Poisson variable of mean `rate` is not above with probability `p`, where
/// `q = 1 - p`.
pub fn poisson_quantile(rate: f64, p: f64, q: f64) -> f64 {
    let deviation = rate.sqrt();
    let shape = Shape { mean: rate, deviation, skewness: 1.0 / deviation, last: f64::INFINITY };
    smallest(p, q, &shape, |k| {
        let (lower, upper) = gammainc(k + 1.0, rate);
        (upper, lower)
    })
}

/// As [`poisson_quantile`], for `n` trials of logit `logit`.
pub fn binomial_quantile(n: f64, logit: f64, p: f64, q: f64) -> f64 {
    let (yes, no) = (sigmoid(logit), sigmoid(-logit));
    let deviation = (n * yes * no).sqrt();
    let shape = Shape { mean: n * yes, deviation, skewness: (no - yes) / deviation, last: n };
    smallest(p, q, &shape, |k| if k >= n { (1.0, 0.0) } else { betainc(n - k, k + 1.0, no, yes) })
}

/// As [`poisson_quantile`], for the successes of logit `logit` before `n` failures.
pub fn negative_binomial_quantile(n: f64, logit: f64, p: f64, q: f64) -> f64 {
    let (yes, no) = (sigmoid(logit), sigmoid(-logit));
    let mean = n * logit.exp();
    let deviation = (mean / no).sqrt();
    let skewness = (1.0 + yes) / (n * yes).sqrt();
    let shape = Shape { mean, deviation, skewness, last: f64::INFINITY };
    smallest(p, q, &shape, |k| betainc(n, k + 1.0, no, yes))
}

/// `-sum_k p_k ln p_k`, and its derivatives by the parameters: `-sum_k p_k score_k ln p_k`.
///
/// `term` gives the logarithm of a mass and its derivatives. Sums run from `start`, where the mass is large,
/// both ways until nothing changes.
fn entropy_of<const K: usize>(
    start: f64,
    last: f64,
    term: impl Fn(f64) -> (f64, [f64; K]),
) -> (f64, [f64; K]) {
    let (mut sum, mut slopes) = (0.0, [0.0; K]);
    let mut add = |k: f64| {
        let (log_mass, scores) = term(k);
        let part = log_mass.exp() * log_mass;
        if part != 0.0 {
            sum -= part;
            for (slope, score) in slopes.iter_mut().zip(scores) {
                *slope -= part * score;
            }
        }
        // Beyond, all that is left is below a rounding of the sum.
        log_mass > -60.0
    };
    let mut k = start;
    while k <= last && add(k) {
        k += 1.0;
    }
    let mut k = start - 1.0;
    while k >= 0.0 && add(k) {
        k -= 1.0;
    }
    (sum, slopes)
}

/// The entropy of a Poisson count of mean `rate`, and its derivative.
///
/// # Numerics
/// A sum over the counts, of relative error 1e-13; from a mean of 1e4 on the asymptotic series.
///
/// # References
/// Evans, Boersma, Blachman and Jagers (1988), "The Entropy of a Poisson Distribution", SIAM Review 30, for
/// the series.
pub fn poisson_entropy(rate: f64) -> (f64, f64) {
    if rate == 0.0 {
        return (0.0, f64::INFINITY);
    }
    if rate >= LARGE_MEAN {
        let r = 1.0 / rate;
        let log = 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * rate).ln();
        let value = log - r * (1.0 / 12.0 + r * (1.0 / 24.0 + r * (19.0 / 360.0)));
        let slope = r * (0.5 + r * (1.0 / 12.0 + r * (1.0 / 12.0 + r * (19.0 / 120.0))));
        return (value, slope);
    }
    let (sum, [slope]) = entropy_of(rate.floor(), f64::INFINITY, |k| {
        let log_mass = if k == 0.0 {
            -rate
        } else {
            -stirling_error(k) - deviance(k, rate) - 0.5 * (2.0 * std::f64::consts::PI * k).ln()
        };
        (log_mass, [k / rate - 1.0])
    });
    (sum, slope)
}

/// The entropy of a binomial count, and its derivative by the logit.
///
/// # Numerics
/// A sum over the counts that matter, some 20 standard deviations; relative error 1e-11.
pub fn binomial_entropy(n: f64, logit: f64) -> (f64, f64) {
    let (yes, plus, minus) = (sigmoid(logit), softplus(logit), softplus(-logit));
    let start = ((n + 1.0) * yes).floor().min(n);
    let (sum, [slope]) =
        entropy_of(start, n, |k| (log_choose(n, k) - k * minus - (n - k) * plus, [k - n * yes]));
    (sum, slope)
}

/// The entropy of a negative binomial count, and its derivatives by the number of failures and by the logit.
///
/// # Numerics
/// A sum over the counts that matter: some `60 exp(logit)` of them, or 20 standard deviations. Relative
/// error 1e-11.
pub fn negative_binomial_entropy(n: f64, logit: f64) -> (f64, [f64; 2]) {
    let (yes, no) = (sigmoid(logit), sigmoid(-logit));
    let (plus, minus) = (softplus(logit), softplus(-logit));
    let psi = digamma(n);
    let start = ((n - 1.0) * logit.exp()).floor().max(0.0);
    entropy_of(start, f64::INFINITY, |k| {
        let log_mass = -(n + k).ln() - lbeta(n, k + 1.0) - n * plus - k * minus;
        (log_mass, [digamma(n + k) - psi - plus, k * no - n * yes])
    })
}
