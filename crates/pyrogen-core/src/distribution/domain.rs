//! What values a parameter may have.

use burn::tensor::{Bool, Tensor};

use crate::ParameterError;

/// The values that a parameter may have; NaN is in none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// Any finite number.
    Real,
    /// Finite and above 0.
    Positive,
    /// Finite and at least 0.
    NonNegative,
    /// From 0 to 1.
    Unit,
    /// 0, 1, 2, ..
    Count,
    /// 1, the answer yes.
    True,
    /// Any number, and infinity.
    Number,
}

impl Domain {
    fn expected(self) -> &'static str {
        match self {
            Self::Real => "finite",
            Self::Positive => "positive and finite",
            Self::NonNegative => "at least 0 and finite",
            Self::Unit => "from 0 to 1",
            Self::Count => "an integer of at least 0",
            Self::True => "true",
            Self::Number => "a number",
        }
    }

    fn holds<const D: usize>(self, x: Tensor<D>) -> Tensor<D, Bool> {
        let finite = x.clone().is_finite();
        match self {
            Self::Real => finite,
            Self::Positive => x.greater_elem(0.0).bool_and(finite),
            Self::NonNegative => x.greater_equal_elem(0.0).bool_and(finite),
            Self::Unit => x.clone().greater_equal_elem(0.0).bool_and(x.lower_equal_elem(1.0)),
            Self::Count => {
                let whole = x.clone().floor().equal(x.clone());
                x.greater_equal_elem(0.0).bool_and(whole).bool_and(finite)
            }
            Self::Number => x.is_nan().bool_not(),
            Self::True => x.equal_elem(1.0),
        }
    }

    /// Refuses a parameter that has a value outside. One number is read from the device, and the
    /// parameter itself only to name the value.
    pub(crate) fn check<const D: usize>(
        self,
        distribution: &'static str,
        parameter: &'static str,
        x: &Tensor<D>,
    ) -> Result<(), ParameterError> {
        let plain = if x.device().is_autodiff() { x.clone().inner() } else { x.clone() };
        let holds = self.holds(plain.clone());
        if holds.clone().all().into_data().iter::<bool>().all(|all| all) {
            return Ok(());
        }
        let (holds, values) = (holds.into_data(), plain.into_data());
        let wrong = holds.iter::<bool>().position(|ok| !ok);
        let index = wrong.expect("one of them does not hold");
        let got = values.iter::<f64>().nth(index).expect("as many values");
        Err(ParameterError { distribution, parameter, expected: self.expected(), got, index })
    }
}
