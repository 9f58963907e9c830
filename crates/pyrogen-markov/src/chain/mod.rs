//! Markov chains over symbols: words, characters, tokens, states.

mod blend;
mod counts;
mod ngram;
mod smoothing;
mod text;
mod tree;

pub use blend::Blend;
pub use counts::Counts;
pub use ngram::{Context, NGram, Perplexity, TokenModel};
pub use smoothing::{Discounts, Smoothing};
pub use text::{Made, Overlap, Rejected, Rejection, TextConfig, TextModel, Wish};
pub use tree::{ContextTree, ContextTreeConfig};
