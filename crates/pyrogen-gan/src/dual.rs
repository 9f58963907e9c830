//! Values that carry how they change along a direction of the input.

use burn::tensor::Tensor;
use pyrogen_nn::Activation;

/// A tensor and, where asked for, its derivative along a direction of the input.
///
/// The discriminator's layers work on these: `tangent` goes through a layer's derivative while `value`
/// goes through the layer. Both are ordinary tensors of the graph, so a number made of tangents has
/// gradients by the weights: forward-mode differentiation first, Burn's backward pass over it.
#[derive(Debug, Clone)]
pub(crate) struct Dual<const D: usize> {
    pub value: Tensor<D>,
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> Dual<D> {
    /// A value without a direction.
    pub fn plain(value: Tensor<D>) -> Self {
        Self { value, tangent: None }
    }

    /// A value and the direction in which it moves.
    pub fn along(value: Tensor<D>, tangent: Tensor<D>) -> Self {
        Self { value, tangent: Some(tangent) }
    }

    /// Through a linear map, which is its own derivative.
    pub fn linear<const E: usize>(self, map: impl Fn(Tensor<D>) -> Tensor<E>) -> Dual<E> {
        Dual { tangent: self.tangent.map(&map), value: map(self.value) }
    }

    /// Through an activation.
    pub fn activate(self, activation: &Activation) -> Self {
        let tangent = self.tangent.map(|t| activation.slope(self.value.clone()) * t);
        Self { value: activation.forward(self.value), tangent }
    }

    /// With channels behind it that do not change.
    pub fn beside(self, fixed: Tensor<D>) -> Self {
        let tangent = self.tangent.map(|t| Tensor::cat(vec![t, fixed.zeros_like()], 1));
        Self { value: Tensor::cat(vec![self.value, fixed], 1), tangent }
    }
}

impl<const D: usize> std::ops::Add for Dual<D> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let tangent = match (self.tangent, other.tangent) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        Self { value: self.value + other.value, tangent }
    }
}
