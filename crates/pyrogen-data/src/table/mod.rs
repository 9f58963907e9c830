//! Tables: reading CSV, finding the columns' kinds, and writing rows back.

mod dialect;
mod format;
mod header;
pub(crate) mod infer;
mod moment;
pub(crate) mod numbers;
mod read;
mod rows;
mod schema;
pub(crate) mod steps;
mod text;
pub(crate) mod write;

pub use format::NumberFormat;
pub use moment::{DayFormat, DayOrder, MomentFormat, TimeFormat};
pub use read::{CsvOptions, Header, Missing, read_csv, read_table};
pub use schema::{Column, ColumnKind, TableSchema};
pub use write::{CsvWriter, write_csv};

#[cfg(test)]
mod tests;
