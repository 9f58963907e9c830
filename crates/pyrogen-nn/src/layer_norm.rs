//! Layer normalisation with its parameters.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use pyrogen_ops::{LinearMap, layer_norm};

use crate::forward;

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
    /// A linear layer of what this one gives, in one pass.
    pub fn then<const D: usize>(&self, layer: &Linear) -> LinearMap<D> {
        let map = forward::linear_map(layer);
        map.after_layer_norm(self.gamma.val(), self.beta.val(), self.epsilon)
    }
}
