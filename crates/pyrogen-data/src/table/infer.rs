//! Telling what a column holds.

use std::collections::BTreeSet;

use super::schema::{Column, ColumnKind};
use super::text::{Cell, Text};
use crate::DataError;

/// Above this many texts a column is not a choice between categories but free text or an
/// identifier.
const MAX_CATEGORIES: usize = 1000;

/// Whole numbers up to here are exact in f32; a column beyond is continuous.
const MAX_INTEGER: f64 = 16_777_216.0;

/// The kind of column `j`, from its rows `rows`; `all` rows are counted for missing cells.
pub(super) fn column(
    text: &Text,
    j: usize,
    rows: &[usize],
    categorical: bool,
    missing_is_category: bool,
) -> Result<Column, DataError> {
    let missing = (0..text.records.len()).filter(|&i| text.cell(i, j) == Cell::Missing).count();
    let mut numbers = 0usize;
    let mut texts = 0usize;
    let mut first_text = None;
    let mut whole = true;
    for &i in rows {
        match text.cell(i, j) {
            Cell::Missing => {}
            Cell::Number(v) => {
                numbers += 1;
                whole &= v.fract() == 0.0 && v.abs() <= MAX_INTEGER;
                let written = text.records[i][j].trim();
                whole &= !written.contains(['.', 'e', 'E']);
            }
            Cell::Text(_) => {
                texts += 1;
                first_text = first_text.or(Some(i));
            }
        }
    }
    let column = |kind| Column { name: text.names[j].clone(), kind, missing };
    let path = || text.path.clone();
    match first_text {
        _ if numbers + texts == 0 => Err(DataError::Column {
            path: path(),
            column: text.names[j].clone(),
            message: "has no values: remove it".to_string(),
        }),
        Some(i) if numbers > texts && !categorical => {
            let hint = match i {
                0 if !text.named => "give header=yes if this line names the columns, else ",
                _ => "",
            };
            let message = format!(
                "`{}` is not a number, and {numbers} of {} cells are: {hint}correct it, or give \
                 categorical={}",
                text.records[i][j].trim(),
                numbers + texts,
                text.names[j]
            );
            Err(text.cell_error(i, j, message))
        }
        None if !categorical && whole => Ok(column(ColumnKind::Integer)),
        None if !categorical => Ok(column(ColumnKind::Continuous)),
        _ => {
            let categories = categories(text, j, rows, missing_is_category)?;
            Ok(column(ColumnKind::Categorical { categories }))
        }
    }
}

/// The distinct texts of a column: sorted as numbers where all are, as text where not. A missing
/// cell counts as the category `""` if it is to be one.
pub(super) fn categories(
    text: &Text,
    j: usize,
    rows: &[usize],
    missing_is_category: bool,
) -> Result<Vec<String>, DataError> {
    let mut seen = BTreeSet::new();
    for &i in rows {
        match text.cell(i, j) {
            Cell::Missing if missing_is_category => seen.insert(""),
            Cell::Missing => false,
            _ => seen.insert(text.records[i][j].trim()),
        };
        if seen.len() > MAX_CATEGORIES {
            return Err(DataError::Column {
                path: text.path.clone(),
                column: text.names[j].clone(),
                message: format!(
                    "holds more than {MAX_CATEGORIES} different texts: remove it or make them fewer"
                ),
            });
        }
    }
    let mut list: Vec<String> = seen.into_iter().map(str::to_string).collect();
    let number = |s: &String| s.parse::<f64>().ok();
    if list.iter().all(|s| number(s).is_some()) {
        list.sort_by(|a, b| f64::total_cmp(&number(a).unwrap_or(0.0), &number(b).unwrap_or(0.0)));
    }
    Ok(list)
}
