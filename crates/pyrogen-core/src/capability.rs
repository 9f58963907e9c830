//! What a trained model can do: one small trait a capability.
//!
//! A family implements the ones that are true of it, and no more. A GAN draws samples and has no
//! likelihood; a mixture has an exact one; a VAE has a bound and an estimate.
//!
//! The rank `D` counts the batch axis: images are `D = 4`, `[batch, channels, height, width]`;
//! rows of a table are `D = 2`.

use burn::tensor::Tensor;

use crate::distribution::{Independent, Normal};
use crate::{Condition, Likelihood, Noise, RequestError};

/// How a model names itself and what it was made for.
pub trait Describe {
    /// Shape of one example, without the batch axis.
    fn event_shape(&self) -> Vec<usize>;

    /// Number of classes that a condition may name; `None` for an unconditional model.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// Shape of the context that the model is told with each example, without the batch axis;
    /// `None` for a model that takes none.
    fn context_shape(&self) -> Option<Vec<usize>> {
        None
    }

    /// Checks the shape of contexts (without the batch axis) before any computing: given exactly
    /// when the model takes them, and of its shape, flat or not.
    ///
    /// # Errors
    /// A context that the model does not take, that is missing, or that is of another shape.
    fn check_context(&self, shape: Option<&[usize]>) -> Result<(), RequestError> {
        match (self.context_shape(), shape) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RequestError::NoContext),
            (Some(expected), None) => Err(RequestError::MissingContext { expected }),
            (Some(expected), Some(got)) => {
                if got == expected || got == [expected.iter().product::<usize>()] {
                    return Ok(());
                }
                Err(RequestError::ContextShape { expected, got: got.to_vec() })
            }
        }
    }

    /// Checks a list of classes before any computing: in range, and given exactly when the model
    /// is conditional.
    fn check_classes(&self, classes: Option<&[usize]>) -> Result<(), RequestError> {
        match (self.classes(), classes) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(RequestError::Unconditional),
            (Some(known), None) => Err(RequestError::MissingLabels { classes: known }),
            (Some(known), Some(given)) => match given.iter().find(|&&c| c >= known) {
                Some(&got) => Err(RequestError::ClassOutOfRange { got, classes: known }),
                None => Ok(()),
            },
        }
    }
}

/// How samples are drawn.
#[derive(Debug, Clone)]
pub struct SampleOptions {
    /// What the samples are to be.
    pub condition: Condition,
    /// Scales the spread of the latent draws: 1 is the model, below 1 is safer and less varied.
    pub temperature: f64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { condition: Condition::none(), temperature: 1.0 }
    }
}

/// Draws new examples.
pub trait Sample<const D: usize>: Describe {
    /// `n` examples, `[n, ..]`, in the units of the training data.
    ///
    /// The same noise gives the same samples; drawing rows `a..b` of `n` through
    /// [`Noise::rows`] gives the same rows (up to rounding of matrix products).
    ///
    /// To the last digit where the CPU computes. A GPU's backend makes kernels of the operations that
    /// have come together: there the last digit is the same where samples are read as they are drawn,
    /// as [`parallel::sample`](crate::parallel::sample) sees to.
    ///
    /// # Panics
    /// If the condition is not `[n]`, or is given to a model that takes none.
    fn sample(&self, n: usize, options: &SampleOptions, noise: &mut Noise) -> Tensor<D>;
}

/// Says how probable examples are.
pub trait Score<const D: usize>: Describe {
    /// The log-likelihood of each example, of a stated kind, in nats.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit.
    fn log_likelihood(
        &self,
        x: Tensor<D>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Likelihood;
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

/// Maps examples to a latent space: the approximate posterior `q(z | x)`.
pub trait Encode<const D: usize>: Describe {
    /// The posterior of each example, over `[batch, latents]`.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or the condition does not fit.
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Independent<Normal<2>>;
}

/// Maps latent points to examples.
pub trait Decode<const D: usize>: Describe {
    /// Number of latent dimensions.
    fn latent_dim(&self) -> usize;

    /// The expected example at each latent point; `z` is `[batch, latents]`.
    ///
    /// # Panics
    /// If `z` has another width, or the condition does not fit.
    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Tensor<D>;
}

/// Removes noise of a known level.
pub trait Denoise<const D: usize>: Describe {
    /// The expected clean example given `x = clean + sigma * noise`; `sigma` is `[batch]`.
    fn denoise(&self, x: Tensor<D>, sigma: Tensor<1>, condition: &Condition) -> Tensor<D>;
}
