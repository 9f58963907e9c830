//! How probable examples are.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::{
    Condition, Describe, Likelihood, ModelError, Noise, Score, ScoreMethod, ScoreOptions, flatten,
};
use pyrogen_solve::{Density, Divergence, LogDensity, SolveError};

use crate::Diffusion;
use crate::bound::variational_bound;

/// A model's weights where gradients of inputs are tracked, and not of weights.
pub(crate) fn tracked<M: Module>(model: &M) -> M {
    let model = model.valid();
    let device = model.devices()[0].clone().autodiff();
    model.fork(&device).no_grad()
}

/// Flat examples without a graph.
pub(crate) fn plain<const D: usize>(x: Tensor<D>, event: &[usize]) -> Tensor<2> {
    let x = flatten(x, event);
    if x.device().is_autodiff() { x.inner() } else { x }
}

/// The divergence for so many draws: in full where that takes no more.
pub(crate) fn divergence(draws: usize, features: usize) -> Divergence {
    match draws >= features {
        true => Divergence::Full,
        false => Divergence::Hutchinson { probes: draws.max(2) },
    }
}

impl Diffusion {
    /// The variational bound of the chain through all levels of the process (for a continuous one
    /// through a thousand), with so many draws of its steps.
    ///
    /// # Units
    /// Nats, of the examples as the model sees them.
    ///
    /// # Panics
    /// If there are no draws, `x` is not a batch of events, or the condition does not fit.
    pub fn lower_bound<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        draws: usize,
        noise: &mut Noise,
    ) -> Likelihood {
        let model = self.valid();
        let x = plain(x, &model.config().event);
        let conditions = model.network.conditions(condition, x.dims()[0]);
        let clean = |x, sigmas: &[f64]| model.clean(x, sigmas, &conditions);
        let bound = variational_bound(clean, x, &model.levels.chain(), draws, noise);
        bound.conditional(!condition.is_none())
    }

    /// The log-density through the probability-flow ODE, from the smallest noise level of the
    /// process to the largest: the value, the calls of the network and the tolerance. Guidance plays
    /// no part.
    ///
    /// # Units
    /// Nats, of the examples as the model sees them.
    ///
    /// # Errors
    /// A network that gives a number that is not finite, or a tolerance that cannot be met.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit.
    pub fn log_density<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        how: &LogDensity,
        noise: &mut Noise,
    ) -> Result<Density, SolveError> {
        let model = tracked(self);
        let x = plain(x, &model.config().event);
        let conditions = model.network.conditions(condition, x.dims()[0]);
        let denoiser = |x: Tensor<2>, sigmas: &[f64]| model.clean(x, sigmas, &conditions);
        let [min, max] = model.levels.range();
        how.of_denoiser_rows(denoiser, x, (min, max), noise)
    }
}

impl Diffusion {
    /// How probable examples are, by a method.
    ///
    /// [`ScoreMethod::LowerBound`] is [`lower_bound`](Self::lower_bound) with so many draws of its
    /// steps. [`ScoreMethod::Estimate`] is [`log_density`](Self::log_density) with a tolerance of 1e-5:
    /// exact, with the full divergence, where the draws are at least as many as the dimensions, else
    /// an estimate with so many random directions (at least two).
    ///
    /// # Errors
    /// As [`log_density`](Self::log_density).
    ///
    /// # Panics
    /// If there are no draws, `x` is not a batch of events, or the condition does not fit.
    pub fn likelihood<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, SolveError> {
        if options.method == ScoreMethod::LowerBound {
            return Ok(self.lower_bound(x, condition, options.draws, noise));
        }
        let divergence = divergence(options.draws, self.config().features());
        let how = LogDensity { divergence, ..LogDensity::default() };
        let found = self.log_density(x, condition, &how, noise)?.likelihood();
        Ok(found.conditional(!condition.is_none()))
    }
}

/// [`Diffusion::likelihood`].
///
/// # Errors
/// No draws, or as there.
impl<const D: usize> Score<D> for Diffusion {
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        options.check_draws()?;
        self.check_condition(condition, x.dims()[0])?;
        Ok(self.likelihood(x, condition, options, noise)?)
    }
}
