//! Samples from a trained model of which a part is given, or a whole example to begin with.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{Condition, Noise};
use pyrogen_solve::{Repaint, SolveError, Times, inpaint, to_noise};

use crate::{Diffusion, FlowMatching};

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
        let conditions = model.network.conditions(condition, known.dims()[0]);
        let levels = model.sampling_levels()?;
        let denoiser = model.denoiser(&conditions);
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

    /// The noise from which the model makes about these examples again, by a sampler without noise:
    /// what lies between two examples lies between their noises, see
    /// [`Interpolation::Spherical`](pyrogen_core::latent::Interpolation::Spherical) and
    /// [`generate_from`](Self::generate_from). Guidance plays no part.
    ///
    /// # Shapes
    /// `given` and the result are `[n, features]`.
    ///
    /// # Errors
    /// One step, or as [`generate`](Self::generate).
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn to_noise(
        &self,
        given: Tensor<2>,
        condition: &Condition,
    ) -> Result<Tensor<2>, SolveError> {
        let model = self.valid();
        let conditions = model.network.conditions(condition, given.dims()[0]);
        let denoiser = |x: Tensor<2>, sigma: f64| {
            let sigmas = vec![sigma; x.dims()[0]];
            model.clean(x, &sigmas, &conditions)
        };
        to_noise(denoiser, given, &model.sampling_levels()?)
    }
}

impl FlowMatching {
    /// Other examples like the given ones: they go a part of the way to noise, along the model's
    /// path, and follow the flow back.
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
        let times = Times::sampling(self.config().sampling.steps)?.strength(strength)?;
        let (signal, spread) = self.config().path.coefficients(times.values()[0]);
        let drawn = noise.normal(given.dims(), &given.device());
        self.follow_times(given * signal + drawn * spread, condition, &times, |_| {})
    }

    /// The noise that the flow leads to these examples: its way backwards. What lies between two
    /// examples lies between their noises, see
    /// [`Interpolation::Spherical`](pyrogen_core::latent::Interpolation::Spherical) and
    /// [`follow`](Self::follow). Guidance plays no part.
    ///
    /// # Shapes
    /// `given` and the result are `[n, features]`.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Panics
    /// If the condition does not fit.
    pub fn to_noise(
        &self,
        given: Tensor<2>,
        condition: &Condition,
    ) -> Result<Tensor<2>, SolveError> {
        let sampling = self.config().sampling;
        let plain = crate::FlowSampling { guidance: Default::default(), ..sampling };
        let model = self.clone().with_sampling(plain).expect("without guidance all is allowed");
        let times = Times::sampling(sampling.steps)?.reversed();
        model.follow_times(given, condition, &times, |_| {})
    }
}
