//! Euler's method for the probability-flow ODE.

use burn::tensor::Tensor;

use super::walk::{Walk, slope};
use crate::SolveError;

/// `x + (sigma' - sigma) dx/dsigma`, one denoising a step (Karras et al. 2022, algorithm 2 without
/// its second half). It is DDIM without noise.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        let slope = slope(&x, denoised, sigma);
        x = x + slope * (next - sigma);
    }
    Ok(x)
}
