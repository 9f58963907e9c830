//! Element-wise functions, each in one pass over memory, forwards and backwards.

use std::f64::consts::FRAC_1_SQRT_2;

use burn::tensor::{Tensor, activation};

#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};
#[cfg(feature = "flex")]
use crate::parallel::{Kernel, pieces};

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
    composed_gelu(x)
}

/// Of Burn's operations. Burn's own function has the derivative of the approximation by a hyperbolic
/// tangent (up to 4e-4 off) on devices that do not bring their own.
fn composed_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let twice = (x.clone() * FRAC_1_SQRT_2).erf() + 1.0;
    x * twice * 0.5
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

    fn forward(&self, [x]: [Array; 1], track: bool) -> (Array, Array) {
        if !track {
            let y = self.in_place(x);
            return (y.clone(), y);
        }
        let mut y = Array::to_fill(x.dims());
        let (v, out) = (x.values(), y.owned());
        match self.0 {
            Function::Silu => pieces::<Values, _>(out, (v, value::Silu)),
            Function::Gelu => pieces::<Values, _>(out, (v, value::Gelu)),
            Function::Sigmoid => pieces::<Values, _>(out, (v, value::Sigmoid)),
            Function::Tanh => pieces::<Values, _>(out, (v, value::Tanh)),
            Function::Softplus => pieces::<Values, _>(out, (v, value::Softplus)),
            Function::Exp => pieces::<Values, _>(out, (v, value::Exp)),
            Function::LeakyRelu(slope) => pieces::<Values, _>(out, (v, value::LeakyRelu(slope))),
        }
        match self.0 {
            Function::Sigmoid | Function::Tanh | Function::Exp => (y.clone(), y),
            _ => (y, x),
        }
    }

    fn backward(&self, saved: Array, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        let mut grad = grad.own();
        let (v, g) = (saved.values(), grad.owned());
        match self.0 {
            Function::Silu => pieces::<Slopes, _>(g, (v, value::Silu)),
            Function::Gelu => pieces::<Slopes, _>(g, (v, value::Gelu)),
            Function::Sigmoid => pieces::<Slopes, _>(g, (v, value::Sigmoid)),
            Function::Tanh => pieces::<Slopes, _>(g, (v, value::Tanh)),
            Function::Softplus => pieces::<Slopes, _>(g, (v, value::Softplus)),
            Function::Exp => pieces::<Slopes, _>(g, (v, value::Exp)),
            Function::LeakyRelu(slope) => pieces::<Slopes, _>(g, (v, value::LeakyRelu(slope))),
        }
        saved.leave();
        [Some(grad)]
    }
}

#[cfg(feature = "flex")]
impl Map {
    /// The function's values in the memory of its arguments, or of a copy.
    fn in_place(self, x: Array) -> Array {
        let mut y = x.own();
        let v = y.owned();
        match self.0 {
            Function::Silu => pieces::<Replace, _>(v, value::Silu),
            Function::Gelu => pieces::<Replace, _>(v, value::Gelu),
            Function::Sigmoid => pieces::<Replace, _>(v, value::Sigmoid),
            Function::Tanh => pieces::<Replace, _>(v, value::Tanh),
            Function::Softplus => pieces::<Replace, _>(v, value::Softplus),
            Function::Exp => pieces::<Replace, _>(v, value::Exp),
            Function::LeakyRelu(slope) => pieces::<Replace, _>(v, value::LeakyRelu(slope)),
        }
        y
    }
}

/// The functions and their slopes. A slope is told from the input, for the sigmoid, the hyperbolic
/// tangent and the exponential from the result.
#[cfg(feature = "flex")]
mod value {
    use crate::scalar;

    /// A function of one element.
    pub(super) trait Value: Copy + Send + Sync {
        fn value(self, x: f32) -> f32;
        fn slope(self, saved: f32) -> f32;
    }

    macro_rules! values {
        ($($name:ident: |$x:ident| $value:expr, |$s:ident| $slope:expr;)*) => {$(
            #[derive(Clone, Copy)]
            pub(super) struct $name;

            impl Value for $name {
                #[inline(always)]
                fn value(self, $x: f32) -> f32 {
                    $value
                }

                #[inline(always)]
                fn slope(self, $s: f32) -> f32 {
                    $slope
                }
            }
        )*};
    }

    values! {
        Silu: |x| x * scalar::sigmoid(x), |x| {
            let p = scalar::sigmoid(x);
            p + x * p * (1.0 - p)
        };
        Gelu: |x| x * scalar::normal_cdf(x).0, |x| {
            let (p, density) = scalar::normal_cdf(x);
            p + x * density
        };
        Sigmoid: |x| scalar::sigmoid(x), |y| y * (1.0 - y);
        Tanh: |x| scalar::tanh(x), |y| 1.0 - y * y;
        Softplus: |x| scalar::softplus(x), |x| scalar::sigmoid(x);
        Exp: |x| scalar::exp(x), |y| y;
    }

    #[derive(Clone, Copy)]
    pub(super) struct LeakyRelu(pub(super) f32);

    impl Value for LeakyRelu {
        #[inline(always)]
        fn value(self, x: f32) -> f32 {
            if x > 0.0 { x } else { self.0 * x }
        }

        #[inline(always)]
        fn slope(self, x: f32) -> f32 {
            if x > 0.0 { 1.0 } else { self.0 }
        }
    }
}

#[cfg(feature = "flex")]
struct Values;

#[cfg(feature = "flex")]
impl<F: value::Value> Kernel<((&[f32], F), usize, &mut [f32])> for Values {
    type Output = ();

    #[inline(always)]
    fn run(((x, f), start, out): ((&[f32], F), usize, &mut [f32])) {
        let x = &x[start..start + out.len()];
        for (out, &x) in out.iter_mut().zip(x) {
            *out = f.value(x);
        }
    }
}

#[cfg(feature = "flex")]
struct Slopes;

#[cfg(feature = "flex")]
impl<F: value::Value> Kernel<((&[f32], F), usize, &mut [f32])> for Slopes {
    type Output = ();

    #[inline(always)]
    fn run(((x, f), start, grad): ((&[f32], F), usize, &mut [f32])) {
        let x = &x[start..start + grad.len()];
        for (g, &x) in grad.iter_mut().zip(x) {
            *g *= f.slope(x);
        }
    }
}

#[cfg(feature = "flex")]
struct Replace;

#[cfg(feature = "flex")]
impl<F: value::Value> Kernel<(F, usize, &mut [f32])> for Replace {
    type Output = ();

    #[inline(always)]
    fn run((f, _, values): (F, usize, &mut [f32])) {
        for x in values {
            *x = f.value(*x);
        }
    }
}
