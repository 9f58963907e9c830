//! DPM-Solver++ for the SDE, single-step.

use burn::tensor::Tensor;

use super::ancestral::split;
use super::walk::{Walk, toward};
use crate::SolveError;

/// As DPM-Solver++(2S), with noise in both halves of the step: the increments of one Brownian
/// motion, whose time is the noise level. The second half's noise is the whole step's, put
/// together from the increments of the two halves.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
) -> Result<Tensor<D>, SolveError> {
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        let middle = (sigma * next).sqrt();
        let (middle_down, middle_up) = split(sigma, middle, eta);
        let (down, up) = split(sigma, next, eta);
        let mut at_middle = toward(&x, denoised, middle_down / sigma);
        let mut whole = None;
        if eta > 0.0 {
            let (first, second) = ((walk.draw)(), (walk.draw)());
            let share = (sigma - middle) / (sigma - next);
            whole = Some(first.clone() * share.sqrt() + second * (1.0 - share).sqrt());
            at_middle = at_middle + first * middle_up;
        }
        let denoised = walk.denoise(i, &at_middle, middle)?;
        x = toward(&x, denoised, down / sigma);
        if let Some(noise) = whole {
            x = x + noise * up;
        }
    }
    Ok(x)
}
