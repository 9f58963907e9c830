//! Rows back into CSV text, in the units and categories of the data.

use std::io::Write;
use std::path::Path;

use pyrogen_core::folder::write_file;

use crate::{DataError, Layout};

/// Writes rows of raw values as CSV, row by row.
///
/// Tables get the names and kinds of their columns; other data gets a column `x0`, `x1`, ... an
/// element. Labels, where given, are a last column `label`, by class name.
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
            names.push("label".to_string());
        }
        writer.record(&names)?;
        Ok(writer)
    }

    /// Writes one row of raw values.
    ///
    /// # Errors
    /// When the output refuses.
    ///
    /// # Panics
    /// If the row has another width than the layout, or a label is given or left out against
    /// what [`new`](Self::new) was told.
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
                schema.columns.iter().zip(values).map(|(column, &v)| column.kind.cell(v)).collect()
            }
            None => values.iter().map(f32::to_string).collect(),
        };
        cells.extend(label.map(|l| match self.layout.class_names.get(l as usize) {
            Some(name) => name.clone(),
            None => l.to_string(),
        }));
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
