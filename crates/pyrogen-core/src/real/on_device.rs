//! Tensors as the numbers of a formula.

use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use burn::tensor::{Bool, Tensor};

use super::{Formula, Real, Special, apply};

/// A tensor of the formula that is being computed, by its place in this thread's list: formulas
/// copy their numbers, which a tensor does not allow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnDevice(usize);

/// A mask of the formula that is being computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mask(usize);

#[derive(Default)]
struct Arena {
    tensors: Vec<Tensor<1>>,
    masks: Vec<Tensor<1, Bool>>,
}

thread_local! {
    static ARENA: RefCell<Arena> = RefCell::default();
}

/// Drops what a formula has left, also where it panics.
struct Scope {
    tensors: usize,
    masks: usize,
}

impl Scope {
    fn new() -> Self {
        ARENA.with_borrow(|a| Self { tensors: a.tensors.len(), masks: a.masks.len() })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        ARENA.with_borrow_mut(|a| {
            a.tensors.truncate(self.tensors);
            a.masks.truncate(self.masks);
        });
    }
}

/// Computes a formula of tensors of one length.
pub(super) fn evaluate<F: Formula>(formula: &F, args: Vec<Tensor<1>>) -> Tensor<1> {
    let _scope = Scope::new();
    let args: Vec<OnDevice> = args.into_iter().map(OnDevice::new).collect();
    formula.eval(&args).tensor()
}

impl OnDevice {
    fn new(tensor: Tensor<1>) -> Self {
        ARENA.with_borrow_mut(|a| {
            a.tensors.push(tensor);
            Self(a.tensors.len() - 1)
        })
    }

    fn tensor(self) -> Tensor<1> {
        ARENA.with_borrow(|a| a.tensors[self.0].clone())
    }

    fn map(self, f: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        Self::new(f(self.tensor()))
    }

    fn zip(self, other: Self, f: impl FnOnce(Tensor<1>, Tensor<1>) -> Tensor<1>) -> Self {
        Self::new(f(self.tensor(), other.tensor()))
    }
}

impl Mask {
    fn new(mask: Tensor<1, Bool>) -> Self {
        ARENA.with_borrow_mut(|a| {
            a.masks.push(mask);
            Self(a.masks.len() - 1)
        })
    }

    fn mask(self) -> Tensor<1, Bool> {
        ARENA.with_borrow(|a| a.masks[self.0].clone())
    }
}

impl Add for OnDevice {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.zip(o, |a, b| a + b)
    }
}

impl Sub for OnDevice {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.zip(o, |a, b| a - b)
    }
}

impl Mul for OnDevice {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.zip(o, |a, b| a * b)
    }
}

impl Div for OnDevice {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        self.zip(o, |a, b| a / b)
    }
}

impl Neg for OnDevice {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(Tensor::neg)
    }
}

impl Add<f64> for OnDevice {
    type Output = Self;
    fn add(self, o: f64) -> Self {
        self.map(|a| a + o)
    }
}

impl Sub<f64> for OnDevice {
    type Output = Self;
    fn sub(self, o: f64) -> Self {
        self.map(|a| a - o)
    }
}

impl Mul<f64> for OnDevice {
    type Output = Self;
    fn mul(self, o: f64) -> Self {
        self.map(|a| a * o)
    }
}

impl Div<f64> for OnDevice {
    type Output = Self;
    fn div(self, o: f64) -> Self {
        self.map(|a| a / o)
    }
}

/// Where the series of `ln_1p` and `exp_m1` have all digits of double precision.
const NEAR: f64 = 0.25;

/// `sum over k of coefficient_k x^k`.
fn series(x: OnDevice, coefficients: impl Iterator<Item = f64>) -> OnDevice {
    let coefficients: Vec<f64> = coefficients.collect();
    let (last, rest) = coefficients.split_last().expect("a coefficient");
    rest.iter().rev().fold(x.lit(*last), |sum, &c| sum * x + c)
}

impl Real for OnDevice {
    type Mask = Mask;

    fn lit(self, value: f64) -> Self {
        self.map(|x| x.full_like(value))
    }
    fn exp(self) -> Self {
        self.map(Tensor::exp)
    }
    fn ln(self) -> Self {
        self.map(Tensor::log)
    }
    fn ln_1p(self) -> Self {
        // Shaders have ln(1 + x) alone. ln(1 + x) = 2 artanh(s) with s = x / (2 + x), near 0.
        let near = Real::under(Real::abs(self), NEAR);
        let x = self.guard(near, 0.0);
        let s = x / (x + 2.0);
        let coefficients = (0..=10).map(|k| 1.0 / f64::from(2 * k + 1));
        let artanh = s * series(Real::square(s), coefficients);
        Self::select(near, artanh * 2.0, self.map(|x| (x + 1.0).log()))
    }
    fn exp_m1(self) -> Self {
        // Its Taylor series near 0; far away nothing cancels.
        let near = Real::under(Real::abs(self), NEAR);
        let x = self.guard(near, 0.0);
        let mut factorial = 1.0;
        let coefficients = (1..=13).map(|k| {
            factorial *= f64::from(k);
            1.0 / factorial
        });
        Self::select(near, x * series(x, coefficients), self.map(|x| x.exp() - 1.0))
    }
    fn sqrt(self) -> Self {
        self.map(Tensor::sqrt)
    }
    fn abs(self) -> Self {
        self.map(Tensor::abs)
    }
    fn tanh(self) -> Self {
        self.map(Tensor::tanh)
    }
    fn sin(self) -> Self {
        self.map(Tensor::sin)
    }
    fn cos(self) -> Self {
        self.map(Tensor::cos)
    }
    fn tan(self) -> Self {
        self.map(Tensor::tan)
    }
    fn atan(self) -> Self {
        self.map(Tensor::atan)
    }
    fn sigmoid(self) -> Self {
        self.map(pyrogen_ops::sigmoid)
    }
    fn softplus(self) -> Self {
        self.map(pyrogen_ops::softplus)
    }
    fn floor(self) -> Self {
        self.map(Tensor::floor)
    }
    fn below(self, other: Self) -> Mask {
        Mask::new(self.tensor().lower(other.tensor()))
    }
    fn under(self, value: f64) -> Mask {
        Mask::new(self.tensor().lower_elem(value))
    }
    fn same(self, other: Self) -> Mask {
        Mask::new(self.tensor().equal(other.tensor()))
    }
    fn both(a: Mask, b: Mask) -> Mask {
        Mask::new(a.mask().bool_and(b.mask()))
    }
    fn not(a: Mask) -> Mask {
        Mask::new(a.mask().bool_not())
    }
    fn select(mask: Mask, yes: Self, no: Self) -> Self {
        no.zip(yes, |no, yes| no.mask_where(mask.mask(), yes))
    }
    fn special<const K: usize>(function: Special<K>, args: [Self; K]) -> Self {
        let args = args.map(OnDevice::tensor);
        Self::new(apply::on_host(&Called(function), &args))
    }
}

/// A formula of nothing but one special function.
struct Called<const K: usize>(Special<K>);

impl<const K: usize> Formula for Called<K> {
    fn eval<R: Real>(&self, args: &[R]) -> R {
        R::special(self.0, args.try_into().unwrap_or_else(|_| panic!("{K} arguments")))
    }
}
