//! Filling in the rest of items that are partly given.

use std::ops::Range;

use pyrogen_data::Data;

use super::Detailed;
use crate::{Control, Error, OptionSpec, Request};

/// Items that are partly given.
#[derive(Debug, Clone)]
pub struct Given {
    /// The items. What is missing in them (a blank cell, the text after a prompt) is to be filled in.
    pub items: Data,
    /// For pictures and points: which numbers of an item are given, the same for all items, in the
    /// order of the item's numbers.
    pub mask: Option<Vec<bool>>,
}

impl Given {
    /// Items whose missing parts are to be filled in: a prompt, a row with blank cells.
    pub fn new(items: Data) -> Self {
        Self { items, mask: None }
    }

    /// Items of which the numbers that the mask marks are given.
    pub fn masked(items: Data, mask: Vec<bool>) -> Self {
        Self { items, mask: Some(mask) }
    }
}

/// Fills in the rest of items that are partly given.
pub trait Complete: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// Completed items: item `i` completes the given item `i % given.items.len()`. So of `n` given
    /// items the items `0..n` hold a first candidate each, `n..2 n` a second.
    ///
    /// # Errors
    /// Given items or a request that do not fit the model, no items, numbers that are not finite,
    /// or a control that was cancelled.
    fn complete(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error>;

    /// The same items, with what is known of each beside it.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    fn detailed(
        &self,
        given: &Given,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Detailed, Error> {
        Ok(Detailed { items: self.complete(given, items, request, control)?, details: Vec::new() })
    }
}
