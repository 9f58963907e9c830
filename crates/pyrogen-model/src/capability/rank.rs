//! How unusual items are, where there is no likelihood.

use pyrogen_data::Data;

use crate::{Control, Error, OptionSpec, Request};

/// Anomaly scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// What the numbers are.
    pub name: String,
    /// One an item; more is more unusual.
    pub scores: Vec<f64>,
}

/// Says how unusual items are, without a likelihood.
pub trait Rank: Send + Sync {
    /// What the numbers are.
    fn name(&self) -> &str;

    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec>;

    /// The anomaly score of each item; more is more unusual.
    ///
    /// # Errors
    /// Data or a request that does not fit the model, numbers that are not finite, or a control
    /// that was cancelled.
    fn rank(&self, data: &Data, request: &Request, control: &Control) -> Result<Ranking, Error>;
}
