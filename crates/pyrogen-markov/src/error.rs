//! What can go wrong.

use pyrogen_core::ConfigError;

/// Data, a config or a request that cannot be used, or a computation that cannot go on.
///
/// Sequences, steps and columns are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkovError {
    /// A config value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing to learn from.
    #[error("the data holds no {what}")]
    Empty {
        /// What is missing: "steps", "observed values", ...
        what: &'static str,
    },
    /// Lengths that do not add up to the number of steps.
    #[error("the lengths add up to {lengths} steps, but the values are {values} steps")]
    Lengths {
        /// Sum of the lengths.
        lengths: usize,
        /// Steps in the values.
        values: usize,
    },
    /// A list whose length does not fit the data.
    #[error("`{name}` must have {expected} entries, got {got}")]
    Count {
        /// The list.
        name: &'static str,
        /// How many it must have.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// A value that the model's emission distribution cannot have.
    #[error("sequence {sequence}, step {step}, column {column}: must be {expected}, got {value}")]
    Value {
        /// The sequence.
        sequence: usize,
        /// The step in it.
        step: usize,
        /// The column.
        column: usize,
        /// What is allowed.
        expected: &'static str,
        /// What was found.
        value: f64,
    },
    /// A symbol that the model does not have.
    #[error("sequence {sequence}, step {step}: symbol {symbol} is not below {symbols}")]
    Symbol {
        /// The sequence.
        sequence: usize,
        /// The step in it.
        step: usize,
        /// The symbol.
        symbol: u32,
        /// How many symbols the model has.
        symbols: usize,
    },
    /// A weight that is negative, NaN or infinite.
    #[error("weight {place} must be a finite number of at least 0, got {value}")]
    Weight {
        /// Its place in the list.
        place: usize,
        /// Its value.
        value: f64,
    },
    /// A column without one observed value.
    #[error("column {column} has no observed value: leave it out")]
    AllMissing {
        /// The column.
        column: usize,
    },
    /// Fewer observed steps than states.
    #[error("{states} states cannot be learnt from {steps} observed steps: take fewer states")]
    TooFewSteps {
        /// Steps that have an observed value and a weight above 0.
        steps: usize,
        /// States of the model.
        states: usize,
    },
    /// Data of another kind or width than the model takes.
    #[error("the model takes {expected}, the data holds {got}")]
    Kind {
        /// What the model takes.
        expected: String,
        /// What the data is.
        got: String,
    },
    /// Data that the model cannot have made.
    #[error(
        "sequence {sequence} is impossible under the model from step {step} on: no state that can \
         be reached there emits what was observed"
    )]
    Impossible {
        /// The sequence.
        sequence: usize,
        /// The first step at which no path is left.
        step: usize,
    },
    /// An update that made the fit worse, which expectation maximisation cannot do.
    #[error("step {step}: the objective fell from {before} to {after}")]
    Fell {
        /// The step, counted from 1.
        step: u64,
        /// Log-likelihood and log-prior before the update.
        before: f64,
        /// The same after it.
        after: f64,
    },
    /// A number that is NaN or infinite.
    #[error("step {step}: {what} is {value}")]
    NotFinite {
        /// The step, counted from 1.
        step: u64,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A covariance matrix that is not positive definite.
    #[error("the covariance matrix of state {state} is not positive definite")]
    Covariance {
        /// The state.
        state: usize,
    },
    /// A request that the model cannot serve.
    #[error("`{name}` must be {expected}, got {got}")]
    Request {
        /// The argument.
        name: &'static str,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
}

impl MarkovError {
    /// An argument outside its range.
    pub(crate) fn request(
        name: &'static str,
        expected: impl Into<String>,
        got: impl std::fmt::Display,
    ) -> Self {
        Self::Request { name, expected: expected.into(), got: got.to_string() }
    }
}
