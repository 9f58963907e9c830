//! Numbers with their derivatives.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Real, Special};
use crate::special::host::{sigmoid, softplus};

/// How many derivatives are carried at once; formulas of more arguments take another pass.
pub(crate) const WIDTH: usize = 4;

/// A number and its derivatives by [`WIDTH`] arguments (forward-mode differentiation).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dual {
    pub value: f64,
    pub slopes: [f64; WIDTH],
}

impl Dual {
    /// The argument itself: slope 1 by argument `index` where it is one of those carried.
    pub(crate) fn argument(value: f64, index: Option<usize>) -> Self {
        let mut slopes = [0.0; WIDTH];
        if let Some(index) = index {
            slopes[index] = 1.0;
        }
        Self { value, slopes }
    }

    /// `f(self)` from its value and slope. What does not depend on an argument stays so, whatever
    /// the slope.
    fn chain(self, value: f64, slope: f64) -> Self {
        Self { value, slopes: self.slopes.map(|s| if s == 0.0 { 0.0 } else { s * slope }) }
    }

    fn pair(self, other: Self, value: f64, slope: f64, other_slope: f64) -> Self {
        let (a, b) = (self.chain(value, slope), other.chain(value, other_slope));
        Self { value, slopes: std::array::from_fn(|i| a.slopes[i] + b.slopes[i]) }
    }
}

impl Add for Dual {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self {
            value: self.value + o.value,
            slopes: std::array::from_fn(|i| self.slopes[i] + o.slopes[i]),
        }
    }
}

impl Sub for Dual {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self {
            value: self.value - o.value,
            slopes: std::array::from_fn(|i| self.slopes[i] - o.slopes[i]),
        }
    }
}

impl Mul for Dual {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.pair(o, self.value * o.value, o.value, self.value)
    }
}

impl Div for Dual {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        self.pair(o, value, 1.0 / o.value, -value / o.value)
    }
}

impl Neg for Dual {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, slopes: self.slopes.map(|s| -s) }
    }
}

impl Add<f64> for Dual {
    type Output = Self;
    fn add(self, o: f64) -> Self {
        Self { value: self.value + o, ..self }
    }
}

impl Sub<f64> for Dual {
    type Output = Self;
    fn sub(self, o: f64) -> Self {
        Self { value: self.value - o, ..self }
    }
}

impl Mul<f64> for Dual {
    type Output = Self;
    fn mul(self, o: f64) -> Self {
        self.chain(self.value * o, o)
    }
}

impl Div<f64> for Dual {
    type Output = Self;
    fn div(self, o: f64) -> Self {
        self.chain(self.value / o, 1.0 / o)
    }
}

impl Real for Dual {
    type Mask = bool;

    fn lit(self, value: f64) -> Self {
        Self::argument(value, None)
    }
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }
    fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }
    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), 1.0 / (1.0 + self.value))
    }
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, 0.5 / y)
    }
    fn abs(self) -> Self {
        let sign = if self.value == 0.0 { 0.0 } else { self.value.signum() };
        self.chain(self.value.abs(), sign)
    }
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        // 1 - y^2 without cancellation where y is near 1.
        let slope = if self.value.abs() > 2.0 { self.value.cosh().powi(-2) } else { 1.0 - y * y };
        self.chain(y, slope)
    }
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    fn tan(self) -> Self {
        self.chain(self.value.tan(), self.value.cos().powi(-2))
    }
    fn atan(self) -> Self {
        self.chain(self.value.atan(), 1.0 / (1.0 + self.value * self.value))
    }
    fn sigmoid(self) -> Self {
        let y = sigmoid(self.value);
        self.chain(y, y * sigmoid(-self.value))
    }
    fn softplus(self) -> Self {
        self.chain(softplus(self.value), sigmoid(self.value))
    }
    fn floor(self) -> Self {
        self.chain(self.value.floor(), 0.0)
    }
    fn below(self, other: Self) -> bool {
        self.value < other.value
    }
    fn under(self, value: f64) -> bool {
        self.value < value
    }
    fn same(self, other: Self) -> bool {
        self.value == other.value
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
        let at = args.map(|a| a.value);
        let value = (function.value)(at);
        let mut out = Self::argument(value, None);
        if args.iter().all(|a| a.slopes == [0.0; WIDTH]) {
            return out;
        }
        for (arg, slope) in args.into_iter().zip((function.slopes)(at)) {
            let part = arg.chain(value, slope);
            out.slopes = std::array::from_fn(|i| out.slopes[i] + part.slopes[i]);
        }
        out
    }
}
