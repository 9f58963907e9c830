//! Element-wise functions, each in one pass over memory, forwards and backwards.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};

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
        use crate::scalar as s;
        let v = x.values();
        let y = match self.0 {
            Function::Silu => map(v, |x| x * s::sigmoid(x)),
            Function::Gelu => map(v, |x| x * s::normal_cdf(x).0),
            Function::Sigmoid => map(v, s::sigmoid),
            Function::Tanh => map(v, s::tanh),
            Function::Softplus => map(v, s::softplus),
            Function::Exp => map(v, s::exp),
            Function::LeakyRelu(slope) => map(v, |x| if x > 0.0 { x } else { slope * x }),
        };
        let y = Array::new(y, x.dims());
        match self.0 {
            Function::Sigmoid | Function::Tanh | Function::Exp => (y.clone(), y),
            _ => (y, x),
        }
    }

    fn backward(&self, saved: Array, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        use crate::scalar as s;
        let (v, g) = (saved.values(), grad.values());
        let d = match self.0 {
            Function::Silu => zip(v, g, |x, g| {
                let p = s::sigmoid(x);
                g * (p + x * p * (1.0 - p))
            }),
            Function::Gelu => zip(v, g, |x, g| {
                let (p, density) = s::normal_cdf(x);
                g * (p + x * density)
            }),
            Function::Sigmoid => zip(v, g, |y, g| g * y * (1.0 - y)),
            Function::Tanh => zip(v, g, |y, g| g * (1.0 - y * y)),
            Function::Softplus => zip(v, g, |x, g| g * s::sigmoid(x)),
            Function::Exp => zip(v, g, |y, g| g * y),
            Function::LeakyRelu(slope) => zip(v, g, |x, g| if x > 0.0 { g } else { slope * g }),
        };
        [Some(Array::new(d, grad.dims()))]
    }
}

#[cfg(feature = "flex")]
fn map(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    crate::parallel::pieces(&mut out, |start, part| {
        let x = &x[start..start + part.len()];
        part.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x));
    });
    out
}

#[cfg(feature = "flex")]
fn zip(x: &[f32], g: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    crate::parallel::pieces(&mut out, |start, part| {
        let range = start..start + part.len();
        let pairs = x[range.clone()].iter().zip(&g[range]);
        part.iter_mut().zip(pairs).for_each(|(out, (&x, &g))| *out = f(x, g));
    });
    out
}
