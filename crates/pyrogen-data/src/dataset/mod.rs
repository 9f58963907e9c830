//! [`Dataset`]: examples on the host, of any kind.

mod conform;
mod layout;
mod summary;

use sha2::{Digest, Sha256};

pub(crate) use layout::USUAL_RANGES;
pub use layout::{LabelColumn, Layout};
pub use summary::{ClassCount, ColumnSummary, Summary};

use crate::DataError;
use crate::table::{ColumnKind, TableSchema};

/// More classes than any data set has: a larger label is a mistake in a file.
const MAX_CLASSES: u32 = 1 << 20;

/// Examples on the host: one type for pictures, tables and arrays.
///
/// Values are raw (as in the files), finite, f32, row-major: example `i` is
/// `values[i * width..(i + 1) * width]`. In a table a value is as its
/// [`Column`](crate::Column) stores it, and NaN where a number is missing. A
/// [`Preparation`](crate::Preparation) makes of them what a model sees.
///
/// ```
/// use pyrogen_data::Dataset;
///
/// // Four examples of two columns with labels.
/// let values = vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
/// let data = Dataset::from_parts(values, vec![2], Some(vec![0, 1, 1, 0]))?;
/// assert_eq!((data.len(), data.classes()), (4, Some(2)));
/// assert_eq!(data.subset(&[3, 0]).values(), [0.7, 0.8, 0.1, 0.2]);
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    values: Vec<f32>,
    layout: Layout,
    labels: Option<Vec<u32>>,
    test: Option<Box<Dataset>>,
}

impl Dataset {
    /// A data set of your own values, row-major, `event` being the shape of one example.
    ///
    /// # Errors
    /// No example, a number of values that is not a multiple of the event's, a value that is not
    /// finite, or another number of labels than examples.
    pub fn from_parts(
        values: Vec<f32>,
        event: Vec<usize>,
        labels: Option<Vec<u32>>,
    ) -> Result<Self, DataError> {
        let width = event.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        let Some(width) = width.filter(|&w| w > 0 && !event.is_empty()) else {
            return Err(DataError::part(
                "event",
                "a shape of one element or more",
                format!("{event:?}"),
            ));
        };
        if values.is_empty() || !values.len().is_multiple_of(width) {
            return Err(DataError::part(
                "values",
                format!("one or more examples of {width} values"),
                format!("{} values", values.len()),
            ));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(DataError::part(
                "values",
                "finite numbers",
                format!("{} in example {}", values[i], i / width),
            ));
        }
        let rows = values.len() / width;
        check_labels(labels.as_deref(), rows)?;
        Ok(Self { values, layout: Layout { event, ..Layout::default() }, labels, test: None })
    }

    /// Rows with the meaning that a layout gives them, as a model makes them: a value may lie between
    /// two levels.
    ///
    /// # Errors
    /// As [`from_parts`](Self::from_parts); of a table as [`table`](Self::table).
    pub fn from_rows(
        values: Vec<f32>,
        labels: Option<Vec<u32>>,
        layout: Layout,
    ) -> Result<Self, DataError> {
        let rows = match layout.schema.clone() {
            Some(schema) => Self::table(values, schema, labels)?,
            None => Self::from_parts(values, layout.event.clone(), labels)?,
        };
        Ok(Self { layout, ..rows })
    }

    /// States that every value is an integer in `0..levels`.
    ///
    /// # Errors
    /// A value that is not, or fewer than two levels.
    pub fn with_levels(mut self, levels: usize) -> Result<Self, DataError> {
        if levels < 2 {
            return Err(DataError::part("levels", "2 or more", levels));
        }
        let wrong = |v: &&f32| v.fract() != 0.0 || **v < 0.0 || **v as usize >= levels;
        if let Some(v) = self.values.iter().find(wrong) {
            let expected = format!("integers from 0 to {}", levels - 1);
            return Err(DataError::part("values", expected, v));
        }
        self.layout.levels = Some(levels);
        Ok(self)
    }

