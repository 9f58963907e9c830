//! How probable documents are that were not learnt from.

mod completion;
mod left_to_right;

pub use left_to_right::{LeftToRight, LogEstimate};
