//! Tables: reading CSV, telling the columns' kinds, and writing rows back.

mod infer;
pub(crate) mod numbers;
mod read;
mod schema;
pub(crate) mod steps;
mod text;
mod write;

pub use read::{CsvOptions, Header, Missing, read_csv};
pub use schema::{Column, ColumnKind, TableSchema};
pub use write::{CsvWriter, write_csv};

#[cfg(test)]
mod tests;
