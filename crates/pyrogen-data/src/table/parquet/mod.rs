//! Parquet files: the columns of a table, one behind the other.
//!
//! What the usual writers make is read: plain and dictionary encodings, packed by snappy, gzip or zstd.
//! Values become the texts of cells, so that columns are found as those of a CSV file are.
//!
//! # References
//! The Apache Parquet format, version 2.11 (2025), with Thrift's compact protocol.

mod cells;
mod footer;
mod pages;
mod thrift;

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use self::footer::{Footer, Meaning, Stored};
use crate::DataError;

/// A file whose columns have been found.
#[derive(Debug)]
pub(super) struct ParquetFile {
    footer: Footer,
}

/// Bytes that a cell takes in memory as a text, about.
const CELL: usize = 20;

impl ParquetFile {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Self { footer: Footer::read(path)? })
    }

    pub fn rows(&self) -> usize {
        self.footer.rows
    }

    pub fn names(&self) -> Vec<String> {
        self.footer.columns.iter().map(|leaf| leaf.name.clone()).collect()
    }

    /// Columns that are left out since their cells are lists or records.
    pub fn nested(&self) -> &[String] {
        &self.footer.nested
    }

    /// Bytes that a column takes in memory as texts, about.
    pub fn size(&self) -> usize {
        self.footer.rows.saturating_mul(CELL)
    }

    /// Whether a column holds texts or booleans, even where they look like numbers.
    pub fn is_text(&self, column: usize) -> bool {
        let leaf = &self.footer.columns[column];
        matches!(leaf.stored, Stored::Boolean | Stored::Bytes | Stored::Fixed(_))
            && !matches!(leaf.meaning, Meaning::Decimal(_))
    }

    /// Hands over the cells of a column, row by row; a missing one is empty.
    pub fn read(
        &self,
        path: &Path,
        column: usize,
        put: &mut dyn FnMut(&str),
    ) -> Result<(), DataError> {
        let leaf = &self.footer.columns[column];
        let wrong = |message: String| DataError::format(path, "Parquet", message);
        let io = |e| DataError::io(path, "read")(e);
        let mut file = std::fs::File::open(path).map_err(io)?;
        let (mut left, mut bytes) = (self.footer.rows, Vec::new());
        for chunk in &leaf.chunks {
            let rest = left.checked_sub(chunk.values);
            left = rest.ok_or_else(|| wrong("a column has more values than rows".into()))?;
            bytes.clear();
            file.seek(SeekFrom::Start(chunk.start)).map_err(io)?;
            (&mut file).take(chunk.bytes).read_to_end(&mut bytes).map_err(io)?;
            let mut each = |cell: Option<&str>| put(cell.unwrap_or_default());
            pages::each(leaf, chunk.codec, chunk.values, &bytes, &mut each).map_err(wrong)?;
        }
        match left {
            0 => Ok(()),
            _ => Err(wrong(format!("column `{}` has fewer values than rows", leaf.name))),
        }
    }
}

#[cfg(test)]
mod tests;
