//! Steps below the next level, and noise up to it: DDPM, DDIM and Euler ancestral.

use burn::tensor::Tensor;

use super::walk::{Walk, slope};
use crate::SolveError;

/// Where to step without noise, and how much noise leads from there to `next`:
/// `up = eta next sqrt(1 - (next / sigma)^2)`, `down = sqrt(next^2 - up^2)`.
///
/// With `eta = 1` this is the posterior of the forward process at `next`, given the clean example.
pub(super) fn split(sigma: f64, next: f64, eta: f64) -> (f64, f64) {
    let up = (eta * next * (1.0 - (next / sigma).powi(2)).max(0.0).sqrt()).min(next);
    ((next * next - up * up).max(0.0).sqrt(), up)
}

/// An Euler step to `down`, then noise.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        let (down, up) = split(sigma, next, eta);
        let slope = slope(&x, denoised, sigma);
        x = walk.with_noise(x + slope * (down - sigma), up);
    }
    Ok(x)
}
