//! Between examples and latents.

use burn::tensor::Tensor;

use super::{Describe, Posterior};
use crate::{Condition, ModelError, Noise};

/// Maps examples to a latent space: the approximate posterior `q(z | x)`, or what the model has in
/// its place.
pub trait Encode<const D: usize>: Describe {
    /// What the model says of the latents of each example.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`, the posterior over `[batch, latents]`.
    ///
    /// # Errors
    /// A condition that does not fit, or a computation that fails.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    fn encode(&self, x: Tensor<D>, condition: &Condition) -> Result<Posterior, ModelError>;
}

/// Maps latent points to examples.
pub trait Decode<const D: usize>: Describe {
    /// Number of latent dimensions.
    fn latent_dim(&self) -> usize;

    /// The expected example at each latent point.
    ///
    /// # Shapes
    /// `z` is `[batch, latents]`, the result `[batch, ..]`.
    ///
    /// # Errors
    /// A condition that does not fit, or a computation that fails.
    ///
    /// # Panics
    /// If `z` has another width.
    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<D>, ModelError>;

    /// A draw of the example at each latent point, where the decoder gives a distribution; else the
    /// example itself.
    ///
    /// # Shapes
    /// As [`decode`](Self::decode).
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    fn decode_draw(
        &self,
        z: Tensor<2>,
        condition: &Condition,
        _noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError> {
        self.decode(z, condition)
    }
}

/// Says how probable examples are given latents: the likelihood `p(x | z)` of a latent variable model. With an
/// encoder's posterior and any density of latents it makes a bound of `p(x)`.
pub trait ScoreGiven<const D: usize>: Encode<D> + Decode<D> {
    /// `ln p(x | z)` of each example in nats, with gradients where the tensors have them.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`, `z` is `[batch, latents]`, the result `[batch]`.
    ///
    /// # Errors
    /// A condition that does not fit, or a decoder that gives no distribution.
    ///
    /// # Panics
    /// If `x` is not a batch of events, or `z` has another width.
    fn log_prob_given(
        &self,
        x: Tensor<D>,
        z: Tensor<2>,
        condition: &Condition,
    ) -> Result<Tensor<1>, ModelError>;
}
