//! The pieces of a network on a device, forward and backward, by Burn's own calls: where the time of a
//! training step goes, and whose it is. The same pieces are in `benches/peers/torch_rows.py`.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{GroupNormConfig, LayerNormConfig};
use burn::tensor::activation::softmax;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Int, Tensor};

use crate::workload::{Workload, autodiff, first, noise, plain, repeat};

/// Inputs with a gradient.
fn tracked<const D: usize>(shape: [usize; D], name: &str) -> Tensor<D> {
    noise(name).normal::<D>(shape, &autodiff()).require_grad()
}

/// One element of the gradient of the mean of `y` with respect to `x`.
fn slope<const D: usize, const E: usize>(y: Tensor<D>, x: &Tensor<E>) -> f64 {
    let gradients = y.mean().backward();
    first(x.grad(&gradients).expect("a gradient"))
}

/// A convolution with a 3x3 kernel, as many channels out as in.
pub fn convolution([batch, channels, side]: [usize; 3]) -> Box<dyn Workload> {
    let x = tracked([batch, channels, side, side], "pictures");
    let kernel = tracked([channels, channels, 3, 3], "kernel");
    let options = || ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    repeat(move || slope(conv2d(x.clone(), kernel.clone(), None, options()), &kernel))
}

/// Group norm of eight groups.
pub fn group_norm([batch, channels, side]: [usize; 3]) -> Box<dyn Workload> {
    let x = tracked([batch, channels, side, side], "pictures");
    let layer = GroupNormConfig::new(channels.min(8), channels).init(&autodiff());
    repeat(move || slope(layer.forward(x.clone()), &x))
}

/// Layer norm of rows.
pub fn layer_norm([rows, width]: [usize; 2]) -> Box<dyn Workload> {
    let x = tracked([rows, width], "rows");
    let layer = LayerNormConfig::new(width).init(&autodiff());
    repeat(move || slope(layer.forward(x.clone()), &x))
}

/// Rows times a matrix.
pub fn linear([rows, from, to]: [usize; 3]) -> Box<dyn Workload> {
    let (x, weights) = (tracked([rows, from], "rows"), tracked([from, to], "weights"));
    repeat(move || slope(x.clone().matmul(weights.clone()), &weights))
}

/// Attention of heads of 64 features, without a mask, written out.
pub fn attention([batch, heads, length]: [usize; 3]) -> Box<dyn Workload> {
    let x = tracked([batch, heads, length, 64], "heads");
    repeat(move || {
        let scores = x.clone().matmul(x.clone().transpose()) * 0.125;
        slope(softmax(scores, 3).matmul(x.clone()), &x)
    })
}

/// Cross entropy of logits.
pub fn entropy([rows, classes]: [usize; 2]) -> Box<dyn Workload> {
    let logits = tracked([rows, classes], "logits");
    let targets = Tensor::<1, Int>::arange(0..rows as i64, &autodiff()) % classes as i64;
    let loss = CrossEntropyLossConfig::new().init(&autodiff());
    repeat(move || slope(loss.forward(logits.clone(), targets.clone()), &logits))
}

/// The product of square matrices of bfloat16.
pub fn half([n]: [usize; 1]) -> Box<dyn Workload> {
    let square = |name| noise(name).normal::<2>([n, n], &plain()).cast(DType::BF16);
    let (a, b) = (square("a"), square("b"));
    repeat(move || first(a.clone().matmul(b.clone()).cast(DType::F32)))
}
