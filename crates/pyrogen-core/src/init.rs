//! Initial weights from a [`Noise`] stream.
//!
//! Burn's layers draw their weights lazily from a process-wide generator, so the same program can
//! build two different models from one seed. Families build layers through `pyrogen-nn`, which
//! fills them through these functions: a model built twice with one seed has equal bytes,
//! whatever else ran.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use crate::Noise;

/// Uniform on `(-bound, bound)`.
pub fn uniform<const D: usize>(
    shape: [usize; D],
    bound: f64,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor((noise.uniform(shape, device) * 2.0 - 1.0) * bound)
}

/// Uniform on `±1 / sqrt(fan_in)`: what PyTorch's linear and convolution layers start from, for
/// weights and biases alike (`kaiming_uniform_` with `a = sqrt(5)`; He et al. 2015, eq. 10, with
/// the gain `1 / sqrt(3)`).
pub fn fan_in<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<D>> {
    uniform(shape, 1.0 / (fan_in.max(1) as f64).sqrt(), noise, device)
}

/// Normal with mean 0.
pub fn normal<const D: usize>(
    shape: [usize; D],
    std: f64,
    noise: &mut Noise,
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(noise.normal(shape, device) * std)
}

/// One value everywhere.
pub fn constant<const D: usize>(
    shape: [usize; D],
    value: f64,
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::full(shape, value, device))
}
