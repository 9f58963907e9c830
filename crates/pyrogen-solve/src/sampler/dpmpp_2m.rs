//! DPM-Solver++(2M) and its SDE: a two-step method.

use burn::tensor::Tensor;

use super::walk::Walk;
use crate::SolveError;

/// With `h = ln(sigma / next)`, `r` the last `h` over this one and `g = (1 + eta) h`:
/// `x' = e^-g x + (1 - e^-g) (d + (d - d_last) / (2 r)) + next sqrt(1 - e^(-2 eta h)) noise`
/// (Lu et al. 2022, algorithm 2 and appendix B; `eta = 0` is the ODE).
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
) -> Result<Tensor<D>, SolveError> {
    let mut last: Option<(Tensor<D>, f64)> = None;
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        let h = (sigma / next).ln();
        let keep = (-(1.0 + eta) * h).exp();
        let ahead = match last.take() {
            None => denoised.clone(),
            Some((before, h_before)) => {
                denoised.clone() + (denoised.clone() - before) * (0.5 * h / h_before)
            }
        };
        x = walk.with_noise(x * keep + ahead * (1.0 - keep), next * noise_share(eta, h));
        last = Some((denoised, h));
    }
    Ok(x)
}

/// `sqrt(1 - e^(-2 eta h))`: which share of the next level's noise is new.
pub(super) fn noise_share(eta: f64, h: f64) -> f64 {
    (-(-2.0 * eta * h).exp_m1()).sqrt()
}
