//! Tests of the crate as a user sees it.
