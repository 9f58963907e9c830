//! Whether every number of a tensor is one.

use burn::tensor::Tensor;

/// Whether no element is NaN or infinite.
pub(crate) fn all_finite<const D: usize>(x: &Tensor<D>) -> bool {
    x.clone().is_finite().all().into_scalar::<bool>()
}
