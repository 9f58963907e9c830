//! Maps of numbers.

use burn::tensor::Tensor;

use super::Bijection;
use crate::distribution::Independent;
use crate::distribution::independent::sum_event;
use crate::real::{Formula, Real, apply};

/// The formulas of a map of numbers; `p` are its parameters.
trait Map: Sync {
    fn forward<R: Real>(&self, x: R, p: &[R]) -> R;
    fn inverse<R: Real>(&self, y: R, p: &[R]) -> R;
    /// The logarithm of the slope's size at an argument.
    fn log_slope<R: Real>(&self, x: R, p: &[R]) -> R;
}

struct Forward<'a, F>(&'a F);
struct Backward<'a, F>(&'a F);
struct LogSlope<'a, F>(&'a F);

impl<F: Map> Formula for Forward<'_, F> {
    fn eval<R: Real>(&self, a: &[R]) -> R {
        self.0.forward(a[0], &a[1..])
    }
}

impl<F: Map> Formula for Backward<'_, F> {
    fn eval<R: Real>(&self, a: &[R]) -> R {
        self.0.inverse(a[0], &a[1..])
    }
}

impl<F: Map> Formula for LogSlope<'_, F> {
    fn eval<R: Real>(&self, a: &[R]) -> R {
        self.0.log_slope(a[0], &a[1..])
    }
}

fn forward<F: Map, const D: usize>(map: &F, x: Tensor<D>, p: &[Tensor<D>]) -> [Tensor<D>; 2] {
    let args: Vec<_> = std::iter::once(x).chain(p.iter().cloned()).collect();
    [apply("Bijection", &Forward(map), &args), apply("Bijection", &LogSlope(map), &args)]
}

fn inverse<F: Map, const D: usize>(map: &F, y: Tensor<D>, p: &[Tensor<D>]) -> [Tensor<D>; 2] {
    let args: Vec<_> = std::iter::once(y).chain(p.iter().cloned()).collect();
    let x = apply("Bijection", &Backward(map), &args);
    let args: Vec<_> = std::iter::once(x.clone()).chain(p.iter().cloned()).collect();
    [x, apply("Bijection", &LogSlope(map), &args).neg()]
}

/// Maps without parameters of tensors.
macro_rules! maps {
    ($($name:ident;)*) => {$(
        impl<const D: usize> Bijection<D, D, D> for $name {
            fn forward(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
                forward(self, x, &[]).into()
            }

            fn inverse(&self, y: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
                inverse(self, y, &[]).into()
            }
        }
    )*};
}

maps! { Exp; Log; Softplus; Sigmoid; Logit; Tanh; Power; }

/// `y = x`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

impl<const D: usize> Bijection<D, D, D> for Identity {
    fn forward(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        (x.clone(), x.zeros_like())
    }

    fn inverse(&self, y: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        (y.clone(), y.zeros_like())
    }
}

/// `y = exp(x)`, to positive numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exp;

impl Map for Exp {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.exp()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        y.ln()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        x
    }
}

/// `y = ln(x)`, from positive numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Log;

impl Map for Log {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.ln()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        y.exp()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        -x.ln()
    }
}

/// `y = ln(1 + exp(x))`, to positive numbers, of slope 1 for large ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Softplus;

impl Map for Softplus {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.softplus()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        y + y.log1mexp()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        -(-x).softplus()
    }
}

/// `y = 1 / (1 + exp(-x))`, to (0, 1).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sigmoid;

impl Map for Sigmoid {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.sigmoid()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        y.ln() - (-y).ln_1p()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        let z = x.abs();
        -z - (-z).exp().ln_1p() * 2.0
    }
}

/// `y = ln(x / (1 - x))`, from (0, 1).
#[derive(Debug, Clone, Copy, Default)]
pub struct Logit;

impl Map for Logit {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        Map::inverse(&Sigmoid, x, &[])
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        y.sigmoid()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        -x.ln() - (-x).ln_1p()
    }
}

/// The hyperbolic tangent, to (-1, 1).
#[derive(Debug, Clone, Copy, Default)]
pub struct Tanh;