    /// States the raw values of black and white, for pictures without levels.
    ///
    /// # Errors
    /// Values that are not finite, or equal.
    pub fn with_range(mut self, black: f32, white: f32) -> Result<Self, DataError> {
        if !(white - black).is_normal() || !black.is_finite() {
            let got = format!("{black} and {white}");
            return Err(DataError::part("range", "two finite numbers that differ", got));
        }
        self.layout.range = Some([black, white]);
        Ok(self)
    }

    /// Names the classes, label 0 first.
    ///
    /// # Errors
    /// Fewer names than the labels need, or no labels.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self, DataError> {
        match self.labels.as_ref().and_then(|l| l.iter().max()) {
            Some(&top) if (top as usize) < names.len() => {}
            Some(top) => {
                let expected = format!("{} names or more", *top as usize + 1);
                return Err(DataError::part("class_names", expected, names.len()));
            }
            None => {
                return Err(DataError::part(
                    "class_names",
                    "left out for data without labels",
                    format!("{} names", names.len()),
                ));
            }
        }
        self.layout.class_names = names;
        Ok(self)
    }

    /// A table of your own values, row-major, as the columns store them: NaN is a missing number,
    /// where a column says that its cells may be missing.
    ///
    /// # Errors
    /// As [`from_parts`](Self::from_parts) and [`with_schema`](Self::with_schema).
    pub fn table(
        values: Vec<f32>,
        schema: TableSchema,
        labels: Option<Vec<u32>>,
    ) -> Result<Self, DataError> {
        let width = schema.columns.len();
        let blank = |(i, v): (usize, &f32)| {
            let column = &schema.columns[i % width];
            v.is_nan() && column.may_be_missing() && column.kind.categories().is_none()
        };
        let filled = values.iter().enumerate().map(|(i, v)| if blank((i, v)) { 0.0 } else { *v });
        let filled = if width == 0 { Vec::new() } else { filled.collect() };
        let mut out = Self::from_parts(filled, vec![width], labels)?.with_schema(schema)?;
        out.values = values;
        Ok(out)
    }

    /// Rows that are known to fit their layout.
    pub(crate) fn of_rows(values: Vec<f32>, layout: Layout, labels: Option<Vec<u32>>) -> Self {
        Self { values, layout, labels, test: None }
    }

    /// Names the columns of a table and says what each holds.
    ///
    /// # Errors
    /// Another number of columns than an example has, or a value of a categorical column that is
    /// not the number of one of its categories.
    pub fn with_schema(mut self, schema: TableSchema) -> Result<Self, DataError> {
        if self.layout.event != [schema.columns.len()] {
            return Err(DataError::part(
                "schema",
                format!("for examples of shape {:?}", self.layout.event),
                format!("{} columns", schema.columns.len()),
            ));
        }
        for (j, column) in schema.columns.iter().enumerate() {
            let ColumnKind::Categorical { categories } = &column.kind else {
                continue;
            };
            let mut cells = self.values.iter().skip(j).step_by(schema.columns.len());
            let wrong =
                |v: &&f32| v.fract() != 0.0 || **v < 0.0 || **v as usize >= categories.len();
            if let Some(v) = cells.find(wrong) {
                return Err(DataError::part(
                    "values",
                    format!(
                        "a category of column `{}` (0 to {})",
                        column.name,
                        categories.len().saturating_sub(1)
                    ),
                    v,
                ));
            }
        }
        self.layout.schema = Some(schema);
        Ok(self)
    }

    /// Attaches a test part that the data's makers defined; [`split`](Self::split) then uses it.
    ///
    /// # Errors
    /// A test part of another layout, or with labels where these have none.
    pub fn with_test_part(mut self, test: Dataset) -> Result<Self, DataError> {
        if test.layout != self.layout || test.labels.is_some() != self.labels.is_some() {
            return Err(DataError::part(
                "test part",
                format!("of the same kind as the training part, {:?}", self.layout.event),
                format!("{:?}", test.layout.event),
            ));
        }
        self.test = Some(Box::new(test));
        Ok(self)
    }

    /// Number of examples (without the test part).
    pub fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    /// Whether there are no examples: never, since the constructors refuse it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Elements of one example.
    pub fn width(&self) -> usize {
        self.layout.width()
    }

    /// Shape of one example.
    pub fn event_shape(&self) -> &[usize] {
        &self.layout.event
    }

    /// Number of discrete values of an element, where the data is discrete.
    pub fn levels(&self) -> Option<usize> {
        self.layout.levels
    }

    /// Names and kinds of the columns, for a table.
    pub fn schema(&self) -> Option<&TableSchema> {
        self.layout.schema.as_ref()
    }

    /// What the raw values mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of classes; `None` without labels.
    pub fn classes(&self) -> Option<usize> {
        let top = self.labels.as_ref()?.iter().max().map_or(0, |&l| l as usize + 1);
        Some(top.max(self.layout.class_names.len()))
    }

    /// The class of each example.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        &self.layout.class_names
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values of one example.
    ///
    /// # Panics
    /// If `row` is out of range.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.width();
        &self.values[row * width..(row + 1) * width]
    }

    /// The test part that the data's makers defined.
    pub fn test_part(&self) -> Option<&Dataset> {
        self.test.as_deref()
    }

    pub(crate) fn drop_test_part(&mut self) {
        self.test = None;
    }

    pub(crate) fn take_test_part(&mut self) -> Option<Dataset> {
        self.test.take().map(|test| *test)
    }

    /// The examples `rows`, in that order, without a test part.
    ///
    /// # Panics
    /// If `rows` is empty or a row is out of range.
    pub fn subset(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "Dataset::subset: no rows");
        let mut values = Vec::with_capacity(rows.len() * self.width());
        for &row in rows {
            assert!(row < self.len(), "Dataset::subset: row {row} of {} examples", self.len());
            values.extend_from_slice(self.row(row));
        }
        Self {
            values,
            layout: self.layout.clone(),
            labels: self.labels.as_ref().map(|l| rows.iter().map(|&r| l[r]).collect()),
            test: None,
        }
    }

    /// The examples of several parts of one layout, one after the other, without test parts.
    ///
    /// # Errors
    /// No part, or parts of different layouts, or some with labels and some without.
    pub fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        all.test = None;
        for part in parts {
            if part.layout != all.layout || part.labels.is_some() != all.labels.is_some() {
                return Err(DataError::part(
                    "parts",
                    format!("of one layout, {:?}", all.layout.event),
                    format!("{:?}", part.layout.event),
                ));
            }
            all.values.extend(part.values);
            if let (Some(all), Some(labels)) = (&mut all.labels, part.labels) {
                all.extend(labels);
            }
        }
        Ok(all)
    }

    /// The same data without labels.
    pub fn without_labels(mut self) -> Self {
        self.labels = None;
        self.layout.class_names.clear();
        self.layout.label = None;
        self.test = self.test.map(|t| Box::new(t.without_labels()));
        self
    }

    /// SHA-256 over shape, values and labels (not the test part), in hexadecimal.
    ///
    /// The bytes hashed: the text `pyrogen data v1`, then as little-endian u64 the rank of the
    /// event, its axes and the number of examples, then the values as little-endian f32, then a
    /// byte 1 and the labels as little-endian u32, or a byte 0.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"pyrogen data v1");
        let sizes = [self.layout.event.len()]
            .into_iter()
            .chain(self.layout.event.iter().copied())
            .chain([self.len()]);
        for size in sizes {
            hash.update((size as u64).to_le_bytes());
        }
        for chunk in self.values.chunks(4096) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|v| v.to_le_bytes()).collect();
            hash.update(&bytes);
        }
        hash.update([u8::from(self.labels.is_some())]);
        for label in self.labels.iter().flatten() {
            hash.update(label.to_le_bytes());
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Checks that there is a label an example, and that none is too large.
pub(crate) fn check_labels(labels: Option<&[u32]>, rows: usize) -> Result<(), DataError> {
    let Some(labels) = labels else { return Ok(()) };
    if labels.len() != rows {
        let expected = format!("one an example ({rows})");
        return Err(DataError::part("labels", expected, labels.len()));
    }
    match labels.iter().find(|&&l| l >= MAX_CLASSES) {
        None => Ok(()),
        Some(label) => Err(DataError::part("labels", format!("below {MAX_CLASSES}"), label)),
    }
}

#[cfg(test)]
mod tests;
