//! Tests of the crate as a user sees it.

mod bad_input;
mod common;
mod gibbs;
mod hdp;
mod held_out;
mod learning;
mod references;
