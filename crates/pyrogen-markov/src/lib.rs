#![doc = include_str!("../README.md")]

pub mod analysis;
pub mod chain;
mod draws;
mod error;
pub mod hmm;
mod linear;
mod sequences;
mod special;

pub use error::MarkovError;
pub use sequences::{MISSING, Sequences};
