#![doc = include_str!("../README.md")]

mod columns;
mod embedding;
mod evaluation;
mod pairs;
mod table;
mod text;

pub use columns::ColumnEmbedding;
pub use embedding::{Embedding, EmbeddingChoice};
pub use evaluation::{Evaluation, FEWEST, FailedMetric, Options, evaluate};
pub use table::{ColumnComparison, TableComparison};
