//! Multilayer perceptrons.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use pyrogen_core::config::check;
use pyrogen_core::{ConfigError, Noise};
use serde::{Deserialize, Serialize};

use crate::{Activation, forward, linear};

/// Configuration of an [`Mlp`].
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Widths of the hidden layers, from the input on; empty for a linear map.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self { hidden: vec![256, 256], activation: Activation::default() }
    }
}

impl MlpConfig {
    /// Checks the values; `field` is the path that an error names.
    ///
    /// # Errors
    /// A width of zero, or a bad parameter of the activation.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        check::any_widths(&format!("{field}.hidden"), &self.hidden)?;
        self.activation.validate(&format!("{field}.activation"))
    }

    /// The network from `d_in` to `d_out` numbers.
    pub fn init(&self, d_in: usize, d_out: usize, noise: &mut Noise, device: &Device) -> Mlp {
        let widths = self.widths(d_in, d_out);
        let layers = widths.windows(2).map(|w| linear(w[0], w[1], noise, device)).collect();
        Mlp { layers, activation: self.activation }
    }

    /// The same with the hidden layers in reverse order: the decoder of an encoder.
    pub fn mirrored(&self) -> Self {
        Self { hidden: self.hidden.iter().rev().copied().collect(), activation: self.activation }
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub fn num_params(&self, d_in: usize, d_out: usize) -> usize {
        let layer = |w: &[usize]| w[0].saturating_add(1).saturating_mul(w[1]);
        self.widths(d_in, d_out).windows(2).map(layer).fold(0, usize::saturating_add)
    }

    fn widths(&self, d_in: usize, d_out: usize) -> Vec<usize> {
        [&[d_in], self.hidden.as_slice(), &[d_out]].concat()
    }
}

/// Linear layers with an activation between them; none after the last.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    /// Applies the layers.
    ///
    /// # Shapes
    /// `[batch, d_in]` to `[batch, d_out]`.
    ///
    /// # Panics
    /// If the input has another width.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [d_in, _] = self.layers[0].weight.dims();
        assert_eq!(x.dims()[1], d_in, "Mlp: expected an input [batch, {d_in}], got {:?}", x.dims());
        let (first, rest) = self.layers.split_first().expect("at least one layer");
        let x = forward::linear(first, x);
        rest.iter().fold(x, |x, layer| self.activation.then(layer, x))
    }

    /// The layers, from the input on.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }
}
