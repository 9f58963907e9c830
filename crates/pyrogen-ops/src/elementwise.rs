//! Element-wise functions, each in one pass over memory, forwards and backwards.

use std::f64::consts::FRAC_1_SQRT_2;

use burn::tensor::{Tensor, activation};

#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};
#[cfg(feature = "flex")]
use crate::parallel::{Kernel, both_pieces, pieces};

/// An element-wise function, as [`LinearMap`](crate::LinearMap) takes it on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Elementwise {
    /// [`silu`].
    Silu,
    /// [`gelu`].
    Gelu,
    /// [`gelu_tanh`].
    GeluTanh,
    /// [`sigmoid`].
    Sigmoid,
    /// [`tanh`].
    Tanh,
    /// [`softplus`].
    Softplus,
    /// [`exp`].
    Exp,
    /// [`leaky_relu`] with its slope.
    LeakyRelu(f32),
}

impl Elementwise {
    /// The function of each element.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        #[cfg(feature = "flex")]
        if on_host(&x) {
            return apply(self, [x.into()]);
        }
        match self {
            Self::Silu => activation::silu(x),
            Self::Gelu => composed_gelu(x),
            Self::GeluTanh => composed_gelu_tanh(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Tanh => activation::tanh(x),
            Self::Softplus => activation::log_sigmoid(x.neg()).neg(),
            Self::Exp => x.exp(),
            Self::LeakyRelu(slope) => activation::leaky_relu(x, f64::from(slope)),
        }
    }
}

/// `x * sigmoid(x)`, also called swish (Elfwing et al. 2018).
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Silu.apply(x)
}

/// `x * Phi(x)` with the normal distribution function (Hendrycks and Gimpel 2016).
///
/// # Numerics
/// On the host within 1e-6 of the value relative to it, or 2e-7 of `x`, whichever is more.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Gelu.apply(x)
}

/// Of Burn's operations. Burn's own function has the derivative of the approximation by a hyperbolic
/// tangent (up to 4e-4 off) on devices that do not bring their own.
fn composed_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let twice = (x.clone() * FRAC_1_SQRT_2).erf() + 1.0;
    x * twice * 0.5
}

/// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`, the approximation of [`gelu`] that GPT-2 is
/// trained with (Hendrycks and Gimpel 2016).
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::GeluTanh.apply(x)
}

/// `sqrt(8 / pi)`: `1 + tanh(u)` is twice the sigmoid of `2 u`.
const ROOT: f64 = 1.595_769_121_605_730_7;
const CUBIC: f64 = 0.044_715;

fn composed_gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let u = (x.clone() + x.clone() * x.clone() * x.clone() * CUBIC) * ROOT;
    x * sigmoid(u)
}

/// [`sigmoid`] and the slope of [`silu`], of Burn's operations.
pub(crate) fn sigmoid_and_silu_slope<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    let share = activation::sigmoid(x.clone());
    let slope = share.clone() * (x * (share.clone().neg() + 1.0) + 1.0);
    [share, slope]
}

/// `1 / (1 + exp(-x))`.
pub fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Sigmoid.apply(x)
}

/// The hyperbolic tangent.
pub fn tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Tanh.apply(x)
}

/// `ln(1 + exp(x))`, for any `x` without overflow.
pub fn softplus<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Softplus.apply(x)
}

/// `exp(x)`.
pub fn exp<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Elementwise::Exp.apply(x)
}

/// `max(x, 0) + slope * min(x, 0)` (Maas et al. 2013); a slope of zero is the rectifier.
pub fn leaky_relu<const D: usize>(x: Tensor<D>, slope: f64) -> Tensor<D> {
    Elementwise::LeakyRelu(slope as f32).apply(x)
}

/// Runs an expression with the function's [`value::Value`].
#[cfg(feature = "flex")]
macro_rules! each {
    ($function:expr, $f:ident => $work:expr) => {
        match $function {
            Elementwise::Silu => {
                let $f = value::Silu;
                $work
            }
            Elementwise::Gelu => {
                let $f = value::Gelu;
                $work
            }
            Elementwise::GeluTanh => {
                let $f = value::GeluTanh;
                $work
            }
            Elementwise::Sigmoid => {
                let $f = value::Sigmoid;
                $work
            }
            Elementwise::Tanh => {
                let $f = value::Tanh;
                $work
            }
            Elementwise::Softplus => {
                let $f = value::Softplus;
                $work
            }
            Elementwise::Exp => {
                let $f = value::Exp;
                $work
            }
            Elementwise::LeakyRelu(slope) => {
                let $f = value::LeakyRelu(slope);
                $work
            }
        }
    };
}

