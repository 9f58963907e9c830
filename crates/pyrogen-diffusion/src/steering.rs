//! Steering a trained model: part of an example is given, or a whole one.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Condition, Noise};
use pyrogen_solve::{Repaint, SolveError, inpaint};

use crate::Diffusion;

/// How the open part of an example is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inpainting {
    /// The given part takes the place of the denoiser's answer, with the model's own sampler.
    Replace,
    /// Steps are repeated so that the parts grow together (Lugmayr et al. 2022).
    Repaint(Repaint),
}

impl Default for Inpainting {
    fn default() -> Self {
        Self::Repaint(Repaint::default())
    }
}

impl Diffusion {
    /// Fills in what a mask leaves open. The given part of the result is the given one, exactly.
    ///
    /// # Shapes
    /// `known` is `[n, features]`, the mask `[n, features]` or `[1, features]`, 1 where the example
    /// is given.
    ///
    /// # Errors
    /// A mask of another shape, or as [`generate`](Self::generate).
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn inpaint(
        &self,
        known: Tensor<2>,
        mask: Tensor<2>,
        how: Inpainting,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        let model = self.valid();
        let told = model.network.told(condition, known.dims()[0]);
        let levels = model.sampling_levels()?;
        let denoiser = model.denoiser(&told);
        match how {
            Inpainting::Repaint(repaint) => {
                repaint.sample(denoiser, known, mask, &levels, noise, |_| {})
            }
            Inpainting::Replace => {
                let start = levels.start(known.dims(), noise, &known.device());
                let denoiser = inpaint(denoiser, known, mask)?;
                model.config().sampling.sampler.sample(denoiser, start, &levels, noise, |_| {})
            }
        }
    }

    /// Other examples like the given ones: noise of some level is added and removed again
    /// (Meng et al. 2022, SDEdit).
    ///
    /// A strength of 1 is all the way, near 0 next to nothing: the share of the sampler's steps that
    /// are made.
    ///
    /// # Shapes
    /// `given` and the result are `[n, features]`.
    ///
    /// # Errors
    /// A strength outside `(0, 1]` or of no step, or as [`generate`](Self::generate).
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn vary(
        &self,
        given: Tensor<2>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, SolveError> {
        let levels = self.sampling_levels()?.strength(strength)?;
        let start = levels.start_from(given, noise);
        self.generate_from(start, &levels, condition, noise, |_| {})
    }
}
