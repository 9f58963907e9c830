//! A recurrent layer whose gates share one matrix product.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_ops::{LstmWeights, lstm};

/// Long short-term memory (Hochreiter and Schmidhuber 1997); the gates stand side by side as
/// input, forget, cell and output.
#[derive(Module, Debug)]
pub struct Lstm {
    /// From the input: `[features, 4 * width]`.
    pub input: Param<Tensor<2>>,
    /// From the state before: `[width, 4 * width]`.
    pub hidden: Param<Tensor<2>>,
    /// `[4 * width]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// A layer whose weights start uniform on `±1 / sqrt(width)`, as PyTorch's do.
    pub fn new(features: usize, width: usize, noise: &mut Noise, device: &Device) -> Self {
        Self {
            input: init::fan_in([features, 4 * width], width, noise, device),
            hidden: init::fan_in([width, 4 * width], width, noise, device),
            bias: init::fan_in([4 * width], width, noise, device),
        }
    }

    /// Runs along sequences, from a state `[h, c]` or from zeros.
    ///
    /// # Shapes
    /// `[batch, places, features]` to `[batch, places, width]`, and the state after the last place,
    /// each `[batch, width]`.
    ///
    /// # Panics
    /// If the sizes do not fit, or there is no place.
    pub fn forward(
        &self,
        x: Tensor<3>,
        state: Option<[Tensor<2>; 2]>,
    ) -> (Tensor<3>, [Tensor<2>; 2]) {
        let weights = LstmWeights {
            input: self.input.val(),
            hidden: self.hidden.val(),
            bias: self.bias.val(),
        };
        lstm(x, state, weights)
    }
}
