//! Making items like given ones.

use std::ops::Range;

use pyrogen_data::Data;

use crate::{Control, Error, OptionSpec, Request};

/// Makes items like given ones.
pub trait Vary: Send + Sync {
    /// The options that a request may set, `strength` among them: from near 0 (the same) to 1
    /// (nothing is kept).
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// Items like the given ones: item `i` is like the given item `i % from.len()`.
    ///
    /// # Errors
    /// Given items or a request that do not fit the model, no items, numbers that are not finite,
    /// or a control that was cancelled.
    fn vary(
        &self,
        from: &Data,
        items: Range<u64>,
        request: &Request,
        control: &Control,
    ) -> Result<Data, Error>;
}
