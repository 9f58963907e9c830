//! The normal distribution.

use std::f64::consts::{E, PI};

use burn::tensor::{Device, Tensor};

use super::{Distribution, Entropy, KlDivergence, Moments, Reparameterized};
use crate::Noise;

/// Normal distribution of each element, with mean `mean` and log-variance `log_var`.
///
/// ```text
/// log p(x) = -0.5 * (ln(2 pi) + log_var + (x - mean)^2 * exp(-log_var))
/// ```
///
/// # Shapes
/// `mean` and `log_var` are equal in shape, or broadcast.
///
/// # Numerics
/// The log-variance is not clamped: `exp(-log_var)` overflows f32 below -88. Networks that
/// predict it should bound it.
#[derive(Debug, Clone)]
pub struct Normal<const D: usize> {
    mean: Tensor<D>,
    log_var: Tensor<D>,
}

impl<const D: usize> Normal<D> {
    /// From means and log-variances.
    pub fn new(mean: Tensor<D>, log_var: Tensor<D>) -> Self {
        Self { mean, log_var }
    }

    /// Mean 0 and variance 1.
    pub fn standard(shape: [usize; D], device: &Device) -> Self {
        Self::new(Tensor::zeros(shape, device), Tensor::zeros(shape, device))
    }

    /// The log-variance.
    pub fn log_var(&self) -> Tensor<D> {
        self.log_var.clone()
    }

    /// The standard deviation.
    pub fn std(&self) -> Tensor<D> {
        (self.log_var.clone() * 0.5).exp()
    }
}

impl<const D: usize> Distribution<D, D> for Normal<D> {
    fn log_prob(&self, value: Tensor<D>) -> Tensor<D> {
        let diff = value - self.mean.clone();
        let scaled = diff.square() * self.log_var.clone().neg().exp();
        (scaled + self.log_var.clone() + (2.0 * PI).ln()) * -0.5
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<D> {
        let epsilon = noise.normal(self.mean.dims(), &self.mean.device());
        self.reparameterize(epsilon).detach()
    }
}

impl<const D: usize> Moments<D> for Normal<D> {
    fn mean(&self) -> Tensor<D> {
        self.mean.clone()
    }

    fn variance(&self) -> Tensor<D> {
        self.log_var.clone().exp()
    }
}

impl<const D: usize> Reparameterized<D> for Normal<D> {
    fn reparameterize(&self, epsilon: Tensor<D>) -> Tensor<D> {
        self.mean.clone() + self.std() * epsilon
    }
}

impl<const D: usize> Entropy<D> for Normal<D> {
    fn entropy(&self) -> Tensor<D> {
        (self.log_var.clone() + (2.0 * PI * E).ln()) * 0.5
    }
}

impl<const D: usize> KlDivergence<Normal<D>, D> for Normal<D> {
    /// ```text
    /// 0.5 * (log_var_q - log_var_p + (var_p + (mean_p - mean_q)^2) / var_q - 1)
    /// ```
    fn kl_divergence(&self, other: &Normal<D>) -> Tensor<D> {
        let log_ratio = self.log_var.clone() - other.log_var.clone();
        let diff = self.mean.clone() - other.mean.clone();
        let distance = diff.square() * other.log_var.clone().neg().exp();
        (log_ratio.clone().exp() + distance - log_ratio - 1.0) * 0.5
    }
}
