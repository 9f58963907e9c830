//! Tables: reading CSV, finding the columns' kinds, and writing rows back.

mod blocks;
mod dialect;
mod format;
mod gather;
mod header;
pub(crate) mod infer;
mod moment;
pub(crate) mod numbers;
mod options;
mod parquet;
mod pieces;
mod plain;
mod read;
mod rows;
mod schema;
mod sniff;
pub(crate) mod steps;
mod strings;
mod text;
mod words;
pub(crate) mod write;

pub use format::NumberFormat;
pub use moment::{DayFormat, DayOrder, MomentFormat, TimeFormat};
pub use options::{CsvOptions, Header, Missing};
pub use read::{read_csv, read_parquet, read_table};
pub use schema::{Column, ColumnKind, TableSchema};
pub use write::{CsvWriter, write_csv};

#[cfg(test)]
mod tests;
