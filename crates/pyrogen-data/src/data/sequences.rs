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
#[derive(Debug, Clone)]
pub struct Sequences {
    columns: Vec<String>,
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

    fn of(columns: Vec<String>, values: Vec<f64>, lengths: Vec<usize>) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        }));
        Self { columns, values, lengths, starts }
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
        let part =
            |values: &[f64], steps| Self::of(self.columns.clone(), values.to_vec(), vec![steps]);
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
        Self::of(self.columns.clone(), values, rows.iter().map(|&r| self.lengths[r]).collect())
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let columns = parts.first().map(|p| p.columns.clone()).unwrap_or_default();
        if let Some(other) = parts.iter().find(|p| p.columns != columns) {
            let expected = format!("{columns:?} in every part");
            return Err(DataError::part("columns", expected, format!("{:?}", other.columns)));
        }
        let lengths = parts.iter().flat_map(|p| p.lengths.iter().copied()).collect();
        let values = parts.into_iter().flat_map(|p| p.values).collect();
        Ok(Self::of(columns, values, lengths))
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Sequences);
        hash.texts(&self.columns);
        hash.numbers(self.lengths.iter().map(|&l| l as u64));
        hash.floats(self.values.iter().copied());
        hash.finish()
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

impl PartialEq for Sequences {
    /// A missing number is equal to another.
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
            && self.lengths == other.lengths
            && same_numbers(&self.values, &other.values)
    }
}
