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
