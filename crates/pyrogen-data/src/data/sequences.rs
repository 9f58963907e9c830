//! Sequences of different lengths.

use std::ops::Range;
use std::path::Path;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::cells::same_numbers;
use super::hash::Hasher;
use super::{Items, Modality};
use crate::DataError;

/// Sequences of different lengths: each step has the same named numbers, and NaN is a missing one.
///
/// A column may hold symbols, such as words: its numbers are then places in a list of their names
/// ([`symbols`](Self::symbols)).
#[derive(Debug, Clone)]
pub struct Sequences {
    columns: Vec<String>,
    /// The names of the symbols of each column; none for a column of numbers.
    symbols: Vec<Option<Vec<String>>>,
    /// All steps of all sequences, row-major.
    values: Vec<f64>,
    lengths: Vec<usize>,
    /// The first step of each sequence, and the number of all steps.
    starts: Vec<usize>,
}

impl Sequences {
    /// Sequences of steps, row-major, one after the other.
    ///
    /// # Errors
    /// No columns, or another number of values than the lengths need.
    pub fn new(
        columns: Vec<String>,
        values: Vec<f64>,
        lengths: Vec<usize>,
    ) -> Result<Self, DataError> {
        let steps: usize = lengths.iter().sum();
        if columns.is_empty() || values.len() != steps * columns.len() {
            return Err(DataError::part(
                "values",
                format!("{steps} steps of {} columns", columns.len()),
                values.len(),
            ));
        }
        Ok(Self::of(columns, values, lengths))
    }

    /// The same sequences with a column of symbols: each of its numbers is a place in the list of names.
    ///
    /// # Errors
    /// A column that is not there, or a number that is no place in the list.
    ///
    /// # Examples
    /// ```
    /// use pyrogen_data::Sequences;
    ///
    /// let dance = Sequences::new(vec!["step".into()], vec![1.0, 0.0, f64::NAN], vec![3])?;
    /// let dance = dance.with_symbols(0, vec!["back".into(), "forth".into()])?;
    /// assert_eq!(dance.cell(0, 0, 0), "forth");
    /// assert_eq!(dance.cell(0, 2, 0), "");
    /// # Ok::<(), pyrogen_data::DataError>(())
    /// ```
    pub fn with_symbols(mut self, column: usize, names: Vec<String>) -> Result<Self, DataError> {
        let width = self.columns.len();
        if column >= width {
            return Err(DataError::part("column", format!("below {width}"), column));
        }
        let place = |v: f64| v.is_nan() || (v.fract() == 0.0 && v >= 0.0 && v < names.len() as f64);
        let mut cells = self.values.iter().skip(column).step_by(width);
        if let Some(v) = cells.find(|&&v| !place(v)) {
            let expected = format!("whole numbers below {} in a column of symbols", names.len());
            return Err(DataError::part("values", expected, v));
        }
        self.symbols[column] = Some(names);
        Ok(self)
    }

