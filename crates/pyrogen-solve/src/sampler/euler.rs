//! Euler's method for the probability-flow ODE.

use burn::tensor::Tensor;

use super::walk::{Walk, toward};
use crate::SolveError;

/// `x + (next - sigma) (x - denoised) / sigma`, one denoising a step (Karras et al. 2022, the first
/// half of algorithm 2). It is DDIM without noise.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        x = toward(&x, denoised, next / sigma);
    }
    Ok(x)
}
