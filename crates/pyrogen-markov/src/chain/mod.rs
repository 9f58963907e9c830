//! Markov chains over symbols: words, characters, tokens, states.

mod blend;
mod context;
mod counts;
mod ngram;
mod ppm;
mod smoothing;
mod source;
mod text;
mod tree;
mod walk;

pub use blend::Blend;
pub use context::Context;
pub use counts::Counts;
pub use ngram::{NGram, Perplexity, TokenModel};
pub use ppm::{Escape, Ppm, PpmConfig};
pub use smoothing::{Discounts, Smoothing};
pub use source::Source;
pub use text::{Made, Overlap, Rejected, Rejection, TextConfig, TextModel, Wish};
pub use tree::{ContextTree, ContextTreeConfig};
