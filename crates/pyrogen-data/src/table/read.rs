//! CSV into a [`Dataset`].

use std::collections::HashMap;
use std::path::Path;

use super::infer;
use super::schema::{Column, ColumnKind, TableSchema};
use super::text::{Cell, Text};
use crate::{DataError, Dataset};

/// Whether the first line of a CSV file names the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Header {
    /// It does if none of its cells is a number and a later line has one. In a file without any
    /// number it does if no cell of it occurs again in its column. An empty first line does not.
    #[default]
    Detect,
    /// It does.
    Yes,
    /// It does not: columns are named `column1`, `column2`, ...
    No,
}

/// What happens to cells without a value: empty, or `?`, `NA`, `N/A`, `NaN`, `null`, `none` in
/// any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// An error that names the first one.
    #[default]
    Error,
    /// Their rows are left out.
    Drop,
    /// In a categorical column they are a category of their own (the empty text); in a column of
    /// numbers or labels they are an error.
    Category,
}

/// How a CSV file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CsvOptions {
    /// The column that holds the class of each row; it is then not a feature.
    pub label: Option<String>,
    /// Columns that are categories although they hold numbers.
    pub categorical: Vec<String>,
    /// What happens to missing cells.
    pub missing: Missing,
    /// Whether the first line names the columns.
    pub header: Header,
}

/// Reads a table and tells what each column holds.
///
/// A column whose every cell is a number is an integer column if all are written without point
/// and exponent (and are exact in f32), else continuous. A column of texts is categorical; its
/// categories are sorted, so their numbers do not depend on the order of rows. A column where
/// most cells are numbers and some are not is an error at the first that is not, since that is a
/// typing mistake more often than a category.
///
/// # Errors
/// Ragged lines, text that is not UTF-8, missing cells (see [`Missing`]), numbers that are not
/// finite in f32, unknown column names, columns without values or with more than 1,000 texts, no
/// rows, no column beside the label.
pub fn read_csv(path: &Path, options: &CsvOptions) -> Result<Dataset, DataError> {
    let text = Text::read(path, options.header)?;
    let label = options.label.as_deref().map(|l| text.column(l)).transpose()?;
    let forced =
        options.categorical.iter().map(|c| text.column(c)).collect::<Result<Vec<_>, _>>()?;
    let features: Vec<usize> = (0..text.names.len()).filter(|&j| Some(j) != label).collect();
    if features.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: "there is no column beside the label".to_string(),
        });
    }
    let rows = rows(&text, options.missing)?;
    let as_category = options.missing == Missing::Category;
    let mut columns = Vec::with_capacity(features.len());
    for &j in &features {
        let column = infer::column(&text, j, &rows, forced.contains(&j), as_category)?;
        columns.push(column);
    }
    let values = values(&text, &rows, &features, &columns)?;
    let labels = label.map(|j| labels(&text, &rows, j)).transpose()?;
    let (labels, names) = labels.unzip();
    let data = Dataset::from_parts(values, vec![features.len()], labels)?
        .with_schema(TableSchema { columns })?;
    match names {
        Some(names) => data.with_class_names(names),
        None => Ok(data),
    }
}

/// The rows that are read.
fn rows(text: &Text, missing: Missing) -> Result<Vec<usize>, DataError> {
    let all = 0..text.records.len();
    if missing != Missing::Drop {
        return Ok(all.collect());
    }
    let whole = |&i: &usize| (0..text.names.len()).all(|j| text.cell(i, j) != Cell::Missing);
    let rows: Vec<usize> = all.filter(whole).collect();
    if rows.is_empty() {
        return Err(DataError::NoExamples {
            path: text.path.clone(),
            hint: "every row has a missing cell: remove the emptiest columns".to_string(),
        });
    }
    Ok(rows)
}

fn values(
    text: &Text,
    rows: &[usize],
    features: &[usize],
    columns: &[Column],
) -> Result<Vec<f32>, DataError> {
    let places: Vec<HashMap<&str, f32>> = columns.iter().map(|c| places(&c.kind)).collect();
    let mut values = Vec::with_capacity(rows.len() * features.len());
    for &i in rows {
        for ((&j, column), places) in features.iter().zip(columns).zip(&places) {
            values.push(match (&column.kind, text.cell(i, j)) {
                (ColumnKind::Categorical { .. }, cell) => {
                    let key = match cell {
                        Cell::Missing => "",
                        _ => text.records[i][j].trim(),
                    };
                    match places.get(key) {
                        Some(&place) => place,
                        None => return Err(missing(text, i, j)),
                    }
                }
                (_, Cell::Number(v)) => finite(text, i, j, v)? as f32,
                (_, _) => return Err(missing(text, i, j)),
            });
        }
    }
    Ok(values)
}

fn places(kind: &ColumnKind) -> HashMap<&str, f32> {
    match kind {
        ColumnKind::Categorical { categories } => {
            categories.iter().enumerate().map(|(k, name)| (name.as_str(), k as f32)).collect()
        }
        _ => HashMap::new(),
    }
}

/// A number that is finite in f32.
pub(super) fn finite(text: &Text, row: usize, column: usize, v: f64) -> Result<f64, DataError> {
    if (v as f32).is_finite() {
        return Ok(v);
    }
    let message = format!(
        "`{}` is not a finite number in single precision: correct it, or leave the cell empty if \
         the value is not known",
        text.records[row][column].trim()
    );
    Err(text.cell_error(row, column, message))
}

pub(super) fn missing(text: &Text, row: usize, column: usize) -> DataError {
    let message = "the value is missing: fill it in, or give missing=drop to leave out such rows \
                   (missing=category makes it a category where the column holds text)";
    text.cell_error(row, column, message.to_string())
}

/// The class of each row, and the names of the classes.
fn labels(text: &Text, rows: &[usize], j: usize) -> Result<(Vec<u32>, Vec<String>), DataError> {
    let names = infer::categories(text, j, rows, false)?;
    let places: HashMap<&str, u32> =
        names.iter().enumerate().map(|(k, name)| (name.as_str(), k as u32)).collect();
    let labels = rows
        .iter()
        .map(|&i| match text.cell(i, j) {
            Cell::Missing => Err(missing(text, i, j)),
            _ => Ok(places[text.records[i][j].trim()]),
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((labels, names))
}
