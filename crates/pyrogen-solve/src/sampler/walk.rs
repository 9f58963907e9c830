//! What all samplers share: the denoiser, the levels, the noise and the callback.

use burn::tensor::Tensor;

use crate::finite::Checks;
use crate::{Levels, SolveError};

/// What a callback sees of a step.
#[derive(Debug, Clone)]
pub struct Step<const D: usize> {
    /// The step, from 0.
    pub index: usize,
    /// The noise level it starts at.
    pub sigma: f64,
    /// The noise level it goes to.
    pub sigma_next: f64,
    /// The example at the start of the step, with noise.
    pub x: Tensor<D>,
    /// The clean example that the denoiser expects from it.
    pub denoised: Tensor<D>,
}

/// One run of a sampler.
pub(crate) struct Walk<'a, const D: usize> {
    pub denoiser: &'a dyn Fn(Tensor<D>, f64) -> Tensor<D>,
    pub levels: &'a Levels,
    /// Standard normal numbers of the examples' shape.
    pub draw: &'a mut dyn FnMut() -> Tensor<D>,
    pub on_step: &'a mut dyn FnMut(&Step<D>),
    /// Of each answer the step, from 1, and the noise level.
    pub checks: Checks<(usize, f64)>,
}

impl<'a, const D: usize> Walk<'a, D> {
    /// The steps: number, level, next level.
    pub fn steps(&self) -> impl Iterator<Item = (usize, f64, f64)> + use<'a, D> {
        self.levels.values().windows(2).enumerate().map(|(i, pair)| (i, pair[0], pair[1]))
    }

    /// The denoiser's answer within step `index`, to be checked.
    pub fn denoise(
        &self,
        index: usize,
        x: &Tensor<D>,
        sigma: f64,
    ) -> Result<Tensor<D>, SolveError> {
        let denoised = (self.denoiser)(x.clone(), sigma);
        assert_eq!(
            denoised.dims(),
            x.dims(),
            "Sampler: the denoiser must give a tensor of its input's shape"
        );
        self.checks.see(&denoised, (index + 1, sigma)).map_err(not_finite)?;
        Ok(denoised)
    }

    /// The end of the run, after the last answer was checked.
    pub fn end(&self, x: Tensor<D>) -> Result<Tensor<D>, SolveError> {
        self.checks.finish().map_err(not_finite)?;
        Ok(x)
    }

    /// The denoiser's answer at the start of step `index`, which the callback sees.
    pub fn first(
        &mut self,
        index: usize,
        x: &Tensor<D>,
        sigma: f64,
    ) -> Result<Tensor<D>, SolveError> {
        let denoised = self.denoise(index, x, sigma)?;
        let sigma_next = self.levels.values()[index + 1];
        let step = Step { index, sigma, sigma_next, x: x.clone(), denoised };
        (self.on_step)(&step);
        Ok(step.denoised)
    }

    /// `x` with fresh noise of standard deviation `scale`; without a draw where that is 0.
    pub fn with_noise(&mut self, x: Tensor<D>, scale: f64) -> Tensor<D> {
        if scale > 0.0 { x + (self.draw)() * scale } else { x }
    }
}

fn not_finite((step, sigma): (usize, f64)) -> SolveError {
    SolveError::NotFinite { step, sigma }
}

/// `(x - denoised) / sigma`: the noise that is expected in `x`, and the slope of the
/// probability-flow ODE, `dx / dsigma` (Karras et al. 2022, equation 1).
pub(crate) fn slope<const D: usize>(x: &Tensor<D>, denoised: Tensor<D>, sigma: f64) -> Tensor<D> {
    (x.clone() - denoised) / sigma
}

/// `share x + (1 - share) denoised`: where the ODE leads if the clean example stays as it is, with
/// `share` of the noise left. Without noise left it is `denoised` itself.
pub(crate) fn toward<const D: usize>(x: &Tensor<D>, denoised: Tensor<D>, share: f64) -> Tensor<D> {
    if share == 0.0 { denoised } else { x.clone() * share + denoised * (1.0 - share) }
}
