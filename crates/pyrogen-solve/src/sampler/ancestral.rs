//! Steps below the next level and noise up to it: DDPM, DDIM and Euler ancestral.

use burn::tensor::Tensor;

use super::walk::{Walk, toward};
use crate::SolveError;

/// Where to step without noise, and how much noise leads from there to `next`:
/// `up = eta next sqrt(1 - (next / sigma)^2)`, `down = sqrt(next^2 - up^2)`.
///
/// With `eta = 1` this is the posterior of the forward process at `next`, given the clean example.
pub(super) fn split(sigma: f64, next: f64, eta: f64) -> (f64, f64) {
    let up = (eta * next * (1.0 - (next / sigma).powi(2)).max(0.0).sqrt()).min(next);
    ((next * next - up * up).max(0.0).sqrt(), up)
}

/// An Euler step to `down`, then noise of `up` (Song, Meng and Ermon 2021, equation 12, in these
/// coordinates).
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        let (down, up) = split(sigma, next, eta);
        x = walk.with_noise(toward(&x, denoised, down / sigma), up);
    }
    Ok(x)
}

/// Mean and standard deviation of DDPM's step.
pub(crate) fn posterior<const D: usize>(
    x: &Tensor<D>,
    denoised: Tensor<D>,
    sigma: f64,
    next: f64,
) -> (Tensor<D>, f64) {
    let (down, up) = split(sigma, next, 1.0);
    (toward(x, denoised, down / sigma), up)
}

/// The posterior's mean with the forward step's variance, `beta` in variance-preserving
/// coordinates (Ho, Jain and Abbeel 2020, section 3.2, the first choice).
pub(super) fn sample_large<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        let (here, there) = (sigma * sigma, next * next);
        let mean = toward(&x, denoised, there / here);
        let variance = (here - there) * (1.0 + there) / (1.0 + here);
        x = if next > 0.0 { walk.with_noise(mean, variance.sqrt()) } else { mean };
    }
    Ok(x)
}
