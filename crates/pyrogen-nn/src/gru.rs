//! A gated recurrent layer.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, init};
use pyrogen_ops::{linear, sigmoid, tanh};

/// Gated recurrent unit (Cho et al. 2014) with the reset behind the product, as PyTorch and cuDNN
/// have it; the gates stand side by side as reset, update and new:
///
/// ```text
/// r = sigmoid(x W_r + b_r + h U_r + c_r)
/// z = sigmoid(x W_z + b_z + h U_z + c_z)
/// n = tanh(x W_n + b_n + r (h U_n + c_n))
/// h = (1 - z) n + z h
/// ```
#[derive(Module, Debug)]
pub struct Gru {
    /// From the input, `W`: `[features, 3 * width]`.
    pub input: Param<Tensor<2>>,
    /// From the state before, `U`: `[width, 3 * width]`.
    pub hidden: Param<Tensor<2>>,
    /// `b`: `[3 * width]`.
    pub bias: Param<Tensor<1>>,
    /// `c`: `[3 * width]`.
    pub hidden_bias: Param<Tensor<1>>,
}

impl Gru {
    /// A layer whose weights start uniform on `±1 / sqrt(width)`, as PyTorch's do.
    pub fn new(features: usize, width: usize, noise: &mut Noise, device: &Device) -> Self {
        Self {
            input: init::fan_in([features, 3 * width], width, noise, device),
            hidden: init::fan_in([width, 3 * width], width, noise, device),
            bias: init::fan_in([3 * width], width, noise, device),
            hidden_bias: init::fan_in([3 * width], width, noise, device),
        }
    }

    /// Runs along sequences, from a state or from zeros.
    ///
    /// # Shapes
    /// `[batch, places, features]` to `[batch, places, width]`, and the state after the last place,
    /// `[batch, width]`.
    ///
    /// # Panics
    /// If the sizes do not fit, or there is no place.
    pub fn forward(&self, x: Tensor<3>, state: Option<Tensor<2>>) -> (Tensor<3>, Tensor<2>) {
        let [batch, places, _] = x.dims();
        assert!(places > 0, "Gru: a sequence without a place");
        let width = self.hidden.dims()[0];
        let mut h = state.unwrap_or_else(|| Tensor::zeros([batch, width], &x.device()));
        assert_eq!(h.dims(), [batch, width], "Gru: a state of another size");
        let inputs = linear(x, self.input.val(), Some(self.bias.val()));
        let mut all = Vec::with_capacity(places);
        for t in 0..places {
            let input = inputs.clone().narrow(1, t, 1).reshape([batch, 3 * width]);
            let before = linear(h.clone(), self.hidden.val(), Some(self.hidden_bias.val()));
            let part = |x: &Tensor<2>, n: usize| x.clone().narrow(1, n * width, width);
            let r = sigmoid(part(&input, 0) + part(&before, 0));
            let z = sigmoid(part(&input, 1) + part(&before, 1));
            let n = tanh(part(&input, 2) + r * part(&before, 2));
            h = n.clone() + z * (h - n);
            all.push(h.clone());
        }
        (Tensor::stack(all, 1), h)
    }
}
