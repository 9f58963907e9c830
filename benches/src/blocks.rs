//! The operations that the networks of this package are made of, one function each, so that
//! another implementation is a change of one line.

use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Embedding, GroupNorm, Linear};
use burn::optim::ModuleOptimizer;
use burn::tensor::{Int, Tensor};
use pyrogen::train::{Method, OptimizerConfig};
use pyrogen_nn::{BatchNorm, Lstm, forward, ops};

/// `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv2d(layer: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    forward::conv2d(layer, x)
}

/// `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv_transpose2d(layer: &ConvTranspose2d, x: Tensor<4>) -> Tensor<4> {
    forward::conv_transpose2d(layer, x)
}

/// Normalises each group of channels of each example, then `x sigmoid(x)`.
pub fn group_norm_silu(layer: &GroupNorm, x: Tensor<4>) -> Tensor<4> {
    forward::group_norm_silu(layer, x)
}

/// Normalises each channel over the batch, then `max(x, 0) + slope min(x, 0)`.
pub fn batch_norm_leaky(layer: &BatchNorm, x: Tensor<4>, slope: f64) -> Tensor<4> {
    layer.forward_leaky(x, None, slope)
}

/// `[m, k]` and `[k, n]` to `[m, n]`.
pub fn matmul(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    ops::matmul(a, b)
}

/// `[batch, length, in]` to `[batch, length, out]`, with what comes before and after.
pub fn linear_map(layer: &Linear) -> ops::LinearMap<3> {
    forward::linear_map(layer)
}

/// Tokens `[batch, length]` to vectors `[batch, length, width]`.
pub fn embedding(layer: &Embedding, tokens: Tensor<2, Int>) -> Tensor<3> {
    layer.forward(tokens)
}

/// `x sigmoid(x)`.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    ops::silu(x)
}

/// `x Phi(x)`, with the error function.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    ops::gelu(x)
}

/// The hyperbolic tangent.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    ops::tanh(x)
}

/// `max(x, 0) + slope min(x, 0)`.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    ops::leaky_relu(x, slope)
}

/// `ln(1 + exp(x))`.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    ops::softplus(x)
}

/// Softmax over the last axis.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    ops::softmax(x)
}

/// Causal attention of a sequence to itself: `[batch, length, 3 * width]` to
/// `[batch, length, width]`.
pub fn self_attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    ops::self_attention(qkv, heads, true)
}

/// The outputs of all steps: `[batch, length, in]` to `[batch, length, hidden]`.
pub fn lstm(layer: &Lstm, x: Tensor<3>) -> Tensor<3> {
    layer.forward(x, None).0
}

/// Mean cross entropy of logits `[n, classes]`.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let loss = CrossEntropyLossConfig::new().init(&logits.device());
    loss.forward(logits, targets)
}

/// Mean of the squared differences.
pub fn mse<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<1> {
    (a - b).square().mean()
}

/// Adam (Kingma and Ba 2015).
pub fn adam() -> ModuleOptimizer {
    OptimizerConfig::default().init(&[])
}

/// Adam for adversarial training: a first moment that forgets faster (Radford et al. 2016).
pub fn adam_half() -> ModuleOptimizer {
    OptimizerConfig { beta1: 0.5, ..OptimizerConfig::default() }.init(&[])
}

/// Adam with decoupled weight decay, as language models are trained.
pub fn adamw() -> ModuleOptimizer {
    let config = OptimizerConfig {
        method: Method::AdamW,
        beta2: 0.95,
        weight_decay: 0.1,
        ..Default::default()
    };
    config.init(&[])
}
