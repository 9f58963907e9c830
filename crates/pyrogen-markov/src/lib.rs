#![doc = include_str!("../README.md")]
// Matrices and rows of several arrays are walked through by index.
#![allow(clippy::needless_range_loop)]

pub mod analysis;
pub mod chain;
mod error;
#[cfg(feature = "model")]
pub mod family;
pub mod hmm;
mod linear;
mod sequences;
mod special;

pub use error::MarkovError;
pub use sequences::{MISSING, Sequences};
