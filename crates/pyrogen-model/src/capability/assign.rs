//! Which state, topic or component items belong to.

use pyrogen_data::Data;

use crate::{Control, Error, OptionSpec, Request};

/// Which state, topic or component items belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// What they are assigned to: "state", "topic", "component".
    pub what: String,
    /// A name for each of those.
    pub names: Vec<String>,
    /// For each item, the number of its component, or of each of its steps or words.
    pub assigned: Vec<Vec<u32>>,
    /// For each item, the probability of each name, or of each step by name; empty where it is not
    /// known.
    pub probabilities: Vec<Vec<f64>>,
}

/// Says which state, topic or component each item belongs to.
pub trait Assign: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// The most probable assignment of each item.
    ///
    /// # Errors
    /// Data that does not fit the model, or a control that was cancelled.
    fn assign(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Assignment, Error>;
}