#[cfg(feature = "flex")]
impl HostOp<1> for Elementwise {
    /// The input, or for functions whose slope is easier computed from it the result.
    type Saved = Array;

    fn forward(&self, [x]: [Array; 1], track: bool) -> (Array, Array) {
        if !track {
            let mut y = x.own();
            let v = y.owned();
            each!(*self, f => pieces::<Replace, _>(v, f));
            return (y.clone(), y);
        }
        let mut y = Array::to_fill(x.dims());
        self.fill(x.values(), y.owned());
        match self {
            Self::Sigmoid | Self::Tanh | Self::Exp => (y.clone(), y),
            _ => (y, x),
        }
    }

    fn backward(&self, saved: Array, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        let mut grad = grad.own();
        let (v, g) = (saved.values(), grad.owned());
        each!(*self, f => pieces::<Slopes, _>(g, (v, f)));
        saved.leave();
        [Some(grad)]
    }
}

#[cfg(feature = "flex")]
impl Elementwise {
    /// The function of each of as many elements.
    pub(crate) fn fill(self, x: &[f32], out: &mut [f32]) {
        each!(self, f => pieces::<Values, _>(out, (x, f)));
    }

    /// The function of each element, in whose place comes its slope.
    pub(crate) fn values_and_slopes(self, x: &mut [f32], out: &mut [f32]) {
        each!(self, f => both_pieces::<Both, _>(x, out, f));
    }
}

/// The functions and their slopes. A slope is computed from the input, for the sigmoid, the hyperbolic
/// tangent and the exponential from the result.
#[cfg(feature = "flex")]
mod value {
    use crate::scalar;

    /// A function of one element.
    pub(super) trait Value: Copy + Send + Sync {
        fn value(self, x: f32) -> f32;
        fn slope(self, saved: f32) -> f32;
        fn value_and_slope(self, x: f32) -> [f32; 2];
    }

    macro_rules! values {
        ($($name:ident: |$x:ident| $value:expr, |$s:ident| $slope:expr, |$b:ident| $both:expr;)*) => {$(
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

                #[inline(always)]
                fn value_and_slope(self, $b: f32) -> [f32; 2] {
                    $both
                }
            }
        )*};
    }

    values! {
        Silu: |x| x * scalar::sigmoid(x), |x| Self.value_and_slope(x)[1], |x| {
            let p = scalar::sigmoid(x);
            [x * p, p + x * p * (1.0 - p)]
        };
        Gelu: |x| x * scalar::normal_cdf(x).0, |x| Self.value_and_slope(x)[1], |x| {
            let (p, density) = scalar::normal_cdf(x);
            [x * p, p + x * density]
        };
        GeluTanh: |x| x * scalar::sigmoid(bent(x)), |x| Self.value_and_slope(x)[1], |x| {
            let p = scalar::sigmoid(bent(x));
            let inner = super::ROOT as f32 * (1.0 + 3.0 * super::CUBIC as f32 * x * x);
            [x * p, p + x * p * (1.0 - p) * inner]
        };
        Sigmoid: |x| scalar::sigmoid(x), |y| y * (1.0 - y), |x| of_value(Self, x);
        Tanh: |x| scalar::tanh(x), |y| 1.0 - y * y, |x| of_value(Self, x);
        Softplus: |x| scalar::softplus(x), |x| scalar::sigmoid(x), |x| {
            [Self.value(x), Self.slope(x)]
        };
        Exp: |x| scalar::exp(x), |y| y, |x| of_value(Self, x);
    }

    #[inline(always)]
    fn bent(x: f32) -> f32 {
        super::ROOT as f32 * (x + super::CUBIC as f32 * x * x * x)
    }

    /// Where the slope is computed from the value.
    #[inline(always)]
    fn of_value(f: impl Value, x: f32) -> [f32; 2] {
        let y = f.value(x);
        [y, f.slope(y)]
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

        #[inline(always)]
        fn value_and_slope(self, x: f32) -> [f32; 2] {
            let slope = self.slope(x);
            [x * slope, slope]
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
struct Both;

#[cfg(feature = "flex")]
impl<F: value::Value> Kernel<(F, &mut [f32], &mut [f32])> for Both {
    type Output = ();

    #[inline(always)]
    fn run((f, x, out): (F, &mut [f32], &mut [f32])) {
        for (x, out) in x.iter_mut().zip(out) {
            [*out, *x] = f.value_and_slope(*x);
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
