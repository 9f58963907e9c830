//! What a data set holds, in numbers.

use serde::Serialize;

use super::Dataset;
use crate::table::ColumnKind;

/// A description of a data set: what `pyrogen data describe` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Number of examples.
    pub examples: usize,
    /// Number of examples of the test part, where the data's makers defined one.
    pub test_examples: Option<usize>,
    /// Shape of one example.
    pub event: Vec<usize>,
    /// Number of discrete values of an element.
    pub levels: Option<usize>,
    /// Smallest value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Mean over all values.
    pub mean: f64,
    /// Examples of each class.
    pub classes: Option<Vec<ClassCount>>,
    /// What each column of a table holds.
    pub columns: Option<Vec<ColumnSummary>>,
    /// [`Dataset::sha256`].
    pub sha256: String,
}

/// How often a class or category occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Its name (its number where it has none).
    pub name: String,
    /// How many examples.
    pub count: usize,
}

/// What one column of a table holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// The column's name.
    pub name: String,
    /// `continuous`, `integer` or `categorical`.
    pub kind: &'static str,
    /// Cells without a value in the file.
    pub missing: usize,
    /// Smallest value, of numbers.
    pub min: Option<f32>,
    /// Largest value, of numbers.
    pub max: Option<f32>,
    /// Mean, of numbers.
    pub mean: Option<f64>,
    /// Rows of each category, of categories.
    pub categories: Option<Vec<ClassCount>>,
}

impl Dataset {
    /// Counts, shape, range, rows of each class, and what each column holds.
    pub fn describe(&self) -> Summary {
        let (min, max, mean) = range(self.values.iter().copied());
        Summary {
            examples: self.len(),
            test_examples: self.test_part().map(Dataset::len),
            event: self.layout.event.clone(),
            levels: self.levels(),
            min,
            max,
            mean,
            classes: self.labels.as_ref().map(|labels| {
                let indices = labels.iter().map(|&l| l as usize);
                counts(indices, self.classes().unwrap_or(0), self.class_names())
            }),
            columns: self.column_summaries(),
            sha256: self.sha256(),
        }
    }

    fn column_summaries(&self) -> Option<Vec<ColumnSummary>> {
        let schema = self.schema()?;
        let width = self.width();
        let summary = |(j, column): (usize, &crate::table::Column)| {
            let cells = self.values.iter().copied().skip(j).step_by(width);
            let mut out = ColumnSummary {
                name: column.name.clone(),
                kind: column.kind.name(),
                missing: column.missing,
                min: None,
                max: None,
                mean: None,
                categories: None,
            };
            if let ColumnKind::Categorical { categories } = &column.kind {
                let indices = cells.map(|v| v as usize);
                out.categories = Some(counts(indices, categories.len(), categories));
            } else {
                let (min, max, mean) = range(cells);
                (out.min, out.max, out.mean) = (Some(min), Some(max), Some(mean));
            }
            out
        };
        Some(schema.columns.iter().enumerate().map(summary).collect())
    }
}

fn range(values: impl Iterator<Item = f32>) -> (f32, f32, f64) {
    let (mut min, mut max, mut sum, mut n) = (f32::INFINITY, f32::NEG_INFINITY, 0.0, 0usize);
    for v in values.filter(|v| !v.is_nan()) {
        min = min.min(v);
        max = max.max(v);
        sum += f64::from(v);
        n += 1;
    }
    (min, max, sum / n.max(1) as f64)
}

fn counts(indices: impl Iterator<Item = usize>, k: usize, names: &[String]) -> Vec<ClassCount> {
    let mut count = vec![0; k];
    indices.for_each(|i| count[i] += 1);
    count
        .into_iter()
        .enumerate()
        .map(|(i, count)| ClassCount {
            name: names.get(i).cloned().unwrap_or_else(|| i.to_string()),
            count,
        })
        .collect()
}
