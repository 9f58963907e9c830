//! Modalities whose items are rows of numbers of one width.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::{DataError, Dataset, auto_scale, grid_png_file, picture_folder, write_csv, write_npy};

macro_rules! rows_type {
    ($(#[$doc:meta])* $name:ident, $modality:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            rows: Dataset,
        }

        impl $name {
            /// Items from rows of numbers.
            pub fn from_dataset(rows: Dataset) -> Self {
                Self { rows }
            }

            /// The items as rows of numbers in raw units.
            pub fn dataset(&self) -> Cow<'_, Dataset> {
                Cow::Borrowed(&self.rows)
            }

            /// The items as rows of numbers in raw units.
            pub fn into_dataset(self) -> Dataset {
                self.rows
            }

            /// The class of each item.
            pub fn labels(&self) -> Option<&[u32]> {
                self.rows.labels()
            }

            /// Names of the classes; empty where there are none.
            pub fn class_names(&self) -> &[String] {
                self.rows.class_names()
            }
        }

        impl Items for $name {
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
                hash_rows($modality, &self.rows)
            }

            fn describe(&self) -> Value {
                let summary = self.rows.describe();
                let summary = serde_json::to_value(summary).expect("a summary is plain JSON");
                let mut out = json!({ "modality": $modality.name() });
                if let (Value::Object(out), Value::Object(fields)) = (&mut out, summary) {
                    out.extend(fields);
                    out.insert("sha256".to_string(), self.sha256().into());
                }
                out
            }

            fn write(&self, path: &Path) -> Result<(), DataError> {
                write_rows(path, &self.rows)
            }
        }
    };
}

rows_type!(
    /// Pictures of one size, `[channels, height, width]`.
    Pictures,
    Modality::Pictures
);
rows_type!(
    /// Plain arrays of numbers.
    Points,
    Modality::Points
);

/// The hash of everything that a model can see.
fn hash_rows(modality: Modality, rows: &Dataset) -> String {
    let mut hash = Hasher::new(modality);
    let layout = rows.layout();
    hash.numbers(layout.event.iter().map(|&axis| axis as u64));
    hash.number(layout.levels.map_or(0, |levels| levels as u64));
    hash.floats(rows.values().iter().map(|&v| f64::from(v)));
    hash.labels(rows.labels());
    hash.texts(rows.class_names());
    hash.finish()
}

/// Writes rows by the path's ending: `.png` (a grid), `.csv`, `.npy`, or a folder of pictures.
pub(super) fn write_rows(path: &Path, rows: &Dataset) -> Result<(), DataError> {
    let (layout, event) = (rows.layout(), rows.event_shape());
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let scale = auto_scale(event);
    match ending.as_deref() {
        Some("png") => {
            grid_png_file(path, &layout.to_unit(rows.values()), rows.len(), event, 0, scale)
        }
        Some("csv") => write_csv(path, rows.values(), rows.labels(), layout),
        Some("npy") => {
            let shape: Vec<usize> = [rows.len()].iter().chain(event).copied().collect();
            write_npy(path, rows.values(), &shape)
        }
        None => picture_folder(path, &layout.to_unit(rows.values()), rows.len(), event, scale)
            .map(|_| ()),
        Some(other) => Err(DataError::Output {
            what: "file",
            expected: "named .png, .csv, .npy, or a folder",
            got: format!(".{other}"),
        }),
    }
}
