//! Special functions of numbers in double precision, with their derivatives.
//!
//! The tensor functions of [`special`](super) compute with these on the CPU; draws and quantiles
//! use them directly.

mod bessel;
mod beta;
mod counts;
mod error;
mod exp;
mod gamma;
mod incomplete_beta;
mod incomplete_gamma;
mod solve;
mod truncated;
mod von_mises;

pub use bessel::{bessel_ratio, log_bessel_i, log_bessel_ie};
pub use beta::{lbeta, log_choose};
pub use counts::{
    binomial_entropy, binomial_quantile, negative_binomial_entropy, negative_binomial_quantile,
    poisson_entropy, poisson_quantile,
};
pub use error::{
    erf, erfc, erfcx, erfinv, log_ndtr, log_ndtr_slope, log_ndtri, ndtr, ndtri, normal_density,
};
pub use exp::exp_in_loops;
pub use gamma::{deviance, digamma, lgamma, stirling_error, stirling_error_slope, trigamma};
pub use incomplete_beta::{
    beta_logit_slopes, betainc, betainc_inverse, betainc_slopes, student_t_isf, student_t_survival,
    student_t_survival_slopes,
};
pub use incomplete_gamma::{
    gamma_density, gammainc, gammainc_inverse, gammainc_slope, log_gamma_draw_slope,
};
pub use truncated::{Moments, truncated_moments, truncated_ndtri, truncated_ndtri_slopes};
pub use von_mises::{
    one_minus_bessel_ratio, von_mises_cdf, von_mises_cdf_slope, von_mises_density,
    von_mises_quantile,
};

/// `ln(1 - exp(-x))` for `x > 0`.
///
/// # Numerics
/// Relative error about 1e-15.
///
/// # References
/// Mächler (2012), "Accurately Computing log(1 - exp(-|a|))", eq. 7.
pub fn log1mexp(x: f64) -> f64 {
    if x < std::f64::consts::LN_2 { (-(-x).exp_m1()).ln() } else { (-(-x).exp()).ln_1p() }
}

/// `ln(1 + exp(x))`, without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + exp(-x))`, with relative accuracy in the lower tail.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}
