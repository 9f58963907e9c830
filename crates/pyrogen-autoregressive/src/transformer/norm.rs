//! Normalisation with its parameters.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::init;
use pyrogen_nn::ops;

use super::config::Norm;
use crate::lora::Dense;

/// A normalisation of the last axis, with a scale and, of mean and variance, a shift.
#[derive(Module, Debug)]
pub struct Normalisation {
    /// `[features]`, at first ones.
    pub gamma: Param<Tensor<1>>,
    /// `[features]`, at first zeros; none for the root mean square.
    pub beta: Option<Param<Tensor<1>>>,
    #[module(skip)]
    pub(super) epsilon: f64,
}

impl Normalisation {
    pub(crate) fn new(norm: Norm, features: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            gamma: init::constant([features], 1.0, device),
            beta: (norm == Norm::Layer).then(|| init::constant([features], 0.0, device)),
            epsilon,
        }
    }

    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match &self.beta {
            Some(beta) => ops::layer_norm(x, self.gamma.val(), beta.val(), self.epsilon),
            None => ops::rms_norm(x, self.gamma.val(), self.epsilon),
        }
    }

    /// Of each of so many heads that stand side by side.
    pub(crate) fn of_heads(&self, x: Tensor<3>, heads: usize) -> Tensor<3> {
        let [rows, places, width] = x.dims();
        let x = self.forward(x.reshape([rows, places, heads, width / heads]));
        x.reshape([rows, places, width])
    }

    /// A dense layer of what this one gives, in one pass where there is one.
    pub(crate) fn then(&self, layer: &Dense, x: Tensor<3>) -> Tensor<3> {
        match &self.beta {
            Some(beta) if layer.is_plain() => {
                let map = layer.linear();
                map.after_layer_norm(self.gamma.val(), beta.val(), self.epsilon).apply(x)
            }
            _ => layer.forward(self.forward(x)),
        }
    }
}
