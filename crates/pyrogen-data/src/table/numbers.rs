//! A CSV file of numbers only, in f64.

use std::path::Path;

use super::CsvOptions;
use super::text::{Cell, Text};
use crate::DataError;
use crate::read::matrix::Matrix;

/// Reads a CSV file whose every cell is a finite number, with or without a header.
pub(crate) fn read(path: &Path) -> Result<Matrix, DataError> {
    let text = Text::read(path, &CsvOptions::default())?;
    let cols = text.names.len();
    let mut values = Vec::with_capacity(text.len() * cols);
    for i in 0..text.len() {
        for j in 0..cols {
            let message = match text.cell(i, j) {
                Cell::Number(v) if v.is_finite() => {
                    values.push(v);
                    continue;
                }
                Cell::Number(_) => {
                    format!("`{}` is not a finite number", text.raw(i, j))
                }
                Cell::Missing => "the number is missing: remove the row or fill it in".to_string(),
                Cell::Text(t) => format!("`{t}` is not a number: only numbers can be compared"),
            };
            return Err(text.cell_error(i, j, message));
        }
    }
    let names = text.named.then(|| text.names.clone());
    Ok(Matrix { rows: text.len(), cols, values, shape: vec![cols], names, range: None })
}
