#![doc = include_str!("../README.md")]

mod coherence;
mod corpus;
mod error;
#[cfg(feature = "model")]
pub mod family;
mod fold;
mod gibbs;
mod hdp;
mod held_out;
mod map;
mod prepare;
mod prior;
mod special;
mod topics;
mod variational;

pub use coherence::Coherence;
pub use corpus::{Corpus, Document};
pub use error::TopicError;
pub use gibbs::{Gibbs, GibbsConfig, Guide, Sampler, SeedWord};
pub use hdp::{Hdp, HdpConfig};
pub use held_out::{LeftToRight, LogEstimate};
pub use map::{group_shares, topic_map};
pub use prepare::{Frequency, NO_WORD, PrepareConfig, StopWords, Vocabulary};
pub use prior::LearnPrior;
pub use topics::Topics;
pub use variational::{Online, Pass, Variational, VariationalConfig};

/// The book's chapter, so that its code is tested.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/topics.md")]
struct Chapter;
