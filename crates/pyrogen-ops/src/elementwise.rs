//! Element-wise functions, each in one pass over memory, forwards and backwards.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};
#[cfg(feature = "flex")]
use crate::scalar;

/// `x * sigmoid(x)`, also called swish (Elfwing et al. 2018).
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Silu), [x.into()]);
    }
    activation::silu(x)
}

/// `x * Phi(x)` with the normal distribution function (Hendrycks and Gimpel 2016).
///
/// # Numerics
/// On the host within 1e-6 of the value relative to it, or 2e-7 of `x`, whichever is more.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Gelu), [x.into()]);
    }
    activation::gelu(x)
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Sigmoid), [x.into()]);
    }
    activation::sigmoid(x)
}

/// The hyperbolic tangent.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Tanh), [x.into()]);
    }
    activation::tanh(x)
}

/// `ln(1 + exp(x))`, for any `x` without overflow.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Softplus), [x.into()]);
    }
    activation::log_sigmoid(x.neg()).neg()
}

/// `exp(x)`.
pub fn exp<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::Exp), [x.into()]);
    }
    x.exp()
}

/// `max(x, 0) + slope * min(x, 0)` (Maas et al. 2013); a slope of zero is the rectifier.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(Map(Function::LeakyRelu(slope as f32)), [x.into()]);
    }
    activation::leaky_relu(x, slope)
}

#[cfg(feature = "flex")]
#[derive(Debug, Clone, Copy)]
enum Function {
    Silu,
    Gelu,
    Sigmoid,
    Tanh,
    Softplus,
    Exp,
    LeakyRelu(f32),
}

/// Applies a function to each element.
#[cfg(feature = "flex")]
#[derive(Debug, Clone, Copy)]
struct Map(Function);

#[cfg(feature = "flex")]
impl HostOp<1> for Map {
    /// The input, or for functions whose slope is easier told from it the result.
    type Saved = Array;

    fn forward(&self, [x]: [Array; 1], _track: bool) -> (Array, Array) {
        let v = x.values();
        let y = match self.0 {
            Function::Silu => map(v, value::silu),
            Function::Gelu => map(v, value::gelu),
            Function::Sigmoid => map(v, scalar::sigmoid),
            Function::Tanh => map(v, scalar::tanh),
            Function::Softplus => map(v, scalar::softplus),
            Function::Exp => map(v, scalar::exp),
            Function::LeakyRelu(slope) => map(v, move |x| if x > 0.0 { x } else { slope * x }),
        };
        let y = Array::new(y, x.dims());
        match self.0 {
            Function::Sigmoid | Function::Tanh | Function::Exp => (y.clone(), y),
            _ => (y, x),
        }
    }

    fn backward(&self, saved: Array, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        let (v, g) = (saved.values(), grad.values());
        let d = match self.0 {
            Function::Silu => zip(v, g, value::silu_grad),
            Function::Gelu => zip(v, g, value::gelu_grad),
            Function::Sigmoid => zip(v, g, |y, g| g * y * (1.0 - y)),
            Function::Tanh => zip(v, g, |y, g| g * (1.0 - y * y)),
            Function::Softplus => zip(v, g, value::softplus_grad),
            Function::Exp => zip(v, g, |y, g| g * y),
            Function::LeakyRelu(slope) => {
                zip(v, g, move |x, g| if x > 0.0 { g } else { slope * g })
            }
        };
        [Some(Array::new(d, grad.dims()))]
    }
}

/// Functions of one element that are more than a product.
#[cfg(feature = "flex")]
mod value {
    use crate::scalar::{normal_cdf, sigmoid};

    #[inline(always)]
    pub(super) fn silu(x: f32) -> f32 {
        x * sigmoid(x)
    }

    #[inline(always)]
    pub(super) fn silu_grad(x: f32, g: f32) -> f32 {
        let p = sigmoid(x);
        g * (p + x * p * (1.0 - p))
    }

    #[inline(always)]
    pub(super) fn gelu(x: f32) -> f32 {
        x * normal_cdf(x).0
    }

    #[inline(always)]
    pub(super) fn gelu_grad(x: f32, g: f32) -> f32 {
        let (p, density) = normal_cdf(x);
        g * (p + x * density)
    }

    #[inline(always)]
    pub(super) fn softplus_grad(x: f32, g: f32) -> f32 {
        g * sigmoid(x)
    }
}

#[cfg(feature = "flex")]
fn map<F: Fn(f32) -> f32 + Copy + Sync + Send>(x: &[f32], f: F) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    crate::parallel::pieces(&mut out, (x, f), map_piece);
    out
}

#[cfg(feature = "flex")]
#[inline(always)]
fn map_piece<F: Fn(f32) -> f32>(((x, f), start, out): ((&[f32], F), usize, &mut [f32])) {
    let x = &x[start..start + out.len()];
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[cfg(feature = "flex")]
fn zip<F: Fn(f32, f32) -> f32 + Copy + Sync + Send>(x: &[f32], g: &[f32], f: F) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    crate::parallel::pieces(&mut out, (x, g, f), zip_piece);
    out
}

#[cfg(feature = "flex")]
#[inline(always)]
fn zip_piece<F: Fn(f32, f32) -> f32>(
    ((x, g, f), start, out): ((&[f32], &[f32], F), usize, &mut [f32]),
) {
    let range = start..start + out.len();
    for (out, (&x, &g)) in out.iter_mut().zip(x[range.clone()].iter().zip(&g[range])) {
        *out = f(x, g);
    }
}
