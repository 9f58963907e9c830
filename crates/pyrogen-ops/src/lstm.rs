//! Long short-term memory over whole sequences.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Weights of one layer; the gates stand side by side as input, forget, cell and output.
#[derive(Debug, Clone)]
pub struct LstmWeights {
    /// From the input: `[features, 4 * width]`.
    pub input: Tensor<2>,
    /// From the state before: `[width, 4 * width]`.
    pub hidden: Tensor<2>,
    /// `[4 * width]`.
    pub bias: Tensor<1>,
}

/// Runs one layer along sequences: with `a = x_t W_i + h_{t-1} W_h + b` in four parts,
/// `c_t = sigmoid(a_f) c_{t-1} + sigmoid(a_i) tanh(a_c)` and `h_t = sigmoid(a_o) tanh(c_t)`.
///
/// # Shapes
/// `x` is `[batch, places, features]`, `state` holds `h` and `c` of `[batch, width]`, zeros where
/// there is none. The result is `h` at each place, `[batch, places, width]`, and `h` and `c` after
/// the last.
///
/// # Numerics
/// On the host the inputs' part of all places is one matrix product, each place takes one more for
/// all gates, and the weights' gradients are one product over all places.
///
/// # Panics
/// If the sizes do not fit, or there is no place.
///
/// # References
/// Hochreiter and Schmidhuber 1997; with the forget gate Gers et al. 2000.
pub fn lstm(
    x: Tensor<3>,
    state: Option<[Tensor<2>; 2]>,
    weights: LstmWeights,
) -> (Tensor<3>, [Tensor<2>; 2]) {
    let [batch, places, features] = x.dims();
    let width = weights.hidden.dims()[0];
    assert!(
        weights.input.dims() == [features, 4 * width]
            && weights.hidden.dims() == [width, 4 * width]
            && weights.bias.dims() == [4 * width],
        "lstm: weights {:?}, {:?} and bias {:?} do not fit inputs {:?}",
        weights.input.dims(),
        weights.hidden.dims(),
        weights.bias.dims(),
        x.dims()
    );
    assert!(places > 0, "lstm: a sequence without a place");
    let device = x.device();
    let state = state.unwrap_or_else(|| [(); 2].map(|()| Tensor::zeros([batch, width], &device)));
    for part in &state {
        assert_eq!(part.dims(), [batch, width], "lstm: a state of another size");
    }
    #[cfg(feature = "flex")]
    if on_host(&x) {
        let [h, c] = state;
        let LstmWeights { input, hidden, bias } = weights;
        let inputs = [x.into(), input.into(), hidden.into(), bias.into(), h.into(), c.into()];
        // The last row of each sequence is the cells' state at the end.
        let all: Tensor<3> = apply(host::Lstm, inputs);
        let h = all.clone().slice([0..batch, 0..places]);
        let row = |t: usize| all.clone().slice([0..batch, t..t + 1]).reshape([batch, width]);
        return (h, [row(places - 1), row(places)]);
    }
    composed(x, state, weights)
}

/// The same by Burn's operations.
fn composed(
    x: Tensor<3>,
    [mut h, mut c]: [Tensor<2>; 2],
    weights: LstmWeights,
) -> (Tensor<3>, [Tensor<2>; 2]) {
    let [batch, places, _] = x.dims();
    let width = weights.hidden.dims()[0];
    let inputs = x.matmul(weights.input.unsqueeze()) + weights.bias.unsqueeze();
    let mut all = Vec::with_capacity(places);
    for t in 0..places {
        let input = inputs.clone().slice([0..batch, t..t + 1]).reshape([batch, 4 * width]);
        let gates = input + h.matmul(weights.hidden.clone());
        let part = |n: usize| gates.clone().slice([0..batch, n * width..(n + 1) * width]);
        c = crate::sigmoid(part(1)) * c + crate::sigmoid(part(0)) * crate::tanh(part(2));
        h = crate::sigmoid(part(3)) * crate::tanh(c.clone());
        all.push(h.clone());
    }
    (Tensor::stack(all, 1), [h, c])
}

#[cfg(feature = "flex")]
#[path = "lstm_host.rs"]
mod host;
