//! From examples back to the noise that leads to them.

use burn::tensor::Tensor;

use crate::finite::all_finite;
use crate::sampler::slope;
use crate::{Levels, SolveError};

/// Where the probability-flow ODE leads examples: the noise of the first of the levels from which a
/// sampler without noise makes about these examples again.
///
/// The levels are gone through the other way, by Heun's method, from the smallest above 0 on; an
/// example counts as one that has that little noise already.
///
/// # Errors
/// One step, which has no second level to go to, or a denoiser that gives a number that is not finite.
///
/// # Panics
/// If the denoiser's answer has another shape than `x`.
///
/// # References
/// Song, Meng and Ermon 2021, section 4.3 (encoding); Karras et al. 2022, algorithm 1.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_solve::{GaussianMixture, Levels, Sampler, to_noise};
///
/// let mixture = GaussianMixture::ring(8, 2.0, 0.3);
/// let denoiser = |x, sigma| mixture.denoise(x, sigma);
/// let levels = Levels::karras(200, 0.01, 20.0, 7.0)?;
/// let x = Tensor::<2>::from_data([[2.1, 0.2]], &Device::flex());
/// let noise = to_noise(denoiser, x.clone(), &levels)?;
/// let again = Sampler::Heun.sample(denoiser, noise, &levels, &mut Noise::new(Seed(1)), |_| {})?;
/// assert!((again - x).abs().max().into_scalar::<f32>() < 0.02);
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
pub fn to_noise<const D: usize>(
    denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
    x: Tensor<D>,
    levels: &Levels,
) -> Result<Tensor<D>, SolveError> {
    let steps = levels.steps();
    SolveError::check("steps", steps as f64, steps > 1, "at least 2 on the way to noise")?;
    // All but the 0.
    let up: Vec<f64> = levels.values()[..steps].iter().rev().copied().collect();
    let mut x = x;
    for (index, pair) in up.windows(2).enumerate() {
        let (sigma, next) = (pair[0], pair[1]);
        let at = |x: &Tensor<D>, sigma: f64| {
            let clean = denoiser(x.clone(), sigma);
            assert_eq!(clean.dims(), x.dims(), "to_noise: the denoiser must keep the shape");
            match all_finite(&clean) {
                true => Ok(slope(x, clean, sigma)),
                false => Err(SolveError::NotFinite { step: index + 1, sigma }),
            }
        };
        let first = at(&x, sigma)?;
        let end = x.clone() + first.clone() * (next - sigma);
        x = x + (first + at(&end, next)?) * (0.5 * (next - sigma));
    }
    Ok(x)
}
