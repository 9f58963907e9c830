//! CSV text into records of equal width, with line numbers; nothing is interpreted yet but the
//! header.

use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::Header;
use crate::DataError;
use crate::read::bytes;

/// The cells of a file.
#[derive(Debug)]
pub(super) struct Text {
    pub path: PathBuf,
    pub names: Vec<String>,
    /// Whether the names come from the file.
    pub named: bool,
    pub records: Vec<StringRecord>,
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    /// May be infinite.
    Number(f64),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    pub fn of(cell: &'a str) -> Self {
        let cell = cell.trim();
        const MISSING: [&str; 8] = ["", "?", "na", "n/a", "nan", "-nan", "null", "none"];
        if MISSING.iter().any(|m| cell.eq_ignore_ascii_case(m)) {
            return Self::Missing;
        }
        cell.parse().map_or(Self::Text(cell), Self::Number)
    }
}

impl Text {
    /// Reads a file: UTF-8, comma-separated, lines of equal width.
    pub fn read(path: &Path, header: Header) -> Result<Self, DataError> {
        let bytes = bytes::read(path)?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut records: Vec<StringRecord> = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|e| DataError::format(path, "CSV", e))? {
            let line = record.position().map_or(0, csv::Position::line);
            let record = StringRecord::from_byte_record(record.clone())
                .map_err(|_| DataError::NotUtf8 { path: path.to_path_buf(), line })?;
            let expected = records.first().map_or(record.len(), StringRecord::len);
            if record.len() != expected {
                return Err(DataError::Ragged {
                    path: path.to_path_buf(),
                    line,
                    expected,
                    got: record.len(),
                });
            }
            records.push(record);
        }
        let total = records.len();
        let names = take_names(&mut records, header);
        let named = records.len() < total;
        if records.is_empty() {
            return Err(DataError::NoExamples {
                path: path.to_path_buf(),
                hint: "the table has no rows".to_string(),
            });
        }
        let text = Self { path: path.to_path_buf(), names, named, records };
        text.check_names()?;
        Ok(text)
    }

    fn check_names(&self) -> Result<(), DataError> {
        let mut seen = std::collections::HashSet::new();
        match self.names.iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(twice) => Err(DataError::Column {
                path: self.path.clone(),
                column: twice.clone(),
                message: "two columns have this name: rename one, or give header=no if the first \
                          line is data"
                    .to_string(),
            }),
        }
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.names.iter().position(|n| n == name).ok_or_else(|| DataError::UnknownColumn {
            path: self.path.clone(),
            column: name.to_string(),
            known: self.names.join(", "),
        })
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        Cell::of(&self.records[row][column])
    }

    /// An error about one cell.
    pub fn cell_error(&self, row: usize, column: usize, message: String) -> DataError {
        DataError::Cell {
            path: self.path.clone(),
            line: self.records[row].position().map_or(0, csv::Position::line),
            column: self.names[column].clone(),
            message,
        }
    }
}

/// Takes the header off, if there is one, and names the columns.
fn take_names(records: &mut Vec<StringRecord>, header: Header) -> Vec<String> {
    let Some(first) = records.first() else {
        return Vec::new();
    };
    let has = match header {
        Header::Yes => true,
        Header::No => false,
        Header::Detect => looks_like_header(first, &records[1..]),
    };
    let name = |(j, cell): (usize, &str)| match cell.trim() {
        "" => format!("column{}", j + 1),
        name => name.to_string(),
    };
    if has {
        let first = records.remove(0);
        first.iter().enumerate().map(name).collect()
    } else {
        (0..first.len()).map(|j| name((j, ""))).collect()
    }
}

/// The rule that [`Header::Detect`] documents.
fn looks_like_header(first: &StringRecord, rest: &[StringRecord]) -> bool {
    let number = |cell: &str| matches!(Cell::of(cell), Cell::Number(_));
    if first.iter().any(number) || first.iter().all(|c| Cell::of(c) == Cell::Missing) {
        return false;
    }
    if rest.iter().any(|record| record.iter().any(number)) {
        return true;
    }
    // All text: names are not repeated below themselves.
    !rest.iter().any(|record| record.iter().zip(first).any(|(a, b)| a.trim() == b.trim()))
}
