//! Examples made from given ones.

use burn::tensor::Tensor;

use super::Describe;
use crate::{Condition, ModelError, Noise};

/// Makes other examples like given ones.
pub trait Vary<const D: usize>: Describe {
    /// An example like each of the given ones. A strength of 1 leaves nothing of them, near 0 next
    /// to all.
    ///
    /// # Shapes
    /// `from` and the result are `[batch, ..]`.
    ///
    /// # Errors
    /// A strength outside `(0, 1]`, a condition that does not fit, or a computation that fails.
    ///
    /// # Panics
    /// If `from` is not a batch of events.
    fn vary(
        &self,
        from: Tensor<D>,
        strength: f64,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError>;
}

/// Fills in what is missing of examples.
pub trait Inpaint<const D: usize>: Describe {
    /// Examples whose given part is that of `known`, exactly, and whose open part fits it.
    ///
    /// With more `repeats` the parts fit better, at the cost of as many steps more; 1 repeats none.
    ///
    /// # Shapes
    /// `known` and the result are `[batch, ..]`; `mask` is of the shape of `known`, or of one
    /// example with a first axis of 1: 1 where the example is given, 0 where it is open.
    ///
    /// # Errors
    /// No repeats, a mask of another shape, a condition that does not fit, or a computation that
    /// fails.
    ///
    /// # Panics
    /// If `known` is not a batch of events.
    fn inpaint(
        &self,
        known: Tensor<D>,
        mask: Tensor<D>,
        repeats: usize,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<D>, ModelError>;
}
