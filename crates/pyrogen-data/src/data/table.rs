//! Tables.

mod items;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::hash::Hasher;
use super::rows::{class_counts, write_rows};
use super::{Cells, Items, Modality};
use crate::dataset::{ClassCount, LabelColumn};
use crate::raw_rows::RawRows;
use crate::table::write::write_cells;
use crate::{Column, ColumnKind, DataError, Dataset, Layout, TableSchema};

/// Rows of named columns, as they were read: whole numbers are exact, real ones f64, cells may be
/// missing.
///
/// [`dataset`](Self::dataset) gives the rows of f32 that models of tensors see.
#[derive(Debug, Clone)]
pub struct Table {
    layout: Layout,
    /// The cells of each column, which parts share.
    cells: Arc<Vec<Cells>>,
    /// Which rows of the cells these are, where they are not all of them in order.
    index: Option<Arc<[u32]>>,
    labels: Option<Vec<u32>>,
    rows: usize,
    /// Columns that are not learnt from.
    aside: Vec<Aside>,
    /// How often training should draw each row, up to a factor.
    weights: Option<Vec<f64>>,
}

/// A column that no model sees: it says which rows belong together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aside {
    name: String,
    keys: Vec<u32>,
}

impl Aside {
    pub fn new<'a>(name: &str, cells: impl Iterator<Item = &'a str>) -> Self {
        let mut seen: HashMap<&str, u32> = HashMap::new();
        let key = |cell| {
            let next = seen.len() as u32;
            *seen.entry(cell).or_insert(next)
        };
        Self { name: name.to_string(), keys: cells.map(key).collect() }
    }
}

impl Table {
    /// Parts that fit each other.
    pub(crate) fn of_parts(
        layout: Layout,
        cells: Vec<Cells>,
        labels: Option<Vec<u32>>,
        aside: Vec<Aside>,
    ) -> Self {
        let rows = cells.first().map_or(0, Cells::len);
        let cells = Arc::new(cells);
        Self { layout, cells, index: None, labels, rows, aside, weights: None }
    }

    /// The same table with how often training should draw each row, up to a factor.
    ///
    /// # Errors
    /// Another number of weights than rows, or one that is negative or not finite.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self, DataError> {
        if weights.len() != self.rows {
            let expected = format!("one a row ({})", self.rows);
            return Err(DataError::part("weights", expected, weights.len()));
        }
        if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            let got = format!("{} at row {i}", weights[i]);
            return Err(DataError::part("weights", "finite numbers, 0 or more", got));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// How often training should draw each row, up to a factor.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// A table from rows of numbers, such as samples of a model: whole numbers are rounded, real ones
    /// to the places of their column, categories to the nearest.
    pub fn from_dataset(rows: Dataset) -> Self {
        let mut layout = rows.layout().clone();
        let width = layout.width();
        let schema = layout.schema.get_or_insert_with(|| {
            let column = |j| Column::new(format!("x{j}"), ColumnKind::Continuous);
            TableSchema { columns: (0..width).map(column).collect() }
        });
        let stored = |j: usize| rows.values().iter().skip(j).step_by(width).copied();
        let cells = |(j, column): (usize, &Column)| match column.kind {
            ColumnKind::Continuous => Cells::Numbers(stored(j).map(|v| column.number(v)).collect()),
            ColumnKind::Categorical { .. } => {
                Cells::Categories(stored(j).map(|v| column.code(v)).collect())
            }
            _ => {
                let whole = |v: f64| if v.is_nan() { Cells::MISSING } else { v as i64 };
                Cells::Integers(stored(j).map(|v| whole(column.number(v))).collect())
            }
        };
        let cells = schema.columns.iter().enumerate().map(cells).collect();
        Self::of_parts(layout, cells, rows.labels().map(<[u32]>::to_vec), Vec::new())
    }

