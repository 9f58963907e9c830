//! Layer normalisation with its parameters.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_ops::layer_norm;

/// Normalises the last axis, then scales and shifts each of its elements (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// The scale: `[features]`, at first ones.
    pub gamma: Param<Tensor<1>>,
    /// The shift: `[features]`, at first zeros.
    pub beta: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// A layer for `features` elements; `epsilon` is `1e-5`.
    pub fn new(features: usize, device: &Device) -> Self {
        Self {
            gamma: Param::from_tensor(Tensor::ones([features], device)),
            beta: Param::from_tensor(Tensor::zeros([features], device)),
            epsilon: 1e-5,
        }
    }

    /// `[.., features]` to the same shape.
    ///
    /// # Panics
    /// If the last axis has another length.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        layer_norm(x, self.gamma.val(), self.beta.val(), self.epsilon)
    }
}
