//! The cells of a file: rows of equal width under names, with line numbers for messages.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::dialect::Dialect;
use super::header;
use super::options::CsvOptions;
use super::rows::{MAX_COLUMNS, Rows, Wrong};
use super::words::Words;
use crate::DataError;
use crate::read::bytes;

/// The cells of a file.
#[derive(Debug)]
pub(super) struct Text {
    pub path: PathBuf,
    pub names: Vec<String>,
    /// Whether the names come from the file.
    pub named: bool,
    /// What a user should know of how the file was read.
    pub notes: Vec<String>,
    pub delimiter: char,
    rows: Rows,
    words: Words,
}

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Missing,
    /// May be infinite.
    Number(f64),
    Text(&'a str),
}

impl Text {
    /// Reads a file: UTF-8, lines of equal width.
    pub fn read(path: &Path, options: &CsvOptions) -> Result<Self, DataError> {
        let bytes = bytes::read_text(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            DataError::NotUtf8 { path: path.to_path_buf(), line: line_at_end(before) }
        })?;
        let dialect = Dialect::find(text, options.delimiter, options.comment);
        let rows = Rows::split(text, &dialect).map_err(|wrong| wrong_line(path, &wrong))?;
        let mut notes = Vec::new();
        if options.delimiter.is_none() && dialect.delimiter != ',' {
            notes.push(format!("cells are separated by {}", dialect.delimiter_name()));
        }
        if rows.comments > 0 {
            let mark = dialect.comment.unwrap_or('#');
            notes
                .push(format!("{} lines that begin with `{mark}` were passed over", rows.comments));
        }
        let words = Words { given: options.na.clone() };
        let names = header::names(&rows, options.header, &words);
        let named = names.is_some();
        let path = path.to_path_buf();
        if rows.len() == usize::from(named) {
            return Err(DataError::NoExamples { path, hint: "the table has no rows".to_string() });
        }
        let width = rows.width(0);
        let names = names.unwrap_or_else(|| (0..width).map(header::numbered).collect());
        if let Some(row) = (0..rows.len()).find(|&i| rows.width(i) != width) {
            let (line, got) = (rows.line(row), rows.width(row));
            return Err(DataError::Ragged { path, line, expected: width, got });
        }
        let delimiter = dialect.delimiter;
        let text = Self { path, names, named, notes, delimiter, rows, words };
        text.check_names()?;
        Ok(text)
    }

    fn check_names(&self) -> Result<(), DataError> {
        let mut seen = HashSet::new();
        match self.names.iter().find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(twice) => Err(DataError::Column {
                path: self.path.clone(),
                column: one_line(twice),
                message: "two columns have this name: rename one, or give header=no if the first \
                          line is data"
                    .to_string(),
            }),
        }
    }

    /// Number of rows, without the header.
    pub fn len(&self) -> usize {
        self.rows.len() - usize::from(self.named)
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.names.iter().position(|n| n == name).ok_or_else(|| DataError::UnknownColumn {
            path: self.path.clone(),
            column: one_line(name),
            known: one_line(&self.names.join(", ")),
        })
    }

    /// A cell as it is written, without the blanks around it.
    pub fn raw(&self, row: usize, column: usize) -> &str {
        self.rows.cell(row + usize::from(self.named), column)
    }

    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        self.words.is_missing(self.raw(row, column))
    }

    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let cell = self.raw(row, column);
        if self.words.is_missing(cell) {
            return Cell::Missing;
        }
        cell.parse().map_or(Cell::Text(cell), Cell::Number)
    }

    /// The line of the file where a row begins, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.rows.line(row + usize::from(self.named))
    }

    /// An error about one cell.
    pub fn cell_error(&self, row: usize, column: usize, message: String) -> DataError {
        DataError::Cell {
            path: self.path.clone(),
            line: self.line(row),
            column: one_line(&self.names[column]),
            message: one_line(&message),
        }
    }

    /// An error about one column.
    pub fn column_error(&self, column: usize, message: impl Into<String>) -> DataError {
        DataError::Column {
            path: self.path.clone(),
            column: one_line(&self.names[column]),
            message: one_line(&message.into()),
        }
    }
}

/// Text for a message, which is one line that can be read.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut out: String = text.chars().take(LONGEST).collect();
    if out.len() < text.len() {
        out.push_str("...");
    }
    out.replace(['\n', '\r'], " ")
}

/// The line on which text ends, as editors count: `\n`, `\r\n` and `\r` end lines.
fn line_at_end(text: &[u8]) -> u64 {
    let ends = text
        .iter()
        .enumerate()
        .filter(|&(i, &b)| b == b'\n' || (b == b'\r' && text.get(i + 1) != Some(&b'\n')));
    1 + ends.count() as u64
}

fn wrong_line(path: &Path, wrong: &Wrong) -> DataError {
    let message = match wrong {
        Wrong::Quote(line) => format!("line {line}: a quote is opened and never closed"),
        Wrong::Columns(line) => {
            format!("line {line} has more than {MAX_COLUMNS} cells, which is the limit")
        }
    };
    DataError::format(path, "CSV", message)
}
