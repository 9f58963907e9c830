//! Rows back into CSV text, in the units and categories of the data.

use std::io::Write;
use std::path::Path;

use pyrogen_core::folder::write_file;

use crate::{DataError, Layout};

/// Writes rows of raw values as CSV, row by row.
///
/// Tables get the names and kinds of their columns; other data gets a column `x0`, `x1`, ... an
/// element. Labels, where given, are a column under the name and in the place that the layout says,
/// by class name; else a last column `label`.
pub struct CsvWriter<'a, W: Write> {
    out: csv::Writer<W>,
    layout: &'a Layout,
    labelled: bool,
}

impl<'a, W: Write> CsvWriter<'a, W> {
    /// Begins a file: writes the header.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn new(out: W, layout: &'a Layout, labelled: bool) -> std::io::Result<Self> {
        let mut writer = Self { out: csv::Writer::from_writer(out), layout, labelled };
        let mut names: Vec<String> = match &layout.schema {
            Some(schema) => schema.columns.iter().map(|c| c.name.clone()).collect(),
            None => (0..layout.width()).map(|j| format!("x{j}")).collect(),
        };
        if labelled {
            let (name, place) = writer.label();
            let name = free_name(name, &names);
            names.insert(place, name);
        }
        writer.record(&names)?;
        Ok(writer)
    }

    /// Name and place of the label's column.
    fn label(&self) -> (&'a str, usize) {
        let width = self.layout.width();
        match &self.layout.label {
            Some(label) => (&label.name, label.place.min(width)),
            None => ("label", width),
        }
    }

    /// Writes one row of raw values.
    ///
    /// # Errors
    /// When the output refuses.
    ///
    /// # Panics
    /// If the row has another width than the layout, or a label is given or left out against
    /// what [`new`](Self::new) was given.
    pub fn row(&mut self, values: &[f32], label: Option<u32>) -> std::io::Result<()> {
        assert_eq!(
            values.len(),
            self.layout.width(),
            "CsvWriter::row: the layout has another width"
        );
        assert_eq!(
            label.is_some(),
            self.labelled,
            "CsvWriter::row: either every row has a label or none has"
        );
        let mut cells: Vec<String> = match &self.layout.schema {
            Some(schema) => {
                schema.columns.iter().zip(values).map(|(column, &v)| column.cell(v)).collect()
            }
            None => values.iter().map(f32::to_string).collect(),
        };
        if let Some(label) = label {
            cells.insert(self.label().1, class_name(&self.layout.class_names, label));
        }
        self.record(&cells)
    }

    fn record(&mut self, cells: &[String]) -> std::io::Result<()> {
        self.out.write_record(cells).map_err(std::io::Error::from)
    }

    /// Ends the file and gives the output back.
    ///
    /// # Errors
    /// When the output refuses.
    pub fn finish(self) -> std::io::Result<W> {
        self.out.into_inner().map_err(|e| std::io::Error::new(e.error().kind(), e.to_string()))
    }
}

/// The name of a class; a class without one is no other's.
fn class_name(names: &[String], label: u32) -> String {
    match names.get(label as usize) {
        Some(name) => name.clone(),
        None if names.is_empty() => label.to_string(),
        None => format!("class {label}"),
    }
}

/// A name that no column has.
fn free_name(name: &str, names: &[String]) -> String {
    let mut name = name.to_string();
    while names.contains(&name) {
        name.push('_');
    }
    name
}

/// Writes the rows of a table to a CSV file, given the texts of their cells.
pub(crate) fn write_cells(
    path: &Path,
    layout: &Layout,
    labels: Option<&[u32]>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), DataError> {
    let mut writer = CsvWriter::new(Vec::new(), layout, labels.is_some())
        .map_err(DataError::io(path, "write"))?;
    for (row, mut cells) in rows.enumerate() {
        if let Some(labels) = labels {
            cells.insert(writer.label().1, class_name(&layout.class_names, labels[row]));
        }
        writer.record(&cells).map_err(DataError::io(path, "write"))?;
    }
    let bytes = writer.finish().map_err(DataError::io(path, "write"))?;
    Ok(write_file(path, &bytes)?)
}

/// Writes rows of raw values to a CSV file, as [`CsvWriter`] does; an old file stays whole until
/// the new one is.
///
/// # Errors
/// A number of values that is not a multiple of the layout's width, another number of labels
/// than rows, or a refusal of the system.
pub fn write_csv(
    path: &Path,
    values: &[f32],
    labels: Option<&[u32]>,
    layout: &Layout,
) -> Result<(), DataError> {
    let width = layout.width();
    if width == 0 || !values.len().is_multiple_of(width) {
        return Err(DataError::Output {
            what: "values",
            expected: "whole rows of the layout",
            got: format!("{} values for rows of {width}", values.len()),
        });
    }
    let rows = values.len() / width;
    if let Some(labels) = labels.filter(|l| l.len() != rows) {
        return Err(DataError::Output {
            what: "labels",
            expected: "one a row",
            got: format!("{} labels for {rows} rows", labels.len()),
        });
    }
    let bytes = encode(values, labels, layout).map_err(DataError::io(path, "write"))?;
    Ok(write_file(path, &bytes)?)
}

fn encode(values: &[f32], labels: Option<&[u32]>, layout: &Layout) -> std::io::Result<Vec<u8>> {
    let mut writer = CsvWriter::new(Vec::new(), layout, labels.is_some())?;
    for (i, row) in values.chunks_exact(layout.width()).enumerate() {
        writer.row(row, labels.map(|l| l[i]))?;
    }
    writer.finish()
}
