//! Formulas that are written once and computed in three ways.
//!
//! A density is a formula of a value and a few parameters. [`Real`] is what such a formula is written
//! in, and it has three carriers:
//!
//! | carrier | where | gives |
//! |---|---|---|
//! | `f64` | the CPU | values |
//! | [`Dual`] | the CPU, where a gradient is wanted | values and derivatives, in one pass |
//! | [`OnDevice`] | other devices | tensors, whose gradients are the device's |
//!
//! On the CPU every formula is computed in double precision whatever the tensors hold, in one pass
//! over memory and on all cores; so results in f32 are the exact ones, rounded. The derivatives enter
//! Burn's graph as `slope * (x - x0)`, where `x0` is `x` without its graph: zero in value, and the
//! first-order gradient is the slope.

mod apply;
mod dual;
pub(crate) mod functions;
mod host;
mod on_device;

pub use apply::in_tensor_arithmetic;
pub(crate) use apply::{Formula, apply, draw, is_in_tensor_arithmetic, tensor};
pub(crate) use dual::Dual;

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number that a formula computes with.
pub trait Real:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
{
    /// The answer to a comparison.
    type Mask: Copy;

    /// A constant, of the shape that `self` has.
    fn lit(self, value: f64) -> Self;
    /// `exp(self)`.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + self)`, exact near 0.
    fn ln_1p(self) -> Self;
    /// `exp(self) - 1`, exact near 0.
    fn exp_m1(self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value; its slope at 0 is 0.
    fn abs(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The sine.
    fn sin(self) -> Self;
    /// The cosine.
    fn cos(self) -> Self;
    /// The tangent.
    fn tan(self) -> Self;
    /// The inverse tangent.
    fn atan(self) -> Self;
    /// `1 / (1 + exp(-self))`.
    fn sigmoid(self) -> Self;
    /// `ln(1 + exp(self))`.
    fn softplus(self) -> Self;
    /// The largest integer that is not above; its slope is 0.
    fn floor(self) -> Self;
    /// `self < other`.
    fn below(self, other: Self) -> Self::Mask;
    /// `self < value`.
    fn under(self, value: f64) -> Self::Mask;
    /// `self == other`.
    fn same(self, other: Self) -> Self::Mask;
    /// Both.
    fn both(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Not.
    fn not(a: Self::Mask) -> Self::Mask;
    /// `yes` where the mask holds, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// A function that the host computes, from its values and its slopes.
    fn special<const K: usize>(function: Special<K>, args: [Self; K]) -> Self;

    /// `self * self`.
    fn square(self) -> Self {
        self * self
    }

    /// `1 / self`.
    fn recip(self) -> Self {
        self.lit(1.0) / self
    }

    /// `value - self`.
    fn under_from(self, value: f64) -> Self {
        -self + value
    }

    /// `self^power` for a positive base.
    fn power(self, power: Self) -> Self {
        (self.ln() * power).exp()
    }

    /// `self` where the mask holds and a harmless number elsewhere, so that what is not selected has
    /// no NaN in its gradient.
    fn guard(self, mask: Self::Mask, harmless: f64) -> Self {
        Self::select(mask, self, self.lit(harmless))
    }

    /// `self` where the mask holds and `value` elsewhere.
    fn or(self, mask: Self::Mask, value: f64) -> Self {
        Self::select(mask, self, self.lit(value))
    }

    /// `value` where the mask holds and `self` elsewhere.
    fn unless(self, mask: Self::Mask, value: f64) -> Self {
        Self::select(mask, self.lit(value), self)
    }

    /// A harmless number where the mask holds and `self` elsewhere: see [`guard`](Self::guard).
    fn safe(self, outside: Self::Mask, harmless: f64) -> Self {
        self.unless(outside, harmless)
    }

    /// Either.
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        Self::not(Self::both(Self::not(a), Self::not(b)))
    }

    /// `self == value`.
    fn is(self, value: f64) -> Self::Mask {
        self.same(self.lit(value))
    }

    /// Whether it is no integer.
    fn broken(self) -> Self::Mask {
        Self::not(self.same(self.floor()))
    }

    /// `value < self`.
    fn over(self, value: f64) -> Self::Mask {
        self.lit(value).below(self)
    }

    /// `value <= self`.
    fn at_least(self, value: f64) -> Self::Mask {
        Self::either(self.over(value), self.is(value))
    }

    /// `self <= 0`; not so of NaN, which is not to be hidden.
    fn not_positive(self) -> Self::Mask {
        Self::either(self.under(0.0), self.is(0.0))
    }

    /// The smaller; where equal, `other`.
    fn least(self, other: Self) -> Self {
        Self::select(self.below(other), self, other)
    }

    /// The larger; where equal, `other`.
    fn most(self, other: Self) -> Self {
        Self::select(other.below(self), self, other)
    }

    /// `ln(1 - exp(-self))` for a positive number.
    fn log1mexp(self) -> Self {
        let near = self.under(std::f64::consts::LN_2);
        let small = self.guard(near, 0.5);
        let large = self.guard(Self::not(near), 1.0);
        Self::select(near, (-(-small).exp_m1()).ln(), (-(-large).exp()).ln_1p())
    }
}

/// A function of `K` numbers that the host computes in double precision.
#[derive(Clone, Copy)]
pub struct Special<const K: usize> {
    /// The value.
    pub value: fn([f64; K]) -> f64,
    /// The derivative by each argument.
    pub slopes: fn([f64; K]) -> [f64; K],
}
