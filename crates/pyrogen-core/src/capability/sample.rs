//! Drawing examples.

use burn::tensor::Tensor;

use super::Describe;
use crate::{Condition, ModelError, Noise, RequestError};

/// What is given of the distribution of an example that a decoder makes of a draw of the latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecoderOutput {
    /// Its mean: a smooth picture. Means vary less than the data does.
    Mean,
    /// A draw from it: a sample of the model, with the spread of the data.
    Draw,
}

/// How samples are drawn.
#[derive(Debug, Clone)]
pub struct SampleOptions {
    /// What the samples are to be.
    pub condition: Condition,
    /// Scales the spread of the latent draws: 1 is the model, below 1 is safer and less varied.
    pub temperature: f64,
    /// What is given of the decoder's distribution, for models that have one: `None` is the mean of a
    /// picture (an event of three axes), and a draw of everything else.
    pub output: Option<DecoderOutput>,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { condition: Condition::none(), temperature: 1.0, output: None }
    }
}

impl SampleOptions {
    /// Checks the temperature, and the condition of `n` samples of a model.
    ///
    /// # Errors
    /// A temperature that is negative, NaN or infinite; a condition that does not fit.
    pub fn check(&self, model: &(impl Describe + ?Sized), n: usize) -> Result<(), RequestError> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(RequestError::Value {
                name: "temperature",
                expected: "a finite number of at least 0",
                got: self.temperature.to_string(),
            });
        }
        model.check_condition(&self.condition, n)
    }
}

/// Draws new examples.
pub trait Sample<const D: usize>: Describe {
    /// `n` examples, `[n, ..]`, in the units in which the model was trained.
    ///
    /// The same noise gives the same samples. Through [`Noise::items`] item `i` is a function of
    /// the seed and of `i` alone: it does not depend on how many items are drawn, nor on those that
    /// are drawn beside it. On the CPU that holds to the last bit for models whose operations
    /// compute rows apart; a matrix product of a few rows may round otherwise, which
    /// [`parallel::sample`](crate::parallel::sample) sees to.
    ///
    /// A GPU's backend makes kernels of the operations that have come together: there the last digit
    /// is the same where samples are read as they are drawn, as
    /// [`parallel::sample`](crate::parallel::sample) sees to.
    ///
    /// # Errors
    /// A temperature that is negative, NaN or infinite; a condition that does not fit the model or
    /// is not one of `n` examples; a computation that fails.
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError>;
}
