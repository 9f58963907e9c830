//! Heun's method, with or without churn.

use burn::tensor::Tensor;

use super::walk::{Walk, slope};
use crate::SolveError;

/// Noise that is added before a step and removed within it (Karras et al. 2022, algorithm 2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Churn {
    pub amount: f64,
    pub sigma_min: f64,
    pub sigma_max: f64,
    pub scale: f64,
}

impl Churn {
    pub const NONE: Self = Self { amount: 0.0, sigma_min: 0.0, sigma_max: f64::MAX, scale: 1.0 };

    /// By which share the level rises before the step.
    fn gamma(&self, sigma: f64, steps: usize) -> f64 {
        let inside = (self.sigma_min..=self.sigma_max).contains(&sigma);
        if inside { (self.amount / steps as f64).min(std::f64::consts::SQRT_2 - 1.0) } else { 0.0 }
    }
}

/// An Euler step, and the mean of the slopes at its two ends; two denoisings a step, one in the
/// last.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    churn: Churn,
) -> Result<Tensor<D>, SolveError> {
    let steps = walk.levels.steps();
    for (i, sigma, next) in walk.steps() {
        let hat = sigma * (1.0 + churn.gamma(sigma, steps));
        let up = (hat * hat - sigma * sigma).max(0.0).sqrt();
        x = walk.with_noise(x, up * churn.scale);
        let denoised = walk.first(i, &x, hat)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        let first = slope(&x, denoised, hat);
        let end = x.clone() + first.clone() * (next - hat);
        let second = slope(&end, walk.denoise(i, &end, next)?, next);
        x = x + (first + second) * (0.5 * (next - hat));
    }
    Ok(x)
}
