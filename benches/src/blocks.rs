//! The operations that the networks of this package are made of, one function each, so that
//! another implementation is a change of one line.

use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, Embedding, GroupNorm, LayerNorm, Linear, Lstm};
use burn::optim::ModuleOptimizer;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Int, Tensor, activation, module};
use pyrogen::train::{Method, OptimizerConfig};

/// `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv2d(layer: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    layer.forward(x)
}

/// `[batch, in, h, w]` to `[batch, out, h', w']`.
pub fn conv_transpose2d(layer: &ConvTranspose2d, x: Tensor<4>) -> Tensor<4> {
    layer.forward(x)
}

/// Normalises each group of channels of each example.
pub fn group_norm(layer: &GroupNorm, x: Tensor<4>) -> Tensor<4> {
    layer.forward(x)
}

/// Normalises the last axis.
pub fn layer_norm(layer: &LayerNorm, x: Tensor<3>) -> Tensor<3> {
    layer.forward(x)
}

/// Normalises each channel over the batch.
pub fn batch_norm(layer: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    layer.forward(x)
}

/// `[batch, length, in]` to `[batch, length, out]`.
pub fn linear(layer: &Linear, x: Tensor<3>) -> Tensor<3> {
    layer.forward(x)
}

/// Tokens `[batch, length]` to vectors `[batch, length, width]`.
pub fn embedding(layer: &Embedding, tokens: Tensor<2, Int>) -> Tensor<3> {
    layer.forward(tokens)
}

/// `x sigmoid(x)`.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::silu(x)
}

/// `x Phi(x)`, with the error function.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::gelu(x)
}

/// `max(x, 0)`.
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x)
}

/// `max(x, 0) + slope min(x, 0)`.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    activation::leaky_relu(x, slope)
}

/// `ln(1 + exp(x))`.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::log_sigmoid(x.neg()).neg()
}

/// Softmax over the last axis.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::softmax(x, D - 1)
}

/// Softmax attention of `[batch, heads, length, width]`; causal where asked, aligned at the end.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, causal: bool) -> Tensor<4> {
    let options = AttentionModuleOptions { is_causal: causal, ..Default::default() };
    module::attention(q, k, v, None, None, options)
}

/// One more step of keys or values, `[batch, heads, 1, width]`, behind the earlier ones.
pub fn append(cache: Option<Tensor<4>>, step: Tensor<4>) -> Tensor<4> {
    match cache {
        Some(cache) => Tensor::cat(vec![cache, step], 2),
        None => step,
    }
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
    OptimizerConfig::default().init()
}

/// Adam for adversarial training: a first moment that forgets faster (Radford et al. 2016).
pub fn adam_half() -> ModuleOptimizer {
    OptimizerConfig { beta1: 0.5, ..OptimizerConfig::default() }.init()
}

/// Adam with decoupled weight decay, as language models are trained.
pub fn adamw() -> ModuleOptimizer {
    let config = OptimizerConfig {
        method: Method::AdamW,
        beta2: 0.95,
        weight_decay: 0.1,
        ..Default::default()
    };
    config.init()
}
