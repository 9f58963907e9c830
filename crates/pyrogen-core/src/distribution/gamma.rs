//! The gamma distribution.

use burn::tensor::Tensor;

use super::draws;
use super::family::prelude::*;

elementwise! {
    /// Gamma distribution of each element, with shape `concentration` and inverse scale `rate`.
    ///
    /// ```text
    /// p(x) = rate^concentration x^(concentration - 1) exp(-rate x) / Gamma(concentration)
    /// ```
    ///
    /// # Numerics
    /// The density is what is left over Stirling's formula and the deviance, so that shapes of 1e5
    /// cost no digits. Draws are made as logarithms; with a shape of 1e-3 most are smaller than any
    /// number, and come out as 0.
    ///
    /// # References
    /// Loader (2000), "Fast and Accurate Computation of Binomial Probabilities"; Marsaglia and Tsang
    /// (2000), "A Simple Method for Generating Gamma Variables"; Figurnov, Mohamed and Mnih (2018),
    /// "Implicit Reparameterization Gradients".
    ///
    /// # Examples
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use pyrogen_core::distribution::{Cdf, Gamma, Moments};
    ///
    /// let device = Device::flex();
    /// let shape = Tensor::<1>::from_floats([1.0, 5.0], &device);
    /// let gamma = Gamma::new(shape, Tensor::full([1], 2.0, &device))?;
    /// let mean: Vec<f32> = gamma.mean().into_data().iter().collect();
    /// assert_eq!(mean, [0.5, 2.5]);
    /// let median = Tensor::from_floats([2f32.ln() / 2.0, 2.3354], &device);
    /// assert!(gamma.cdf(median).all_close(Tensor::full([2], 0.5, &device), None, Some(1e-4)));
    ///
    /// let negative = Tensor::<1>::from_floats([-1.0], &device);
    /// let error = Gamma::new(negative.clone(), negative.abs()).unwrap_err();
    /// let text = "Gamma: `concentration` must be positive and finite, got -1 at element 0";
    /// assert_eq!(error.to_string(), text);
    /// # Ok::<(), pyrogen_core::ParameterError>(())
    /// ```
    Gamma: GammaFamily, |_this| Support::Positive => {
        /// The shape.
        concentration: Domain::Positive,
        /// The inverse scale.
        rate: Domain::Positive,
    }
}

/// The formulas of [`Gamma`].
#[derive(Debug)]
pub struct GammaFamily;

/// The log-density at `y = rate x` times `x`: `ln(y^a exp(-y) / Gamma(a))`.
pub(super) fn log_weight<R: Real>(a: R, y: R) -> R {
    a.ln() * 0.5 - stirling_error(a) - deviance(a, y) - HALF_LN_2PI
}

/// The log-density at a positive number. Small shapes have the textbook formula, whose slope is exact
/// where the power of `x` is nearly 0.
fn log_density<R: Real>(a: R, rate: R, x: R) -> R {
    let small = a.under(10.0);
    let textbook = a * rate.ln() + (a - 1.0) * x.ln() - rate * x - lgamma(a);
    R::select(small, textbook, log_weight(a, rate * x) - x.ln())
}

/// The log-density at 0 of a density of order `x^(a - 1)`.
pub(super) fn at_zero<R: Real>(a: R, where_one: R) -> R {
    let rises = a.lit(f64::NEG_INFINITY).unless(a.under(1.0), f64::INFINITY);
    R::select(a.is(1.0), where_one, rises)
}

impl Family for GammaFamily {
    const NAME: &'static str = "Gamma";
    const BLIND: bool = false;

    fn log_prob<R: Real>(x: R, p: &[R]) -> R {
        let [a, rate] = params(p);
        let (outside, zero) = (x.under(0.0), x.is(0.0));
        let inner = x.safe(R::either(outside, zero), 1.0);
        let density = log_density(a, rate, inner);
        R::select(zero, at_zero(a, rate.ln()), density.unless(outside, f64::NEG_INFINITY))
    }

    fn noise(stream: &mut Stream, p: &[f64]) -> [f64; 2] {
        [draws::log_gamma(stream, p[0]), 0.0]
    }

    fn transform<R: Real>(e: &[R], p: &[R]) -> R {
        (log_gamma_draw(p[0], e[0]) - p[1].ln()).exp()
    }

    fn fast_log_prob<const D: usize>(x: &Tensor<D>, p: &[Tensor<D>]) -> Option<Tensor<D>> {
        if crate::real::is_in_tensor_arithmetic() {
            return None;
        }
        pyrogen_ops::gamma_log_density(x, &p[0], &p[1], |x, a, rate| Self::log_prob(x, &[a, rate]))
    }
}

impl FamilyPathwise for GammaFamily {}

impl FamilyMoments for GammaFamily {
    fn mean<R: Real>(p: &[R]) -> R {
        p[0] / p[1]
    }

    fn variance<R: Real>(p: &[R]) -> R {
        p[0] / p[1] / p[1]
    }
}

/// Of rate 1: `a + lgamma(a) + (1 - a) digamma(a)`, without the large terms.
pub(super) fn entropy<R: Real>(a: R) -> R {
    let less = a - 1.0;
    a.ln() * 0.5
        + stirling_error(a)
        + less * (a.recip() * 0.5 - stirling_error_slope(a))
        + HALF_LN_2PI
}

impl FamilyEntropy for GammaFamily {
    fn entropy<R: Real>(p: &[R]) -> R {
        entropy(p[0]) - p[1].ln()
    }
}

impl FamilyMode for GammaFamily {
    /// 0 for shapes below 1, where the density has no bound.
    fn mode<R: Real>(p: &[R]) -> R {
        (p[0] - 1.0).most(p[0].lit(0.0)) / p[1]
    }
}

impl FamilyCdf for GammaFamily {
    fn cdf<R: Real>(x: R, p: &[R]) -> R {
        let outside = x.under(0.0);
        gamma_lower(p[0], x.safe(outside, 0.0) * p[1])
    }

    fn survival<R: Real>(x: R, p: &[R]) -> R {
        let outside = x.under(0.0);
        gamma_upper(p[0], x.safe(outside, 0.0) * p[1])
    }
}

impl FamilyQuantile for GammaFamily {
    fn icdf<R: Real>(q: R, p: &[R]) -> R {
        (log_gamma_icdf(p[0], q) - p[1].ln()).exp()
    }

    fn isf<R: Real>(q: R, p: &[R]) -> R {
        (log_gamma_isf(p[0], q) - p[1].ln()).exp()
    }
}
