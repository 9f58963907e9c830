//! DPM-Solver++(3M) and its SDE: a three-step method.

use burn::tensor::Tensor;

use super::dpmpp_2m::noise_share;
use super::walk::Walk;
use crate::SolveError;

/// How much of the second difference enters: all of it integrates the parabola exactly, and gives
/// order three.
pub(super) const EXACT: f64 = 2.0;
/// The published code of the multistep method, and k-diffusion with it, takes half of it: order
/// two.
pub(super) const PUBLISHED: f64 = 1.0;

/// A parabola through the last three clean examples in `ln sigma`, integrated against the
/// exponential: with `g = (1 + eta) h`, `phi_2 = (e^-g - 1) / g + 1`, `phi_3 = phi_2 / g - 1/2`, the
/// slope `d'` of the parabola and its curvature `d''`, both per step,
/// `x' = e^-g x + (1 - e^-g) d + phi_2 d' - phi_3 d'' + noise` (Lu et al. 2022). `weight` times the
/// second divided difference stands for `d''`. The first step has order one, the second order two.
pub(super) fn sample<const D: usize>(
    walk: &mut Walk<'_, D>,
    mut x: Tensor<D>,
    eta: f64,
    weight: f64,
) -> Result<Tensor<D>, SolveError> {
    // The clean examples before this one and the step lengths to the next of each; newest first.
    let mut past: Vec<(Tensor<D>, f64)> = Vec::with_capacity(3);
    for (i, sigma, next) in walk.steps() {
        let denoised = walk.first(i, &x, sigma)?;
        if next == 0.0 {
            return Ok(denoised);
        }
        let h = (sigma / next).ln();
        let g = (1.0 + eta) * h;
        let phi_2 = (-g).exp_m1() / g + 1.0;
        x = x * (-g).exp() + denoised.clone() * -(-g).exp_m1();
        if let Some((before, h_before)) = past.first() {
            let r0 = h_before / h;
            let newest = (denoised.clone() - before.clone()) / r0;
            x = match past.get(1) {
                None => x + newest * phi_2,
                Some((earlier, h_earlier)) => {
                    let r1 = h_earlier / h;
                    let curve =
                        (newest.clone() - (before.clone() - earlier.clone()) / r1) / (r0 + r1);
                    let phi_3 = phi_2 / g - 0.5;
                    x + newest * phi_2 + curve * (r0 * phi_2 - weight * phi_3)
                }
            };
        }
        x = walk.with_noise(x, next * noise_share(eta, h));
        past.insert(0, (denoised, h));
        past.truncate(2);
    }
    Ok(x)
}
