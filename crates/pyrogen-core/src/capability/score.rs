//! Likelihoods.

use burn::tensor::Tensor;

use super::Describe;
use crate::{Condition, Likelihood, ModelError, Noise, RequestError};

/// Says how probable examples are.
pub trait Score<const D: usize>: Describe {
    /// The log-likelihood of each example, of a stated kind, in nats: of the examples in the units
    /// in which the model was trained.
    ///
    /// # Errors
    /// No draws, a method that the model does not have, a condition that does not fit, a model
    /// without a likelihood, or a computation that fails.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError>;
}

/// How a likelihood is computed where it has to be estimated. Exact models ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreOptions {
    /// Latent draws an example.
    pub draws: usize,
    /// A bound, or an estimate.
    pub method: ScoreMethod,
}

/// Which number [`Score`] gives for a model whose likelihood is not tractable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreMethod {
    /// The evidence lower bound.
    LowerBound,
    /// The importance-sampled estimate of `log p(x)`.
    Estimate,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self { draws: 128, method: ScoreMethod::Estimate }
    }
}

impl ScoreOptions {
    /// Checks that something is drawn.
    ///
    /// # Errors
    /// No draws.
    pub fn check_draws(&self) -> Result<(), RequestError> {
        if self.draws > 0 {
            return Ok(());
        }
        Err(RequestError::Value { name: "draws", expected: "at least 1", got: "0".into() })
    }
}
