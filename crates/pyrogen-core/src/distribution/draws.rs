//! Samplers of single numbers, which take as many random numbers as they need.

use std::f64::consts::PI;

use crate::noise::Words;
use crate::special::host::{deviance, log_choose, stirling_error};

/// The logarithm of a gamma variable of shape `a` and rate 1.
///
/// Shapes below 1 are drawn from the next shape, times a power of a uniform number; in logarithms
/// nothing underflows.
///
/// # References
/// Marsaglia and Tsang (2000), sections 3 and 6.
pub fn log_gamma(stream: &mut impl Words, a: f64) -> f64 {
    if a < 1.0 {
        return log_gamma(stream, a + 1.0) - stream.exponential() / a;
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = stream.normal();
        let v = (1.0 + c * x).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u = stream.uniform();
        let square = x * x;
        if u < 1.0 - 0.0331 * square * square || u.ln() < 0.5 * square + d * (1.0 - v + v.ln()) {
            return (d * v).ln();
        }
    }
}

/// A Poisson count of mean `rate`.
///
/// # References
/// Hörmann (1993), "The Transformed Rejection Method for Generating Poisson Random Variables",
/// algorithm PTRS, for means of 10 and more; below, the table of masses is searched from 0.
pub fn poisson(stream: &mut impl Words, rate: f64) -> f64 {
    if rate < 10.0 {
        return search(stream, (-rate).exp(), |k| rate / k);
    }
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let squeeze = 0.9277 - 3.6224 / (b - 2.0);
    let log_mass = |k: f64| {
        if k == 0.0 {
            return -rate;
        }
        -stirling_error(k) - deviance(k, rate) - 0.5 * (2.0 * PI * k).ln()
    };
    loop {
        let (u, v) = (stream.uniform() - 0.5, stream.uniform());
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + rate + 0.43).floor();
        if us >= 0.07 && v <= squeeze {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        if (v * inverse_alpha / (a / (us * us) + b)).ln() <= log_mass(k) {
            return k;
        }
    }
}

/// A binomial count of `n` trials of probability `p`.
///
/// # References
/// Hörmann (1993), "The Generation of Binomial Random Variates", algorithm BTRS, for means of 10 and
/// more; below, the table of masses is searched from 0.
pub fn binomial(stream: &mut impl Words, n: f64, p: f64) -> f64 {
    if p > 0.5 {
        return n - binomial(stream, n, 1.0 - p);
    }
    if p == 0.0 || n == 0.0 {
        return 0.0;
    }
    let q = 1.0 - p;
    if n * p < 10.0 {
        let first = (n * (-p).ln_1p()).exp();
        return search(stream, first, |k| (n - k + 1.0) / k * (p / q)).min(n);
    }
    let spread = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let alpha = (2.83 + 5.1 / b) * spread;
    let squeeze = 0.92 - 4.2 / b;
    let log_mass = |k: f64| log_choose(n, k) + (k - ((n + 1.0) * p).floor()) * (p / q).ln();
    let top = log_mass(((n + 1.0) * p).floor());
    loop {
        let (u, v) = (stream.uniform() - 0.5, stream.uniform());
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + n * p + 0.5).floor();
        if us >= 0.07 && v <= squeeze {
            return k;
        }
        if !(0.0..=n).contains(&k) {
            continue;
        }
        if (v * alpha / (a / (us * us) + b)).ln() <= log_mass(k) - top {
            return k;
        }
    }
}

/// The count at which the sum of masses passes a uniform number: `first` is the mass of 0, and
/// `ratio(k)` the mass of `k` over that of `k - 1`.
fn search(stream: &mut impl Words, first: f64, ratio: impl Fn(f64) -> f64) -> f64 {
    let mut rest = stream.uniform();
    let (mut mass, mut k) = (first, 0.0);
    while rest > mass {
        rest -= mass;
        k += 1.0;
        mass *= ratio(k);
        if mass <= 0.0 || k > 1e4 {
            break;
        }
    }
    k
}

/// An angle of von Mises' distribution around 0.
///
/// # References
/// Best and Fisher (1979), "Efficient Simulation of the von Mises Distribution".
pub fn von_mises(stream: &mut impl Words, kappa: f64) -> f64 {
    if kappa < 1e-8 {
        return PI * (2.0 * stream.uniform() - 1.0);
    }
    let tau = 1.0 + (1.0 + 4.0 * kappa * kappa).sqrt();
    let rho = (tau - (2.0 * tau).sqrt()) / (2.0 * kappa);
    // Below, the difference has lost its digits, and (1 + rho^2) / (2 rho) is 1 / kappa + kappa.
    let r = if kappa < 1e-5 { 1.0 / kappa + kappa } else { (1.0 + rho * rho) / (2.0 * rho) };
    loop {
        let z = (PI * stream.uniform()).cos();
        let f = (1.0 + r * z) / (r + z);
        let c = kappa * (r - f);
        let u = stream.uniform();
        if c * (2.0 - c) > u || (c / u).ln() + 1.0 - c >= 0.0 {
            let angle = f.clamp(-1.0, 1.0).acos();
            return if stream.uniform() < 0.5 { -angle } else { angle };
        }
    }
}

/// A count of failures before `n` successes, each of logit `logit`: a Poisson count whose mean is a
/// gamma variable of shape `n` times the odds of failure.
pub fn negative_binomial(stream: &mut impl Words, n: f64, log_odds_of_failure: f64) -> f64 {
    let rate = (log_gamma(stream, n) + log_odds_of_failure).exp();
    poisson(stream, rate)
}
