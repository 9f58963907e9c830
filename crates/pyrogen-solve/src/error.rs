//! What can go wrong while solving.

use pyrogen_core::ModelError;

/// A schedule, a list of levels or a request that cannot be used, or a network that failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// A solver was asked for no steps.
    #[error("steps must be at least 1, got 0")]
    NoSteps,
    /// A strength of which no step is left.
    #[error(
        "a strength of {strength} leaves none of {steps} steps: take at least {}, or more steps",
        1.0 / *steps as f64
    )]
    NoStepLeft {
        /// The share of the steps that was asked for.
        strength: f64,
        /// All steps.
        steps: usize,
    },
    /// More steps than the training schedule has.
    #[error(
        "{got} steps were asked for, but the schedule has {steps}: take at most {steps}, or the \
         spacing karras, exponential or linspace"
    )]
    TooManySteps {
        /// Steps asked for.
        got: usize,
        /// Steps of the schedule.
        steps: usize,
    },
    /// A noise level that is negative or not finite.
    #[error("noise level {index} must be a finite number of at least 0, got {value}")]
    Level {
        /// Its place in the list, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// Noise levels that do not decrease.
    #[error(
        "noise levels must strictly decrease: level {index} is {value}, the one before it {before}"
    )]
    NotDecreasing {
        /// The place of the second of the two, from 0.
        index: usize,
        /// The level before it.
        before: f64,
        /// The level itself.
        value: f64,
    },
    /// Times of a flow that turn back, stand still or leave [0, 1].
    #[error(
        "times must move strictly in one direction within [0, 1]: time {index} is {value}, the \
         one before it {before}"
    )]
    Times {
        /// The place of the second of the two, from 0.
        index: usize,
        /// The time before it.
        before: f64,
        /// The time itself.
        value: f64,
    },
    /// The network gave a number that is NaN or infinite.
    #[error(
        "step {step}: the network gave a number that is not finite at noise level {sigma}; check \
         its weights, or the scale of its input"
    )]
    NotFinite {
        /// The step, counted from 1.
        step: usize,
        /// The noise level at which it was called.
        sigma: f64,
    },
    /// The velocity gave a number that is NaN or infinite.
    #[error(
        "step {step}: the velocity has a number that is not finite at time {time}; check the \
         network's weights, or the scale of its input"
    )]
    NotFiniteVelocity {
        /// The step, counted from 1.
        step: usize,
        /// The time at which it was called.
        time: f64,
    },
    /// An adaptive solver's step became too small to move on.
    #[error(
        "step {step}: the error at time {time} stays above the tolerance however small the step; \
         allow more (rtol, atol), or check that the network is smooth in time"
    )]
    StepTooSmall {
        /// The step, counted from 1.
        step: usize,
        /// The time at which it stands.
        time: f64,
    },
    /// An adaptive solver used up its steps.
    #[error("after {steps} steps the solver stands at time {time}: allow a larger tolerance")]
    TooManyAdaptiveSteps {
        /// Steps that were tried.
        steps: usize,
        /// The time at which it stands.
        time: f64,
    },
    /// A mask that does not fit the pictures.
    #[error(
        "the mask has shape {got:?}; give {expected:?}, with 1 on an axis along which it is constant"
    )]
    Mask {
        /// Shape of the examples.
        expected: Vec<usize>,
        /// Shape of the mask.
        got: Vec<usize>,
    },
    /// Another number that is outside its range.
    #[error("`{name}` must be {expected}, got {got}")]
    Value {
        /// The argument.
        name: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was found.
        got: f64,
    },
}

impl SolveError {
    /// An argument outside its range, unless `ok`.
    pub(crate) fn check(
        name: &'static str,
        got: f64,
        ok: bool,
        expected: &'static str,
    ) -> Result<(), Self> {
        if ok { Ok(()) } else { Err(Self::Value { name, expected, got }) }
    }
}

impl From<SolveError> for ModelError {
    /// What a network does is a failure; what was asked of the solver is a wrong request.
    fn from(error: SolveError) -> Self {
        match error {
            SolveError::NotFinite { .. }
            | SolveError::NotFiniteVelocity { .. }
            | SolveError::StepTooSmall { .. }
            | SolveError::TooManyAdaptiveSteps { .. } => Self::Failed(error.into()),
            _ => Self::Invalid(error.into()),
        }
    }
}
