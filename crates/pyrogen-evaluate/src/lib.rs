#![doc = include_str!("../README.md")]

mod columns;
mod convolutions;
mod embedding;
mod evaluation;
mod latents;
mod pairs;
mod table;
mod text;

pub use columns::ColumnEmbedding;
pub use convolutions::ConvolutionEmbedding;
pub use embedding::{Embedding, EmbeddingChoice};
pub use evaluation::{Evaluation, FEWEST, FailedMetric, Options, evaluate};
pub use latents::LatentEmbedding;
pub use table::{ColumnComparison, TableComparison};
