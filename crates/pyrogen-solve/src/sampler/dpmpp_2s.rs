//! DPM-Solver++(2S): a single-step method of second order.

use burn::tensor::Tensor;

use super::ancestral::split;
use super::walk::{Walk, toward};
use crate::SolveError;

/// The clean example at the middle of the step (in `ln sigma`) serves for the whole step (Lu et al.
/// 2022, algorithm 1 with `r = 1/2`). With `eta` the step goes lower and noise leads up again.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        let (down, up) = split(sigma, next, eta);
        if down == 0.0 {
            x = walk.with_noise(denoised, up);
            continue;
        }
        let middle = (sigma * down).sqrt();
        let at_middle = toward(&x, denoised, middle / sigma);
        let denoised = walk.denoise(i, &at_middle, middle)?;
        x = walk.with_noise(toward(&x, denoised, down / sigma), up);
    }
    Ok(x)
}
