//! Drawing new items.

use std::ops::Range;

use pyrogen_data::Data;

use crate::{Control, Error, OptionSpec, Request};

/// Draws new items.
pub trait Generate: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec>;

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
}
