//! The normal distribution.

use std::f64::consts::{E, PI};

use burn::tensor::{Device, Tensor};

use super::domain::Domain;
use super::numerics::{broadcast_dims, expand_to};
use super::{
    Cdf, Distribution, Entropy, HasSupport, KlDivergence, Mode, Moments, Pathwise, Quantile,
    Reparameterized, Support,
};
use crate::real::functions::{ndtr, ndtri};
use crate::real::{Formula, Real, apply};
use crate::{Noise, ParameterError};

/// Normal distribution of each element, with mean `mean` and log-variance `log_var`.
///
/// ```text
/// log p(x) = -0.5 * (ln(2 pi) + log_var + (x - mean)^2 * exp(-log_var))
/// ```
///
/// # Shapes
/// `mean` and `log_var` are equal in shape, or broadcast; so does the value. Draws, moments and
/// entropies have the shape that the two make together.
///
/// # Numerics
/// The log-variance is not clamped: `exp(-log_var)` overflows f32 below -88, and then the density at the
/// mean is NaN. Networks that predict it should bound it.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Distribution, Normal};
///
/// let device = Device::flex();
/// let mean = Tensor::<2>::zeros([3, 2], &device);
/// let shared = Tensor::<2>::from_floats([[0.0, -2.0]], &device);
/// let normal = Normal::new(mean.clone(), shared);
/// assert_eq!(normal.log_prob(mean).dims(), [3, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct Normal<const D: usize> {
    mean: Tensor<D>,
    log_var: Tensor<D>,
}

impl<const D: usize> Normal<D> {
    /// From means and log-variances.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    pub fn new(mean: Tensor<D>, log_var: Tensor<D>) -> Self {
        broadcast_dims("Normal", mean.dims(), log_var.dims());
        Self { mean, log_var }
    }

    /// From means and standard deviations.
    ///
    /// The check reads one number a parameter from the device.
    ///
    /// # Errors
    /// A mean that is not finite, or a standard deviation that is not positive and finite.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    pub fn from_std(mean: Tensor<D>, std: Tensor<D>) -> Result<Self, ParameterError> {
        Domain::Real.check("Normal", "mean", &mean)?;
        Domain::Positive.check("Normal", "std", &std)?;
        Ok(Self::new(mean, std.log() * 2.0))
    }

    /// Mean 0 and variance 1.
    pub fn standard(shape: [usize; D], device: &Device) -> Self {
        Self::new(Tensor::zeros(shape, device), Tensor::zeros(shape, device))
    }

    /// The log-variance.
    pub fn log_var(&self) -> Tensor<D> {
        expand_to(self.log_var.clone(), self.dims())
    }

    /// The standard deviation.
    pub fn std(&self) -> Tensor<D> {
        expand_to(self.scale(), self.dims())
    }

    /// The shape of a draw.
    fn dims(&self) -> [usize; D] {
        broadcast_dims("Normal", self.mean.dims(), self.log_var.dims())
    }

    fn scale(&self) -> Tensor<D> {
        (self.log_var.clone() * 0.5).exp()
    }
}

impl<const D: usize> Distribution<D, D> for Normal<D> {
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        broadcast_dims("Normal", self.dims(), value.dims());
        pyrogen_ops::normal_log_density(value, self.mean.clone(), self.log_var.clone())
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        self.rsample(noise).detach()
    }
}

impl<const D: usize> Pathwise<D> for Normal<D> {
    fn rsample(&self, noise: &mut Noise) -> Tensor<D> {
        let epsilon = noise.normal(self.dims(), &self.mean.device());
        self.reparameterize(in_type_of(&self.mean, epsilon))
    }
}

/// Noise is made in f32; a distribution may be in another type.
pub(super) fn in_type_of<const D: usize, const E: usize>(
    x: &Tensor<D>,
    noise: Tensor<E>,
) -> Tensor<E> {
    if x.dtype() == noise.dtype() { noise } else { noise.cast(x.dtype()) }
}

/// `(x - mean) exp(-log_var / 2)`, or from below where `sign` is -1.
struct Phi {
    sign: f64,
}

impl Formula for Phi {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [x, mean, log_var] = [args[0], args[1], args[2]];
        ndtr((x - mean) * (log_var * -0.5).exp() * self.sign)
    }
}

/// The inverse of [`Phi`].
struct Inverse {
    sign: f64,
}

impl Formula for Inverse {
    /// NaN where the probability is none, as [`ndtri`] is.
    fn eval<R: Real>(&self, args: &[R]) -> R {
        let [q, mean, log_var] = [args[0], args[1], args[2]];
        mean + ndtri(q) * (log_var * 0.5).exp() * self.sign
    }
}

impl<const D: usize> Normal<D> {
    /// A value and the parameters, as formulas take them.
    pub(super) fn with(&self, x: Tensor<D>) -> [Tensor<D>; 3] {
        [x, self.mean.clone(), self.log_var.clone()]
    }
}

impl<const D: usize> Cdf<D> for Normal<D> {
    fn cdf(&self, value: Tensor<D>) -> Tensor<D> {
        apply("Normal", &Phi { sign: 1.0 }, &self.with(value))
    }

    fn survival(&self, value: Tensor<D>) -> Tensor<D> {
        apply("Normal", &Phi { sign: -1.0 }, &self.with(value))
    }
}

impl<const D: usize> Quantile<D> for Normal<D> {
    fn icdf(&self, probability: Tensor<D>) -> Tensor<D> {
        apply("Normal", &Inverse { sign: 1.0 }, &self.with(probability))
    }

    fn isf(&self, probability: Tensor<D>) -> Tensor<D> {
        apply("Normal", &Inverse { sign: -1.0 }, &self.with(probability))
    }
}

impl<const D: usize> Mode<D> for Normal<D> {
    fn mode(&self) -> Tensor<D> {
        self.mean()
    }
}

impl<const D: usize> HasSupport<D> for Normal<D> {
    fn support(&self) -> Support<D> {
        Support::Real
    }
}

impl<const D: usize> Moments<D> for Normal<D> {
    fn mean(&self) -> Tensor<D> {
        expand_to(self.mean.clone(), self.dims())
    }

    fn variance(&self) -> Tensor<D> {
        expand_to(self.log_var.clone().exp(), self.dims())
    }
}

impl<const D: usize> Reparameterized<D> for Normal<D> {
    fn reparameterize(&self, epsilon: Tensor<D>) -> Tensor<D> {
        self.mean.clone() + self.scale() * epsilon
    }
}

impl<const D: usize> Entropy<D> for Normal<D> {
    fn entropy(&self) -> Tensor<D> {
        expand_to((self.log_var.clone() + (2.0 * PI * E).ln()) * 0.5, self.dims())
    }
}

impl<const D: usize> KlDivergence<Normal<D>, D> for Normal<D> {
    /// ```text
    /// r = log_var_self - log_var_other
    /// 0.5 * (exp(r) - r - 1 + (mean_self - mean_other)^2 * exp(-log_var_other))
    /// ```
    fn kl_divergence(&self, other: &Normal<D>) -> Tensor<D> {
        let log_ratio = self.log_var.clone() - other.log_var.clone();
        let diff = self.mean.clone() - other.mean.clone();
        let distance = diff.square() * other.log_var.clone().neg().exp();
        (log_ratio.clone().exp() + distance - log_ratio - 1.0) * 0.5
    }
}
