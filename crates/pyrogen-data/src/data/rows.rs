//! Items that are rows of numbers of one width.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::dataset::ClassCount;
use crate::raw_rows::RawRows;
use crate::{DataError, Dataset, Layout, auto_scale, grid_png_file, write_csv, write_npy};

/// Plain arrays of numbers: points in a space.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    rows: Dataset,
}

impl Points {
    /// Points from rows of numbers.
    pub fn from_dataset(rows: Dataset) -> Self {
        Self { rows }
    }

    /// The points as rows of numbers.
    pub fn dataset(&self) -> Cow<'_, Dataset> {
        Cow::Borrowed(&self.rows)
    }

    /// The points as rows of numbers.
    pub fn into_dataset(self) -> Dataset {
        self.rows
    }

    /// The class of each point.
    pub fn labels(&self) -> Option<&[u32]> {
        self.rows.labels()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        self.rows.class_names()
    }
}

impl RawRows for Points {
    fn layout(&self) -> &Layout {
        self.rows.layout()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn labels(&self) -> Option<&[u32]> {
        self.rows.labels()
    }

    fn read(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), DataError> {
        self.rows.read(rows, out)
    }

    fn whole(&self) -> Option<&[f32]> {
        self.rows.whole()
    }
}

impl Items for Points {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self { rows: self.rows.subset(rows) }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let parts = parts.into_iter().map(|p| p.rows).collect();
        Ok(Self { rows: Dataset::concat(parts)? })
    }

    fn sha256(&self) -> String {
        let layout = self.rows.layout();
        let mut hash = Hasher::new(Modality::Points);
        hash.numbers(layout.event.iter().map(|&axis| axis as u64));
        hash.number(layout.levels.map_or(0, |levels| levels as u64));
        hash.floats(self.rows.values().iter().map(|&v| f64::from(v)));
        hash.labels(self.rows.labels());
        hash.texts(self.rows.class_names());
        hash.finish()
    }

    fn describe(&self) -> Value {
        let summary = serde_json::to_value(self.rows.describe()).expect("a summary is plain JSON");
        let mut out = json!({ "modality": "points" });
        if let (Value::Object(out), Value::Object(fields)) = (&mut out, summary) {
            out.extend(fields.into_iter().filter(|(name, _)| name != "columns"));
            out.insert("sha256".to_string(), self.sha256().into());
        }
        out
    }

    /// `.npy`, `.csv`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        write_rows(path, &self.rows)
    }
}

/// How many items each class has, as JSON.
pub(super) fn class_counts(labels: &[u32], names: &[String]) -> Value {
    let top = labels.iter().max().map_or(0, |&l| l as usize + 1);
    let mut counts = vec![0usize; names.len().max(top)];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    let class = |(k, count): (usize, usize)| ClassCount {
        name: names.get(k).cloned().unwrap_or_else(|| k.to_string()),
        count,
    };
    let classes: Vec<ClassCount> = counts.into_iter().enumerate().map(class).collect();
    serde_json::to_value(classes).expect("plain JSON")
}

/// Writes rows by the path's ending: `.png` (a grid), `.csv`, `.npy`.
pub(super) fn write_rows(path: &Path, rows: &Dataset) -> Result<(), DataError> {
    let (layout, event) = (rows.layout(), rows.event_shape());
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => {
            let unit = layout.to_unit(rows.values());
            grid_png_file(path, &unit, rows.len(), event, 0, auto_scale(event))
        }
        Some("csv") => write_csv(path, rows.values(), rows.labels(), layout),
        Some("npy") => {
            let shape: Vec<usize> = [rows.len()].iter().chain(event).copied().collect();
            write_npy(path, rows.values(), &shape)
        }
        other => Err(DataError::Output {
            what: "file",
            expected: "named .png or, for pictures, a folder; .csv or .npy",
            got: other.map_or("no ending".to_string(), |ending| format!(".{ending}")),
        }),
    }
}
