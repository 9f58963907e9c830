//! Divergences between families, where the integral has a closed form.
//!
//! Each is the entropy's negative and the expected log-density of the other, of which the moments and the
//! mean of the logarithm are known.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::super::beta::BetaFamily;
use super::super::family::prelude::*;
use super::super::gamma::GammaFamily;
use super::super::pareto::ParetoFamily;
use super::super::{
    Bernoulli, Beta, Exponential, Gamma, Gumbel, Laplace, Normal, Pareto, Poisson, Uniform,
};
use super::divergences;

/// The expected negative log-density of a normal variable, from a mean and a variance.
fn by_normal<R: Real>(mean: R, variance: R, mu: R, log_var: R) -> R {
    let square = variance + (mean - mu).square();
    square * (-log_var).exp() * 0.5 + log_var * 0.5 + HALF_LN_2PI
}

/// Of a gamma variable, from the mean and the mean of the logarithm.
fn by_gamma<R: Real>(mean: R, log_mean: R, a: R, rate: R) -> R {
    lgamma(a) - a * rate.ln() - (a - 1.0) * log_mean + rate * mean
}

/// Of Gumbel's distribution, from the mean and that of `exp(-x / scale)`.
fn by_gumbel<R: Real>(mean: R, decay: R, loc: R, scale: R) -> R {
    scale.ln() + (mean - loc) / scale + (loc / scale).exp() * decay
}

fn half_log<R: Real>(log_var: R) -> R {
    log_var * 0.5 + (HALF_LN_2PI + 0.5)
}

/// `x ln x`, 0 at 0.
fn times_log<R: Real>(x: R) -> R {
    let positive = x.over(0.0);
    (x * x.guard(positive, 1.0).ln()).or(positive, 0.0)
}

/// The mean of the logarithm between two bounds.
fn log_mean<R: Real>(low: R, high: R) -> R {
    (times_log(high) - times_log(low)) / (high - low) - 1.0
}

