//! Samplers: from noise to an example through a list of levels.

mod ancestral;
mod euler;
mod walk;

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use crate::{Levels, SolveError};
pub use walk::Step;
use walk::Walk;

/// A sampler.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sampler {
    /// The reverse Markov chain with the posterior's variance.
    Ddpm,
    /// The implicit model.
    Ddim {
        /// Noise: 0 for none, 1 for DDPM.
        eta: f64,
    },
    /// Euler's method.
    Euler,
    /// Euler's method to a lower level, then noise up to the wanted one.
    EulerAncestral {
        /// Noise: 0 for none, 1 for DDPM.
        eta: f64,
    },
}

impl Default for Sampler {
    fn default() -> Self {
        Self::Euler
    }
}

impl Sampler {
    /// Samples.
    ///
    /// # Errors
    /// A number outside its range, or a network that gives NaN or infinity.
    pub fn sample<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        levels: &Levels,
        noise: &mut Noise,
        on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        let (shape, device) = (x.dims(), x.device());
        self.sample_with(denoiser, x, levels, || noise.normal(shape, &device), on_step)
    }

    /// As [`sample`](Self::sample) with the noise made by `draw`.
    ///
    /// # Errors
    /// As for [`sample`](Self::sample).
    pub fn sample_with<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        levels: &Levels,
        mut draw: impl FnMut() -> Tensor<D>,
        mut on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        let walk =
            &mut Walk { denoiser: &denoiser, levels, draw: &mut draw, on_step: &mut on_step };
        match *self {
            Self::Ddpm => ancestral::sample(walk, x, 1.0),
            Self::Ddim { eta } | Self::EulerAncestral { eta } => ancestral::sample(walk, x, eta),
            Self::Euler => euler::sample(walk, x),
        }
    }
}
