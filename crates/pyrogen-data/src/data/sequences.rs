//! Sequences of different lengths.

use std::ops::Range;
use std::path::Path;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Items;
use crate::DataError;

/// Sequences of different lengths: each step has the same named numbers, and NaN is a missing one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sequences {
    columns: Vec<String>,
    /// All steps of all sequences, row-major.
    values: Vec<f64>,
    lengths: Vec<usize>,
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
        Ok(Self { columns, values, lengths })
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

    fn range(&self, i: usize) -> Range<usize> {
        let width = self.columns.len();
        let start: usize = self.lengths[..i].iter().sum();
        start * width..(start + self.lengths[i]) * width
    }
}

impl Items for Sequences {
    fn len(&self) -> usize {
        self.lengths.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            columns: self.columns.clone(),
            values: rows.iter().flat_map(|&r| self.sequence(r).to_vec()).collect(),
            lengths: rows.iter().map(|&r| self.lengths[r]).collect(),
        }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let columns = parts.first().map(|p| p.columns.clone()).unwrap_or_default();
        if let Some(other) = parts.iter().find(|p| p.columns != columns) {
            let expected = format!("{columns:?} in every part");
            return Err(DataError::part("columns", expected, format!("{:?}", other.columns)));
        }
        let values = parts.iter().flat_map(|p| p.values.clone()).collect();
        let lengths = parts.iter().flat_map(|p| p.lengths.clone()).collect();
        Ok(Self { columns, values, lengths })
    }

    fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"pyrogen sequences v1");
        for name in &self.columns {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
        }
        self.lengths.iter().for_each(|l| hash.update((*l as u64).to_le_bytes()));
        self.values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn describe(&self) -> Value {
        json!({
            "modality": "sequences",
            "examples": self.len(),
            "steps": self.lengths.iter().sum::<usize>(),
            "columns": self.columns,
            "sha256": self.sha256(),
        })
    }

    /// `.csv`: a row a step, with the sequence's number in the column `id`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let mut out = csv::Writer::from_writer(Vec::new());
        let names = ["id"].into_iter().chain(self.columns.iter().map(String::as_str));
        let mut written = out.write_record(names);
        for i in 0..self.len() {
            for step in self.sequence(i).chunks_exact(self.columns.len()) {
                let cell = |v: &f64| if v.is_nan() { String::new() } else { v.to_string() };
                let cells = [i.to_string()].into_iter().chain(step.iter().map(cell));
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