divergences! {
    Bernoulli[l], Poisson[r] => {
        let p = l.sigmoid();
        r - p * (r.ln() + (-l).softplus()) - (-l).sigmoid() * l.softplus()
    };
    Beta[a, b], Exponential[r] => r * a / (a + b) - r.ln() - BetaFamily::entropy(&[a, b]);
    Beta[a, b], Gamma[c, r] => {
        let log_mean = digamma(a) - digamma(a + b);
        by_gamma(a / (a + b), log_mean, c, r) - BetaFamily::entropy(&[a, b])
    };
    Beta[a, b], Normal[m, v] => {
        let p = [a, b];
        by_normal(BetaFamily::mean(&p), BetaFamily::variance(&p), m, v) - BetaFamily::entropy(&p)
    };
    /// Infinite where the interval does not hold [0, 1].
    Beta[a, b], Uniform[c, d] => {
        let outside = R::either(c.over(0.0), d.under(1.0));
        ((d - c).ln() - BetaFamily::entropy(&[a, b])).unless(outside, f64::INFINITY)
    };
    Exponential[r], Gamma[a, s] => by_gamma(r.recip(), -r.ln() - EULER, a, s) + r.ln() - 1.0;
    Exponential[r], Gumbel[m, s] => {
        let product = r * s;
        by_gumbel(r.recip(), product / (product + 1.0), m, s) + r.ln() - 1.0
    };
    Exponential[r], Normal[m, v] => {
        by_normal(r.recip(), r.recip().square(), m, v) + r.ln() - 1.0
    };
    Gamma[a, r], Exponential[s] => s * a / r - s.ln() - GammaFamily::entropy(&[a, r]);
    Gamma[a, r], Gumbel[m, s] => {
        let decay = (-(a * (r * s).recip().ln_1p())).exp();
        by_gumbel(a / r, decay, m, s) - GammaFamily::entropy(&[a, r])
    };
    Gamma[a, r], Normal[m, v] => {
        by_normal(a / r, a / r / r, m, v) - GammaFamily::entropy(&[a, r])
    };
    Gumbel[m, s], Normal[n, v] => {
        let variance = s.square() * (PI * PI / 6.0);
        by_normal(m + s * EULER, variance, n, v) - s.ln() - (1.0 + EULER)
    };
    Laplace[m, s], Normal[n, v] => by_normal(m, s.square() * 2.0, n, v) - (s * 2.0).ln() - 1.0;
    Normal[m, v], Gumbel[n, t] => {
        let decay = (v.exp() / t.square() * 0.5 - m / t).exp();
        by_gumbel(m, decay, n, t) - half_log(v)
    };
    Normal[m, v], Laplace[n, t] => {
        let (distance, std) = (m - n, (v * 0.5).exp());
        let z = distance / std;
        let spread = std * (-(z.square() * 0.5)).exp() * (2.0 / PI).sqrt();
        (spread + distance * erf(z * FRAC_1_SQRT_2)) / t + (t * 2.0).ln() - half_log(v)
    };
    /// Infinite for powers up to 1.
    Pareto[m, a], Exponential[r] => {
        r * ParetoFamily::mean(&[m, a]) - r.ln() - ParetoFamily::entropy(&[m, a])
    };
    /// Infinite for powers up to 1.
    Pareto[m, a], Gamma[c, r] => {
        let p = [m, a];
        by_gamma(ParetoFamily::mean(&p), m.ln() + a.recip(), c, r) - ParetoFamily::entropy(&p)
    };
    /// Infinite for powers up to 2.
    Pareto[m, a], Normal[n, v] => {
        let finite = a.over(2.0);
        let p = [m, a.guard(finite, 3.0)];
        let (mean, variance) = (ParetoFamily::mean(&p), ParetoFamily::variance(&p));
        (by_normal(mean, variance, n, v) - ParetoFamily::entropy(&p)).or(finite, f64::INFINITY)
    };
    /// Infinite where [0, 1] does not hold the interval.
    Uniform[l, h], Beta[a, b] => {
        let outside = R::either(l.under(0.0), h.over(1.0));
        let (l, h) = (l.safe(outside, 0.25), h.safe(outside, 0.75));
        let above = log_mean(h.under_from(1.0), l.under_from(1.0));
        let value = lbeta(a, b) - (a - 1.0) * log_mean(l, h) - (b - 1.0) * above - (h - l).ln();
        value.unless(outside, f64::INFINITY)
    };
    /// Infinite where the interval has negative numbers.
    Uniform[l, h], Exponential[r] => {
        (r * (l + h) * 0.5 - r.ln() - (h - l).ln()).unless(l.under(0.0), f64::INFINITY)
    };
    /// Infinite where the interval has negative numbers.
    Uniform[l, h], Gamma[a, r] => {
        let outside = l.under(0.0);
        let (l, h) = (l.safe(outside, 1.0), h.safe(outside, 2.0));
        let value = by_gamma((l + h) * 0.5, log_mean(l, h), a, r) - (h - l).ln();
        value.unless(outside, f64::INFINITY)
    };
    Uniform[l, h], Gumbel[m, s] => {
        // The mean of exp(-x / s) between the bounds.
        let width = (h - l) / s;
        let decay = -(-width).exp_m1() / width * (-(l / s)).exp();
        by_gumbel((l + h) * 0.5, decay, m, s) - (h - l).ln()
    };
    Uniform[l, h], Normal[m, v] => {
        by_normal((l + h) * 0.5, (h - l).square() / 12.0, m, v) - (h - l).ln()
    };
    /// Infinite where the interval begins below the smallest value.
    Uniform[l, h], Pareto[m, a] => {
        let outside = l.below(m);
        let (l, h) = (l.safe(outside, 1.0), h.safe(outside, 2.0));
        let value = (a + 1.0) * log_mean(l, h) - a.ln() - a * m.ln() - (h - l).ln();
        value.unless(outside, f64::INFINITY)
    };
}
