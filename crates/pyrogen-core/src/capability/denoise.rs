//! Removing noise.

use burn::tensor::Tensor;

use super::Describe;
use crate::Condition;

/// Removes noise of a known level.
pub trait Denoise<const D: usize>: Describe {
    /// The expected clean example given `x = clean + sigma * noise`.
    ///
    /// # Shapes
    /// `x` and the result are `[batch, ..]`, `sigma` is `[batch]`.
    ///
    /// # Panics
    /// If a shape is another, or the condition does not fit.
    fn denoise(&self, x: Tensor<D>, sigma: Tensor<1>, condition: &Condition) -> Tensor<D>;
}
