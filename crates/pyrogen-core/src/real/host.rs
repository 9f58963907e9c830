//! Plain numbers.

use super::{Real, Special};
use crate::special::host::{sigmoid, softplus};

impl Real for f64 {
    type Mask = bool;

    fn lit(self, value: f64) -> Self {
        value
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn ln(self) -> Self {
        f64::ln(self)
    }
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn abs(self) -> Self {
        f64::abs(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn sin(self) -> Self {
        f64::sin(self)
    }
    fn cos(self) -> Self {
        f64::cos(self)
    }
    fn tan(self) -> Self {
        f64::tan(self)
    }
    fn atan(self) -> Self {
        f64::atan(self)
    }
    fn sigmoid(self) -> Self {
        sigmoid(self)
    }
    fn softplus(self) -> Self {
        softplus(self)
    }
    fn floor(self) -> Self {
        f64::floor(self)
    }
    fn below(self, other: Self) -> bool {
        self < other
    }
    fn under(self, value: f64) -> bool {
        self < value
    }
    fn same(self, other: Self) -> bool {
        self == other
    }
    fn both(a: bool, b: bool) -> bool {
        a && b
    }
    fn not(a: bool) -> bool {
        !a
    }
    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }
    fn special<const K: usize>(function: Special<K>, args: [Self; K]) -> Self {
        (function.value)(args)
    }
}
