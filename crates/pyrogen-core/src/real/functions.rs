//! Special functions as steps of a formula: values and slopes by [`special::host`](crate::special::host).

use std::f64::consts::SQRT_2;

use super::{Real, Special};
use crate::special::host;

/// Functions of numbers of a formula, from a value and its slopes.
macro_rules! specials {
    ($($(#[$doc:meta])* $name:ident[$k:literal]($($arg:ident),*): $value:expr, $slopes:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name<R: Real>($($arg: R),*) -> R {
            const FUNCTION: Special<$k> = Special { value: $value, slopes: $slopes };
            R::special(FUNCTION, [$($arg),*])
        }
    )*};
}

specials! {
    /// `ln |Gamma(x)|`.
    lgamma[1](x): |[x]| host::lgamma(x), |[x]| [host::digamma(x)];
    /// The derivative of [`lgamma`].
    digamma[1](x): |[x]| host::digamma(x), |[x]| [host::trigamma(x)];
    /// `ln B(a, b)`.
    lbeta[2](a, b): |[a, b]| host::lbeta(a, b), |[a, b]| {
        let both = host::digamma(a + b);
        [host::digamma(a) - both, host::digamma(b) - both]
    };
    /// `ln C(n, k)`.
    log_choose[2](n, k): |[n, k]| host::log_choose(n, k), |[n, k]| {
        let rest = host::digamma(n - k + 1.0);
        [host::digamma(n + 1.0) - rest, rest - host::digamma(k + 1.0)]
    };
    /// The error of Stirling's formula.
    stirling_error[1](x): |[x]| host::stirling_error(x), |[x]| [host::stirling_error_slope(x)];
    /// Its derivative.
    stirling_error_slope[1](x): |[x]| host::stirling_error_slope(x),
        |[x]| [host::trigamma(x) - 1.0 / x - 0.5 / (x * x)];
    /// `x ln(x / m) + m - x`.
    deviance[2](x, m): |[x, m]| host::deviance(x, m), |[x, m]| {
        let r = (x - m) / m;
        [r.ln_1p(), -r]
    };
    /// The error function.
    erf[1](x): |[x]| host::erf(x), |[x]| [host::normal_density(x * SQRT_2) * (2.0 * SQRT_2)];
    /// `1 - erf(x)`.
    erfc[1](x): |[x]| host::erfc(x), |[x]| [-host::normal_density(x * SQRT_2) * (2.0 * SQRT_2)];
    /// The inverse error function.
    erfinv[1](y): |[y]| host::erfinv(y), |[y]| {
        let x = host::erfinv(y);
        [0.5 * std::f64::consts::PI.sqrt() * (x * x).exp()]
    };
    /// The normal distribution function.
    ndtr[1](x): |[x]| host::ndtr(x), |[x]| [host::normal_density(x)];
    /// Its logarithm.
    log_ndtr[1](x): |[x]| host::log_ndtr(x), |[x]| [host::log_ndtr_slope(x)];
    /// Its inverse.
    ndtri[1](p): |[p]| host::ndtri(p), |[p]| [1.0 / host::normal_density(host::ndtri(p))];
    /// The standard normal number within (a, b) below which the share `u` of the mass between lies.
    truncated_ndtri[3](u, a, b): |[u, a, b]| host::truncated_ndtri(u, a, b), |[u, a, b]| {
        host::truncated_ndtri_slopes(u, a, b)
    };
    /// The mean of a standard normal number between two bounds.
    truncated_mean[2](a, b): |[a, b]| host::truncated_moments(a, b).mean,
        |[a, b]| host::truncated_moments(a, b).mean_slopes([a, b]);
    /// Its variance.
    truncated_variance[2](a, b): |[a, b]| host::truncated_moments(a, b).variance,
        |[a, b]| host::truncated_moments(a, b).variance_slopes([a, b]);
    /// Its entropy.
    truncated_entropy[2](a, b): |[a, b]| host::truncated_moments(a, b).entropy,
        |[a, b]| host::truncated_moments(a, b).entropy_slopes([a, b]);
    /// The count with `P(X <= k) >= p` of a Poisson variable.
    poisson_icdf[2](rate, p): |[rate, p]| host::poisson_quantile(rate, p, 1.0 - p), |_| [0.0; 2];
    /// The count with `P(X > k) <= q`.
    poisson_isf[2](rate, q): |[rate, q]| host::poisson_quantile(rate, 1.0 - q, q), |_| [0.0; 2];
    /// The entropy of a Poisson variable.
    poisson_entropy[1](rate): |[rate]| host::poisson_entropy(rate).0,
        |[rate]| [host::poisson_entropy(rate).1];
    /// The count with `P(X <= k) >= p` of a binomial variable.
    binomial_icdf[3](n, l, p): |[n, l, p]| host::binomial_quantile(n, l, p, 1.0 - p), |_| [0.0; 3];
    /// The count with `P(X > k) <= q`.
    binomial_isf[3](n, l, q): |[n, l, q]| host::binomial_quantile(n, l, 1.0 - q, q), |_| [0.0; 3];
    /// The entropy of a binomial variable; its slope by the number of trials is 0.
    binomial_entropy[2](n, l): |[n, l]| host::binomial_entropy(n, l).0,
        |[n, l]| [0.0, host::binomial_entropy(n, l).1];
    /// The count with `P(X <= k) >= p` of a negative binomial variable.
    negative_binomial_icdf[3](n, l, p):
        |[n, l, p]| host::negative_binomial_quantile(n, l, p, 1.0 - p), |_| [0.0; 3];
    /// The count with `P(X > k) <= q`.
    negative_binomial_isf[3](n, l, q):
        |[n, l, q]| host::negative_binomial_quantile(n, l, 1.0 - q, q), |_| [0.0; 3];
    /// The entropy of a negative binomial variable.
    negative_binomial_entropy[2](n, l): |[n, l]| host::negative_binomial_entropy(n, l).0,
        |[n, l]| host::negative_binomial_entropy(n, l).1;
    /// `P(a, x)`.
    gamma_lower[2](a, x): |[a, x]| host::gammainc(a, x).0, |[a, x]| {
        [host::gammainc_slope(a, x), host::gamma_density(a, x)]
    };
    /// `Q(a, x)`.
    gamma_upper[2](a, x): |[a, x]| host::gammainc(a, x).1, |[a, x]| {
        [-host::gammainc_slope(a, x), -host::gamma_density(a, x)]
    };
    /// The logarithm of the number with `P(a, x) = p`.
    log_gamma_icdf[2](a, p): |[a, p]| host::gammainc_inverse(a, p, 1.0 - p), |[a, p]| {
        let z = host::gammainc_inverse(a, p, 1.0 - p);
        [host::log_gamma_draw_slope(a, z), (-z).exp() / host::gamma_density(a, z.exp())]
    };
    /// The logarithm of the number with `Q(a, x) = q`.
    log_gamma_isf[2](a, q): |[a, q]| host::gammainc_inverse(a, 1.0 - q, q), |[a, q]| {
        let z = host::gammainc_inverse(a, 1.0 - q, q);
        [host::log_gamma_draw_slope(a, z), -(-z).exp() / host::gamma_density(a, z.exp())]
    };
    /// A draw `z` of the logarithm of a gamma variable of shape `a`; the slope is pathwise.
    log_gamma_draw[2](a, z): |[_, z]| z, |[a, z]| [host::log_gamma_draw_slope(a, z), 1.0];
    /// `I_x(a, b)`, where `y = 1 - x`. The slope is by `x`; `y` must not be tracked by itself.
    beta_lower[4](a, b, x, y): |[a, b, x, y]| host::betainc(a, b, x, y).0, |[a, b, x, y]| {
        let [da, db, dx] = host::betainc_slopes(a, b, x, y);
        [da, db, dx, 0.0]
    };
    /// `1 - I_x(a, b)`, as [`beta_lower`].
    beta_upper[4](a, b, x, y): |[a, b, x, y]| host::betainc(a, b, x, y).1, |[a, b, x, y]| {
        let [da, db, dx] = host::betainc_slopes(a, b, x, y);
        [-da, -db, -dx, 0.0]
    };
    /// The logit of the number with `I_x(a, b) = p`.
    beta_logit_icdf[3](a, b, p): |[a, b, p]| host::betainc_inverse(a, b, p, 1.0 - p), |[a, b, p]| {
        host::beta_logit_slopes(a, b, host::betainc_inverse(a, b, p, 1.0 - p))
    };
    /// The logit of the number with `1 - I_x(a, b) = q`.
    beta_logit_isf[3](a, b, q): |[a, b, q]| host::betainc_inverse(a, b, 1.0 - q, q), |[a, b, q]| {
        let [da, db, dp] = host::beta_logit_slopes(a, b, host::betainc_inverse(a, b, 1.0 - q, q));
        [da, db, -dp]
    };
    /// `P(T > t)` of Student's distribution.
    student_t_survival[2](df, t): |[df, t]| host::student_t_survival(df, t), |[df, t]| {
        host::student_t_survival_slopes(df, t)
    };
    /// The number with `P(T > t) = q`.
    student_t_isf[2](df, q): |[df, q]| host::student_t_isf(df, q), |[df, q]| {
        let [by_df, minus_density] =
            host::student_t_survival_slopes(df, host::student_t_isf(df, q));
        [-by_df / minus_density, 1.0 / minus_density]
    };
    /// `ln(I_0(x) exp(-x))`.
    log_bessel_i0e[1](x): |[x]| host::log_bessel_ie(0.0, x), |[x]| [-host::one_minus_bessel_ratio(x)];
    /// `I_1(x) / I_0(x)`.
    bessel_ratio[1](x): |[x]| host::bessel_ratio(0.0, x), |[x]| {
        let r = host::bessel_ratio(0.0, x);
        // A' = 1 - A / x - A^2, which is 1/2 at 0.
        [if x < 1e-4 { 0.5 } else if x > 1e4 { 0.5 / (x * x) } else { 1.0 - r / x - r * r }]
    };
    /// `1 - I_1(x) / I_0(x)`.
    one_minus_bessel_ratio[1](x): |[x]| host::one_minus_bessel_ratio(x), |[x]| {
        let r = host::bessel_ratio(0.0, x);
        [if x < 1e-4 { -0.5 } else if x > 1e4 { -0.5 / (x * x) } else { r / x + r * r - 1.0 }]
    };
    /// Von Mises' distribution function at an angle in [-pi, pi].
    von_mises_lower[2](kappa, x): |[kappa, x]| host::von_mises_cdf(kappa, x).0, |[kappa, x]| {
        [host::von_mises_cdf_slope(kappa, x), host::von_mises_density(kappa, x)]
    };
    /// Its complement.
    von_mises_upper[2](kappa, x): |[kappa, x]| host::von_mises_cdf(kappa, x).1, |[kappa, x]| {
        [-host::von_mises_cdf_slope(kappa, x), -host::von_mises_density(kappa, x)]
    };
    /// The angle with `P(X <= x) = p`.
    von_mises_icdf[2](kappa, p): |[kappa, p]| host::von_mises_quantile(kappa, p, 1.0 - p),
        |[kappa, p]| {
            let x = host::von_mises_quantile(kappa, p, 1.0 - p);
            let density = host::von_mises_density(kappa, x);
            [-host::von_mises_cdf_slope(kappa, x) / density, 1.0 / density]
        };
    /// A draw `x` of von Mises' distribution around 0; the slope is pathwise.
    von_mises_draw[2](kappa, x): |[_, x]| x, |[kappa, x]| {
        let density = host::von_mises_density(kappa, x);
        [-host::von_mises_cdf_slope(kappa, x) / density, 1.0]
    };
}
