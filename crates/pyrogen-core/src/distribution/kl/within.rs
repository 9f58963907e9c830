//! Divergences of two distributions of one family.

use super::super::family::prelude::*;
use super::super::{
    Beta, Binomial, Cauchy, ChiSquared, Exponential, Gamma, Geometric, Gumbel, HalfNormal,
    InverseGamma, Laplace, LogNormal, Pareto, Poisson, Uniform, VonMises, Weibull,
};
use super::divergences;

/// `x - ln(1 + x)` of the relative change `(b - a) / a`: what two exponentials of rates `a` and `b` have.
fn excess<R: Real>(a: R, b: R) -> R {
    let change = (b - a) / a;
    change - change.ln_1p()
}

/// `(s^2 / t^2 - 1) / 2 - ln(s / t)`: what two normal variables of these scales have.
fn scales<R: Real>(s: R, t: R) -> R {
    let change = (s - t) / t;
    change * (change + 2.0) * 0.5 - change.ln_1p()
}

/// Of gamma variables of shapes `a`, `b` and rates `r`, `s`.
pub(super) fn gammas<R: Real>([a, r]: [R; 2], [b, s]: [R; 2]) -> R {
    // That of equal rates is what is left over Stirling's formula: nothing large cancels.
    let rest = stirling_error(b) - stirling_error(a) - (b - a) * stirling_error_slope(a);
    let shapes = deviance(b, a) + excess(a, b) * 0.5 + rest;
    shapes + (a - b) * (s / r).ln() + a * excess(r, s)
}

divergences! {
    Beta[a, b], Beta[c, d] => {
        let both = digamma(a + b);
        lbeta(c, d) - lbeta(a, b) + (a - c) * (digamma(a) - both) + (b - d) * (digamma(b) - both)
    };
    /// Of equal numbers of trials; infinite where this has more, and NaN (no closed form) where it has
    /// fewer.
    Binomial[n, l], Binomial[m, k] => {
        let ones = l.sigmoid() * ((-k).softplus() - (-l).softplus());
        let zeros = (-l).sigmoid() * (k.softplus() - l.softplus());
        (n * (ones + zeros)).unless(m.below(n), f64::INFINITY).unless(n.below(m), f64::NAN)
    };
    /// Chyzak and Nielsen (2019), "A Closed-Form Formula for the Kullback-Leibler Divergence Between Cauchy
    /// Distributions".
    Cauchy[m, s], Cauchy[n, t] => {
        let difference = (s - t).square() + (m - n).square();
        (difference / (s * t * 4.0)).ln_1p()
    };
    ChiSquared[a], ChiSquared[b] => {
        let half = a.lit(0.5);
        gammas([a * 0.5, half], [b * 0.5, half])
    };
    Exponential[r], Exponential[s] => excess(r, s);
    Gamma[a, r], Gamma[b, s] => gammas([a, r], [b, s]);
    Geometric[l], Geometric[m] => {
        (-l).exp() * (m.softplus() - l.softplus()) + (-m).softplus() - (-l).softplus()
    };
    Gumbel[m, s], Gumbel[n, t] => {
        let (ratio, shift) = (s / t, (m - n) / t);
        -ratio.ln() + shift + ratio * EULER + (lgamma(ratio + 1.0) - shift).exp() - (1.0 + EULER)
    };
    HalfNormal[s], HalfNormal[t] => scales(s, t);
    InverseGamma[a, r], InverseGamma[b, s] => gammas([a, r], [b, s]);
    Laplace[m, s], Laplace[n, t] => {
        let (ratio, distance) = (s / t, (m - n).abs());
        // exp(-d / s) - 1 and the rest both vanish where the two are equal.
        ratio * (-(distance / s)).exp_m1() + distance / t + (ratio - 1.0) - ratio.ln()
    };
    LogNormal[m, s], LogNormal[n, t] => {
        scales(s, t) + ((m - n) / t).square() * 0.5
    };
    /// Infinite where this has values below the other's smallest.
    Pareto[m, a], Pareto[n, b] => {
        let inside = m.most(n);
        (excess(a, b) + b * (inside / n).ln()).unless(m.below(n), f64::INFINITY)
    };
    Poisson[r], Poisson[s] => deviance(r, s);
    /// Infinite where the other's interval does not hold this one's.
    Uniform[a, b], Uniform[c, d] => {
        let outside = R::either(a.below(c), d.below(b));
        ((d - c) / (b - a)).ln().unless(outside, f64::INFINITY)
    };
    VonMises[m, k], VonMises[n, l] => {
        let apart = ((m - n) * 0.5).sin().square() * 2.0;
        let rest = one_minus_bessel_ratio(k);
        log_bessel_i0e(l) - log_bessel_i0e(k) + (l - k) * rest + l * apart * rest.under_from(1.0)
    };
    /// Bauckhage (2013), "Computing the Kullback-Leibler Divergence between two Weibull Distributions".
    Weibull[s, k], Weibull[t, l] => {
        let (ratio, log) = (l / k, (s / t).ln());
        -ratio.ln() - l * log + (ratio - 1.0) * EULER + (l * log + lgamma(ratio + 1.0)).exp() - 1.0
    };
}
