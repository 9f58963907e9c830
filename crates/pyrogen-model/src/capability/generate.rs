//! Drawing new items.

use std::ops::Range;

use pyrogen_data::Data;

use serde_json::{Map, Value};

use crate::{Control, Error, OptionSpec, Request};

/// Items, and what is known of each beside it.
#[derive(Debug, Clone)]
pub struct Detailed {
    /// The items.
    pub items: Data,
    /// Named facts of each item, such as `nats` (its log-probability), `tokens` (how many it has) and
    /// `finish` (why it ended); empty where nothing is known of any.
    pub details: Vec<Map<String, Value>>,
}

/// Draws new items.
pub trait Generate: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// The items `items` of the endless sequence that the request's seed stands for, in raw units.
    ///
    /// # Errors
    /// A request that does not fit the model, no items, numbers that are not finite, or a control
    /// that was cancelled.
    fn generate(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error>;

    /// The same items, with what is known of each beside it.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    fn detailed(
        &self,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Detailed, Error> {
        Ok(Detailed { items: self.generate(items, request, control)?, details: Vec::new() })
    }
}
