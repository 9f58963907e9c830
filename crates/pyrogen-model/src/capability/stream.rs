//! Making an item piece by piece.

use pyrogen_data::Data;

use crate::{Control, Error, OptionSpec, Request};

/// Makes an item piece by piece.
pub trait Stream: Send + Sync {
    /// The options that a request may set.
    fn options(&self) -> Vec<OptionSpec> {
        Vec::new()
    }

    /// The pieces of item `item`, each as data of one item (a piece of text, a row of pixels).
    /// Joined they are what [`Generate`](super::Generate) gives for the item. Dropping the iterator
    /// ends the work.
    ///
    /// # Errors
    /// A request that does not fit the model. A piece is an error where numbers are not finite or
    /// the control was cancelled.
    fn stream<'a>(
        &'a self,
        item: u64,
        request: &Request,
        control: &'a Control,
    ) -> Result<Box<dyn Iterator<Item = Result<Data, Error>> + Send + 'a>, Error>;
}