    /// The rows as f32, each as its [`Column`] stores it.
    pub fn dataset(&self) -> Cow<'_, Dataset> {
        Cow::Owned(self.to_dataset().expect("a table is in memory"))
    }

    /// The place of a row in the cells.
    fn place(&self, row: usize) -> usize {
        assert!(row < self.rows, "Table: row {row} of {}", self.rows);
        self.index.as_ref().map_or(row, |index| index[row] as usize)
    }

    /// The stored values of a column at some places of its cells.
    fn stored(&self, j: usize, places: impl Iterator<Item = usize>, mut put: impl FnMut(f32)) {
        let column = &self.columns()[j];
        match &self.cells[j] {
            Cells::Categories(codes) => places.for_each(|place| put(codes[place] as f32)),
            cells => places.for_each(|place| put(column.stored(cells.number(place)))),
        }
    }

    /// The rows as f32, each as its [`Column`] stores it.
    pub fn into_dataset(self) -> Dataset {
        self.dataset().into_owned()
    }

    /// What the columns hold.
    pub fn columns(&self) -> &[Column] {
        self.layout.schema.as_ref().map_or(&[], |schema| &schema.columns)
    }

    /// The cells of a column.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn cells(&self, column: usize) -> Cow<'_, Cells> {
        let cells = &self.cells[column];
        match &self.index {
            None => Cow::Borrowed(cells),
            Some(index) => Cow::Owned(cells.select(index.iter().map(|&place| place as usize))),
        }
    }

    /// A cell as a number: NaN where it is missing, the place of a category.
    ///
    /// # Panics
    /// If `row` or `column` is out of range.
    pub fn number(&self, row: usize, column: usize) -> f64 {
        self.cells[column].number(self.place(row))
    }

    /// Whether a cell is missing.
    ///
    /// # Panics
    /// If `row` or `column` is out of range.
    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        let place = self.place(row);
        match &self.cells[column] {
            Cells::Categories(codes) => {
                codes[place] as usize >= self.columns()[column].known_categories()
            }
            cells => cells.number(place).is_nan(),
        }
    }

    /// A cell as it is written in a file.
    ///
    /// # Panics
    /// If `row` or `column` is out of range.
    pub fn text(&self, row: usize, column: usize) -> String {
        let (about, row) = (&self.columns()[column], self.place(row));
        match (&self.cells[column], &about.kind) {
            (Cells::Categories(codes), ColumnKind::Categorical { categories }) => {
                categories.get(codes[row] as usize).cloned().unwrap_or_default()
            }
            (Cells::Integers(v), kind) if v[row] != Cells::MISSING => match kind {
                ColumnKind::Moment { format } => format.print(v[row]),
                _ if about.format.as_ref().is_none_or(|f| f.is_plain()) => v[row].to_string(),
                _ => about.number_cell(v[row] as f64),
            },
            (cells, _) => about.number_cell(cells.number(row)),
        }
    }

    /// What the rows mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The class of each row.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        &self.layout.class_names
    }

    /// Names of the columns, in order.
    pub fn column_names(&self) -> Vec<String> {
        self.columns().iter().map(|c| c.name.clone()).collect()
    }

    /// A number for each row that is equal where rows are equal in a column, which may be one that no
    /// model sees; none for a column that the table does not have.
    pub(crate) fn group_keys(&self, column: &str) -> Option<Vec<u64>> {
        if let Some(aside) = self.aside.iter().find(|aside| aside.name == column) {
            return Some(aside.keys.iter().map(|&k| u64::from(k)).collect());
        }
        let place = self.columns().iter().position(|c| c.name == column)?;
        let cells = self.cells(place);
        Some(
            (0..self.rows)
                .map(|row| match &*cells {
                    Cells::Integers(v) => v[row] as u64,
                    cells => (cells.number(row) + 0.0).to_bits(),
                })
                .collect(),
        )
    }

    /// Names of the columns that rows can be grouped by.
    pub(crate) fn group_names(&self) -> Vec<String> {
        let aside = self.aside.iter().map(|aside| aside.name.clone());
        self.column_names().into_iter().chain(aside).collect()
    }

    fn describe_column(&self, j: usize) -> Value {
        let column = &self.columns()[j];
        let cells = self.cells(j);
        let missing = match &*cells {
            Cells::Categories(codes) => {
                let known = column.known_categories();
                codes.iter().filter(|code| **code as usize >= known).count()
            }
            cells => (0..self.rows).filter(|&row| cells.number(row).is_nan()).count(),
        };
        let mut out =
            json!({ "name": column.name, "kind": column.kind.name(), "missing": missing });
        if let (Cells::Categories(codes), Some(names)) = (&*cells, column.kind.categories()) {
            let mut counts = vec![0; names.len()];
            codes.iter().for_each(|&code| counts[code as usize] += 1);
            let count = |(name, count): (&String, usize)| ClassCount { name: name.clone(), count };
            let counts: Vec<ClassCount> = names.iter().zip(counts).map(count).collect();
            out["categories"] = serde_json::to_value(counts).expect("plain JSON");
            return out;
        }
        let (mut min, mut max, mut sum, mut count) = (None::<f64>, None::<f64>, 0.0, 0usize);
        for v in (0..self.rows).map(|row| cells.number(row)).filter(|v| !v.is_nan()) {
            min = Some(min.map_or(v, |least| least.min(v)));
            max = Some(max.map_or(v, |most| most.max(v)));
            (sum, count) = (sum + v, count + 1);
        }
        if let (Some(min), Some(max)) = (min, max) {
            let mean = sum / count as f64;
            if let ColumnKind::Moment { format } = &column.kind {
                let text = |v: f64| Value::from(format.print(v.round() as i64));
                (out["min"], out["max"], out["mean"]) = (text(min), text(max), text(mean));
            } else {
                (out["min"], out["max"], out["mean"]) = (min.into(), max.into(), mean.into());
            }
        }
        out
    }
}

/// A part of fewer rows than this share of all has cells of its own.
const SMALL: usize = 16;

/// Rows are equal, wherever their cells are.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
            && self.layout == other.layout
            && self.labels == other.labels
            && self.aside == other.aside
            && self.weights == other.weights
            && (0..self.cells.len()).all(|j| self.cells(j) == other.cells(j))
    }
}
