//! A table of steps: cells that are numbers or missing, and columns that say where they belong.

use std::cmp::Ordering;
use std::path::Path;

use super::CsvOptions;
use super::infer;
use super::text::{Cell, Text};
use crate::DataError;

/// A CSV file whose cells are read one by one.
pub(crate) struct StepTable {
    text: Text,
}

impl StepTable {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Ok(Self { text: Text::read(path, &CsvOptions::default())? })
    }

    /// Reads a list of edges: cells may be separated by blanks, and the names of nodes are no header.
    pub fn read_edges(path: &Path) -> Result<Self, DataError> {
        let found = Text::read(path, &CsvOptions::default())?;
        if found.names.len() > 1 {
            return Ok(Self { text: found });
        }
        let options = CsvOptions { delimiter: Some(' '), ..CsvOptions::default() };
        Ok(Self { text: Text::read(path, &options)? })
    }

    /// An error that says that a name is missing.
    pub fn missing(&self, row: usize, column: usize) -> DataError {
        self.refuse(row, column, "the name is missing")
    }

    /// An error that says what is wrong with a cell.
    pub fn refuse(&self, row: usize, column: usize, message: &str) -> DataError {
        self.text.cell_error(row, column, message.to_string())
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.text.names
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.text.column(name)
    }

    /// A cell as it is written.
    pub fn text(&self, row: usize, column: usize) -> &str {
        self.text.raw(row, column)
    }

    /// The words of a column, sorted; none for a column of numbers: one where no fewer cells are numbers
    /// than texts.
    ///
    /// # Errors
    /// Too many different words.
    pub fn words(&self, column: usize) -> Result<Option<Vec<String>>, DataError> {
        let (mut numbers, mut texts) = (0usize, 0usize);
        for row in 0..self.len() {
            match self.text.cell(row, column) {
                Cell::Missing => {}
                Cell::Number(_) => numbers += 1,
                Cell::Text(_) => texts += 1,
            }
        }
        if numbers >= texts {
            return Ok(None);
        }
        let rows: Vec<usize> = (0..self.len()).collect();
        infer::categories(&self.text, column, &rows).map(Some)
    }

    /// Whether a cell is missing.
    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        self.text.is_missing(row, column)
    }

    /// A cell as a number, NaN where it is missing.
    pub fn number(&self, row: usize, column: usize) -> Result<f64, DataError> {
        let message = match self.text.cell(row, column) {
            Cell::Missing => return Ok(f64::NAN),
            Cell::Number(v) if v.is_finite() => return Ok(v),
            Cell::Number(_) => format!("`{}` is not a finite number", self.text(row, column)),
            Cell::Text(t) => {
                format!("`{t}` is not a number, as most cells of the column are")
            }
        };
        Err(self.text.cell_error(row, column, message))
    }

    /// How rows are ordered by a column: as numbers where all of its cells are, else as text (dates
    /// that begin with the year are in order then).
    pub fn order_of(
        &self,
        column: usize,
    ) -> Result<impl Fn(usize, usize) -> Ordering + '_, DataError> {
        let mut numbers = Vec::with_capacity(self.len());
        let mut all = true;
        for row in 0..self.len() {
            match self.text.cell(row, column) {
                Cell::Missing => {
                    let message = "the time is missing: fill it in or remove the row".to_string();
                    return Err(self.text.cell_error(row, column, message));
                }
                Cell::Number(v) => numbers.push(v),
                Cell::Text(_) => all = false,
            }
        }
        Ok(move |a: usize, b: usize| match all {
            true => f64::total_cmp(&numbers[a], &numbers[b]),
            false => self.text(a, column).cmp(self.text(b, column)),
        })
    }
}
