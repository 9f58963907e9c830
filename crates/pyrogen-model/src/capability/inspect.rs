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

/// A picture that a model has of itself, on some data.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The name in files: "topic_map".
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// The picture, as SVG.
    pub svg: String,
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

    /// Pictures for the report; none where nothing else is said.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    fn figures(
        &self,
        _data: &Data,
        _request: &Request,
        _control: &Control,
    ) -> Result<Vec<Figure>, Error> {
        Ok(Vec::new())
    }
}