impl Map for Tanh {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.tanh()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        (y.ln_1p() - (-y).ln_1p()) * 0.5
    }
    /// `ln(1 - tanh(x)^2)`, which does not round to nothing far away.
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        let z = x.abs() * 2.0;
        -z - (-z).exp().ln_1p() * 2.0 + 4f64.ln()
    }
}

/// `y = x^exponent` of positive numbers; the exponent is not 0.
#[derive(Debug, Clone, Copy)]
pub struct Power {
    /// The exponent.
    pub exponent: f64,
}

impl Map for Power {
    fn forward<R: Real>(&self, x: R, _p: &[R]) -> R {
        (x.ln() * self.exponent).exp()
    }
    fn inverse<R: Real>(&self, y: R, _p: &[R]) -> R {
        (y.ln() / self.exponent).exp()
    }
    fn log_slope<R: Real>(&self, x: R, _p: &[R]) -> R {
        x.ln() * (self.exponent - 1.0) + self.exponent.abs().ln()
    }
}

/// `y = shift + scale x`, with parameters that broadcast; no scale is 0.
#[derive(Debug, Clone)]
pub struct Affine<const D: usize> {
    /// What is added.
    pub shift: Tensor<D>,
    /// What multiplies; of either sign.
    pub scale: Tensor<D>,
}

struct AffineMap;

impl Map for AffineMap {
    fn forward<R: Real>(&self, x: R, p: &[R]) -> R {
        p[0] + p[1] * x
    }
    fn inverse<R: Real>(&self, y: R, p: &[R]) -> R {
        (y - p[0]) / p[1]
    }
    fn log_slope<R: Real>(&self, x: R, p: &[R]) -> R {
        // Of the shape that the argument and the parameters make together.
        p[1].abs().ln() + x * 0.0
    }
}

impl<const D: usize> Bijection<D, D, D> for Affine<D> {
    fn forward(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        forward(&AffineMap, x, &[self.shift.clone(), self.scale.clone()]).into()
    }

    fn inverse(&self, y: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        inverse(&AffineMap, y, &[self.shift.clone(), self.scale.clone()]).into()
    }
}

/// `y = low + (high - low) sigmoid(x)`, to the numbers between two bounds.
#[derive(Debug, Clone)]
pub struct Between<const D: usize> {
    /// The lower bound.
    pub low: Tensor<D>,
    /// The upper bound.
    pub high: Tensor<D>,
}

struct BetweenMap;

impl Map for BetweenMap {
    fn forward<R: Real>(&self, x: R, p: &[R]) -> R {
        // From the nearer bound, so that a number next to it keeps its digits.
        let width = p[1] - p[0];
        let upper = x.over(0.0);
        R::select(upper, p[1] - width * (-x).sigmoid(), p[0] + width * x.sigmoid())
    }
    fn inverse<R: Real>(&self, y: R, p: &[R]) -> R {
        (y - p[0]).ln() - (p[1] - y).ln()
    }
    fn log_slope<R: Real>(&self, x: R, p: &[R]) -> R {
        Map::log_slope(&Sigmoid, x, &[]) + (p[1] - p[0]).ln()
    }
}

impl<const D: usize> Bijection<D, D, D> for Between<D> {
    fn forward(&self, x: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        forward(&BetweenMap, x, &[self.low.clone(), self.high.clone()]).into()
    }

    fn inverse(&self, y: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
        inverse(&BetweenMap, y, &[self.low.clone(), self.high.clone()]).into()
    }
}

/// A map of numbers as a map of events: log-determinants are summed over the axes after the first `B`.
impl<F, const X: usize, const B: usize> Bijection<X, X, B> for Independent<F, B>
where
    F: Bijection<X, X, X>,
{
    fn forward(&self, x: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let (y, log_det) = self.base().forward(x);
        (y, sum_event(log_det))
    }

    fn inverse(&self, y: Tensor<X>) -> (Tensor<X>, Tensor<B>) {
        let (x, log_det) = self.base().inverse(y);
        (x, sum_event(log_det))
    }
}
