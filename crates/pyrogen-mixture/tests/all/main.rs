//! Tests of the crate as a user sees it.

mod bad_input;
mod bayes;
mod capabilities;
mod common;
mod exact;
mod learner;
mod missing;
mod references;
mod tables;
