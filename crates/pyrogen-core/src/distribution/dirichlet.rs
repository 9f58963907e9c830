//! Dirichlet's distribution.

use burn::tensor::Tensor;

use super::domain::Domain;
use super::rows::{Function, of_rows};
use super::{
    Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, OneMoreThan, Pathwise, Rank,
    Support,
};
use crate::real::{self, Formula, Real, functions};
use crate::special::host::{digamma, lgamma, trigamma};
use crate::{Noise, ParameterError};

/// Dirichlet's distribution of vectors of positive numbers that sum to 1, along the last axis.
///
/// ```text
/// p(x) = Gamma(sum_k a_k) prod_k x_k^(a_k - 1) / Gamma(a_k)
/// ```
///
/// # Shapes
/// The concentrations and the values are `[.., categories]`, of rank `L`; log-densities lack the last
/// axis.
///
/// # Numerics
/// Densities, entropies and divergences are computed on the host in double precision. Draws are gamma
/// variables over their sum, made as logarithms, with the implicit gradient (Figurnov et al. 2018).
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Dirichlet, Distribution};
///
/// let device = Device::flex();
/// let flat = Dirichlet::new(Tensor::<2>::ones([2, 3], &device))?;
/// let at = Tensor::from_floats([[0.2, 0.3, 0.5]], &device);
/// let log_prob: Tensor<1> = flat.log_prob(at);
/// assert!(log_prob.all_close(Tensor::full([2], 2f32.ln(), &device), None, None));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dirichlet<const L: usize> {
    concentration: Tensor<L>,
}

impl<const L: usize> Dirichlet<L> {
    /// From concentrations above 0.
    ///
    /// # Errors
    /// A concentration outside its domain.
    pub fn new(concentration: Tensor<L>) -> Result<Self, ParameterError> {
        Domain::Positive.check("Dirichlet", "concentration", &concentration)?;
        Ok(Self::new_unchecked(concentration))
    }

    /// As [`new`](Self::new), without reading from the device.
    pub fn new_unchecked(concentration: Tensor<L>) -> Self {
        Self { concentration }
    }

    /// The concentrations.
    pub fn concentration(&self) -> Tensor<L> {
        self.concentration.clone()
    }

    fn total(&self) -> Tensor<L> {
        self.concentration.clone().sum_dim(L - 1)
    }
}

/// `(a - 1) ln x`, 0 where `a` is 1.
fn power(a: f64, x: f64) -> f64 {
    if a == 1.0 { 0.0 } else { (a - 1.0) * x.ln() }
}

/// Of concentrations and a value.
const LOG_PROB: Function<2> = Function {
    value: |[a, x]| {
        let total: f64 = a.iter().sum();
        if x.iter().any(|&x| x < 0.0) {
            return f64::NEG_INFINITY;
        }
        lgamma(total) + a.iter().zip(x).map(|(&a, &x)| power(a, x) - lgamma(a)).sum::<f64>()
    },
    slopes: |[a, x], [by_a, by_x]| {
        let total = digamma(a.iter().sum());
        for i in 0..a.len() {
            by_a[i] = total - digamma(a[i]) + x[i].max(f64::MIN_POSITIVE).ln();
            by_x[i] = (a[i] - 1.0) / x[i].max(1e-30);
        }
    },
};

const ENTROPY: Function<1> = Function {
    value: |[a]| {
        let total: f64 = a.iter().sum();
        let both = digamma(total);
        let part = |&a: &f64| lgamma(a) - (a - 1.0) * (digamma(a) - both);
        // (total - n) digamma(total) is spread over the elements, where it nearly cancels.
        a.iter().map(part).sum::<f64>() - lgamma(total)
    },
    slopes: |[a], [by_a]| {
        let total: f64 = a.iter().sum();
        let common = (total - a.len() as f64) * trigamma(total);
        for i in 0..a.len() {
            by_a[i] = common - (a[i] - 1.0) * trigamma(a[i]);
        }
    },
};

const DIVERGENCE: Function<2> = Function {
    value: |[a, b]| {
        let (s, t): (f64, f64) = (a.iter().sum(), b.iter().sum());
        let both = digamma(s);
        let part = |(&a, &b): (&f64, &f64)| lgamma(b) - lgamma(a) + (a - b) * (digamma(a) - both);
        lgamma(s) - lgamma(t) + a.iter().zip(b).map(part).sum::<f64>()
    },
    slopes: |[a, b], [by_a, by_b]| {
        let (s, t): (f64, f64) = (a.iter().sum(), b.iter().sum());
        let common = (s - t) * trigamma(s);
        for i in 0..a.len() {
            by_a[i] = (a[i] - b[i]) * trigamma(a[i]) - common;
            by_b[i] = digamma(b[i]) - digamma(t) - digamma(a[i]) + digamma(s);
        }
    },
};

impl<const L: usize, const B: usize> Distribution<L, B> for Dirichlet<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn log_prob(&self, value: Tensor<L>) -> Tensor<B> {
        of_rows("Dirichlet", LOG_PROB, [self.concentration(), value])
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<L> {
        let plain =
            |x: Tensor<L>| if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x };
        Self::new_unchecked(plain(self.concentration())).rsample(noise)
    }
}

/// The logarithm of a gamma variable of rate 1.
struct LogGamma;

impl Formula for LogGamma {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        functions::log_gamma_draw(args[0], args[1])
    }
}

impl<const L: usize> Pathwise<L> for Dirichlet<L> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<L> {
        let log = real::draw(
            "Dirichlet",
            &LogGamma,
            &[self.concentration()],
            noise,
            (1, false),
            &|stream, p| [super::draws::log_gamma(stream, p[0]), 0.0],
        );
        pyrogen_ops::softmax(log)
    }
}

impl<const L: usize> Moments<L> for Dirichlet<L> {
    fn mean(&self) -> Tensor<L> {
        self.concentration() / self.total()
    }

    fn variance(&self) -> Tensor<L> {
        let mean = self.mean();
        mean.clone() * (mean.neg() + 1.0) / (self.total() + 1.0)
    }
}

impl<const L: usize> Mode<L> for Dirichlet<L> {
    /// NaN unless all concentrations are above 1.
    fn mode(&self) -> Tensor<L> {
        let categories = self.concentration.dims()[L - 1] as f64;
        let mode = (self.concentration() - 1.0) / (self.total() - categories);
        let flat = self.concentration().lower_equal_elem(1.0).any_dim(L - 1);
        let dims = mode.dims();
        mode.mask_fill(flat.expand(dims), f64::NAN)
    }
}

impl<const L: usize> HasSupport<L> for Dirichlet<L> {
    fn support(&self) -> Support<L> {
        Support::Simplex
    }
}

impl<const L: usize, const B: usize> Entropy<B> for Dirichlet<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn entropy(&self) -> Tensor<B> {
        of_rows("Dirichlet", ENTROPY, [self.concentration()])
    }
}

impl<const L: usize, const B: usize> KlDivergence<Dirichlet<L>, B> for Dirichlet<L>
where
    Rank<L>: OneMoreThan<B>,
{
    fn kl_divergence(&self, other: &Dirichlet<L>) -> Tensor<B> {
        of_rows("KL of Dirichlet", DIVERGENCE, [self.concentration(), other.concentration()])
    }
}
