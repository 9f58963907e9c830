//! Marginals, given evidence.

use pyrogen_data::Data;
use serde::Serialize;

use crate::{Control, Error, OptionSpec, Request};

/// The distribution of one variable of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Marginal {
    /// Probabilities of values.
    Discrete {
        /// The values.
        values: Vec<String>,
        /// Their probabilities.
        probabilities: Vec<f64>,
    },
    /// A distribution of numbers by its mean and standard deviation.
    Continuous {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// A distribution of numbers by draws.
    Drawn {
        /// The mean of the draws.
        mean: f64,
        /// Their standard deviation.
        std: f64,
        /// Probabilities and the numbers that so large a share of the draws is below, ascending.
        quantiles: Vec<(f64, f64)>,
        /// How many draws there are.
        draws: usize,
    },
}

/// Answers questions on marginals, given evidence.
pub trait Query: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// For each item of the evidence, the distribution of every variable that is missing in it, by
    /// name.
    ///
    /// # Errors
    /// Evidence that does not fit the model or is impossible under it, or a control that was
    /// cancelled.
    fn query(
        &self,
        evidence: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Vec<(String, Marginal)>>, Error>;
}