    /// The names of the symbols of a column; none for a column of numbers.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn symbols(&self, column: usize) -> Option<&[String]> {
        self.symbols[column].as_deref()
    }

    /// A number or a symbol as it is written in a file; empty where it is missing.
    ///
    /// # Panics
    /// If `sequence`, `step` or `column` is out of range.
    pub fn cell(&self, sequence: usize, step: usize, column: usize) -> String {
        let width = self.columns.len();
        assert!(column < width, "Sequences: column {column} of {width}");
        let value = self.sequence(sequence)[step * width + column];
        match &self.symbols[column] {
            _ if value.is_nan() => String::new(),
            Some(names) => names[value as usize].clone(),
            None => value.to_string(),
        }
    }

    /// The same columns with other steps.
    fn like(&self, values: Vec<f64>, lengths: Vec<usize>) -> Self {
        let symbols = self.symbols.clone();
        Self { symbols, ..Self::of(self.columns.clone(), values, lengths) }
    }

    fn of(columns: Vec<String>, values: Vec<f64>, lengths: Vec<usize>) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        }));
        let symbols = vec![None; columns.len()];
        Self { columns, symbols, values, lengths, starts }
    }

    /// Names of the numbers of a step.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Steps of each sequence.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The steps of sequence `i`, row-major.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn sequence(&self, i: usize) -> &[f64] {
        &self.values[self.range(i)]
    }

    /// The first steps and the last, the share `share` of all, of a single sequence; none where a
    /// part would be empty.
    pub(crate) fn cut(&self, share: f64) -> Option<(Self, Self)> {
        let steps = *self.lengths.first()?;
        let last = (steps as f64 * share).round() as usize;
        let first = steps.checked_sub(last).filter(|&first| first > 0 && last > 0)?;
        let part = |values: &[f64], steps| self.like(values.to_vec(), vec![steps]);
        let (kept, held) = self.values.split_at(first * self.columns.len());
        Some((part(kept, first), part(held, last)))
    }

    fn range(&self, i: usize) -> Range<usize> {
        let width = self.columns.len();
        self.starts[i] * width..self.starts[i + 1] * width
    }
}

impl Items for Sequences {
    fn len(&self) -> usize {
        self.lengths.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&r| self.sequence(r).iter().copied()).collect();
        self.like(values, rows.iter().map(|&r| self.lengths[r]).collect())
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let first = parts.first().map(|p| (p.columns.clone(), p.symbols.clone()));
        let (columns, symbols) = first.unwrap_or_default();
        if let Some(other) = parts.iter().find(|p| p.columns != columns) {
            let expected = format!("{columns:?} in every part");
            return Err(DataError::part("columns", expected, format!("{:?}", other.columns)));
        }
        if parts.iter().any(|p| p.symbols != symbols) {
            return Err(DataError::part("symbols", "the same in every part", "others"));
        }
        let lengths = parts.iter().flat_map(|p| p.lengths.iter().copied()).collect();
        let values = parts.into_iter().flat_map(|p| p.values).collect();
        Ok(Self { symbols, ..Self::of(columns, values, lengths) })
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Sequences);
        hash.texts(&self.columns);
        hash.numbers(self.lengths.iter().map(|&l| l as u64));
        hash.floats(self.values.iter().copied());
        for (name, symbols) in self.columns.iter().zip(&self.symbols) {
            if let Some(symbols) = symbols {
                hash.text(name);
                hash.texts(symbols);
            }
        }
        hash.finish()
    }

    fn describe(&self) -> Value {
        let mut out = json!({
            "modality": "sequences",
            "examples": self.len(),
            "steps": self.lengths.iter().sum::<usize>(),
            "columns": self.columns,
            "sha256": self.sha256(),
        });
        let named = self.columns.iter().zip(&self.symbols);
        let counts = named.filter_map(|(c, s)| Some((c.clone(), s.as_ref()?.len().into())));
        let counts: serde_json::Map<String, Value> = counts.collect();
        if !counts.is_empty() {
            out["symbols"] = counts.into();
        }
        out
    }

    /// `.csv`: a row a step, with the sequence's number in the column `id`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let names = ["id"].into_iter().chain(self.columns.iter().map(String::as_str));
        let mut written = out.write_record(names);
        for i in 0..self.len() {
            for step in 0..self.lengths[i] {
                let cells = (0..self.columns.len()).map(|j| self.cell(i, step, j));
                let cells = [i.to_string()].into_iter().chain(cells);
                written = written.and_then(|()| out.write_record(cells));
            }
        }
        written.map_err(|e| DataError::io(path, "write")(e.into()))?;
        let bytes = out.into_inner().map_err(|e| {
            DataError::io(path, "write")(std::io::Error::new(e.error().kind(), e.to_string()))
        })?;
        Ok(write_file(path, &bytes)?)
    }
}

impl PartialEq for Sequences {
    /// A missing number is equal to another.
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
            && self.symbols == other.symbols
            && self.lengths == other.lengths
            && same_numbers(&self.values, &other.values)
    }
}
