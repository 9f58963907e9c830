//! What a model has learnt.

use pyrogen_data::Data;
use serde::Serialize;
use serde_json::Value;

use crate::{Control, Error, Request};

/// Something that a model says of itself, on some data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The name in files: "codes", "latent".
    pub name: String,
    /// The title in a report.
    pub title: String,
    /// One or more sentences.
    pub text: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// The numbers behind it.
    pub value: Value,
}

/// Says what the model has learnt: tables and warnings for a report.
pub trait Inspect: Send + Sync {
    /// What there is to say of the model on held-out data.
    ///
    /// # Errors
    /// Data that does not fit the model, numbers that are not finite, or a control that was
    /// cancelled.
    fn inspect(
        &self,
        data: &Data,
        request: &Request,
        control: &Control,
    ) -> Result<Vec<Finding>, Error>;
}
