//! CSV into a [`Table`].

use std::collections::HashMap;
use std::path::Path;

use super::infer::{self, Found, Wish};
use super::options::{CsvOptions, Missing};
use super::schema::{Column, ColumnKind, TableSchema};
use super::text::{Cell, Text};
use crate::data::{Aside, Cells, Data, Table};
use crate::dataset::LabelColumn;
use crate::{DataError, Dataset, Layout, Loaded, Origins};

/// Reads a table, as [`read_table`] does, as rows of numbers.
///
/// # Errors
/// As [`read_table`].
pub fn read_csv(path: &Path, options: &CsvOptions) -> Result<Dataset, DataError> {
    let loaded = read_table(path, options)?;
    Ok(loaded.data.into_dataset().expect("a table is rows of numbers"))
}

/// Reads a table and finds what each column holds.
///
/// - A column whose every cell is a number holds whole numbers if none has a point or an exponent,
///   else real ones. Decimal commas, marks of thousands, currencies and `%` are read where the whole
///   column has them, and written again.
/// - Whole numbers with a leading zero or too many digits are codes, which are categories.
/// - Days and times that are all written in one way are moments.
/// - Other texts are categories. They are sorted, so their numbers do not depend on the order of
///   rows.
/// - A column of 20 rows or more with a different text in every row, and one of whole numbers that
///   count the rows or that is called an id, are left out; a note says so.
/// - A column where most cells are numbers and some are texts is an error at the first text, since
///   that is a typing mistake more often than a category.
///
/// # Errors
/// Ragged lines, a quote that is never closed, more than 100,000 columns, text that is not UTF-8,
/// missing cells (see [`Missing`]), numbers that are not finite, unknown column names, no rows, no
/// values, no column beside the label.
pub fn read_table(path: &Path, options: &CsvOptions) -> Result<Loaded, DataError> {
    let mut text = Text::read(path, options)?;
    let mut notes = std::mem::take(&mut text.notes);
    let label = options.label.as_deref().map(|l| text.column(l)).transpose()?;
    let weight = options.weight.as_deref().map(|w| text.column(w)).transpose()?;
    let places = |names: &[String]| -> Result<Vec<usize>, DataError> {
        names.iter().map(|name| text.column(name)).collect()
    };
    let (categorical, dropped) = (places(&options.categorical)?, places(&options.drop)?);
    let keep = places(&options.keep)?;
    let rows = rows(&text, options.missing, &dropped, &mut notes)?;
    let mut features: Vec<(usize, Column)> = Vec::new();
    let mut aside = dropped.clone();
    let mut identifiers = Vec::new();
    let is_apart = |j| Some(j) == label || Some(j) == weight || dropped.contains(&j);
    let candidates: Vec<usize> = (0..text.names.len()).filter(|j| !is_apart(*j)).collect();
    for &j in &candidates {
        let wish = Wish { categorical: categorical.contains(&j), keep: keep.contains(&j) };
        match infer::column(&text, j, &rows, wish)? {
            Found::Column(column) => features.push((j, column)),
            Found::Identifier(why) => identifiers.push((j, why)),
        }
    }
    if features.is_empty() {
        // There is nothing but identifiers: then they are the data.
        for (j, _) in std::mem::take(&mut identifiers) {
            let wish = Wish { categorical: false, keep: true };
            if let Found::Column(column) = infer::column(&text, j, &rows, wish)? {
                features.push((j, column));
            }
        }
    }
    for &(j, why) in &identifiers {
        let name = &text.names[j];
        notes.push(format!("column `{name}` is left out: {why} (keep={name} keeps it)"));
        aside.push(j);
    }
    if features.is_empty() {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: "there is no column beside the label".to_string(),
        });
    }
    if features.iter().all(|(_, column)| column.missing == text.len()) {
        return Err(DataError::NoExamples {
            path: path.to_path_buf(),
            hint: "no cell has a value".to_string(),
        });
    }
    note_columns(&features, &mut notes);
    let weights = weight.map(|j| weights(&text, &rows, j)).transpose()?;
    let mut table = build(&text, &rows, features, label, &aside)?;
    if let Some(weights) = weights {
        table = table.with_weights(weights)?;
    }
    let mut loaded = Loaded::new(Data::Table(table));
    loaded.notes = notes;
    loaded.origins = Some(Origins::Lines(rows.iter().map(|&i| text.line(i)).collect()));
    Ok(loaded)
}

fn build(
    text: &Text,
    rows: &[usize],
    features: Vec<(usize, Column)>,
    label: Option<usize>,
    aside: &[usize],
) -> Result<Table, DataError> {
    let cells = features.iter().map(|(j, column)| cells(text, rows, *j, column)).collect();
    let labels = label.map(|j| labels(text, rows, j)).transpose()?;
    let (labels, class_names) = labels.unzip();
    let label = label.map(|j| LabelColumn {
        name: text.names[j].clone(),
        place: features.iter().filter(|(k, _)| *k < j).count(),
    });
    let aside =
        aside.iter().map(|&j| Aside::new(&text.names[j], rows.iter().map(|&i| text.raw(i, j))));
    let aside = aside.collect();
    let columns: Vec<Column> = features.into_iter().map(|(_, column)| column).collect();
    let layout = Layout {
        event: vec![columns.len()],
        schema: Some(TableSchema { columns }),
        class_names: class_names.unwrap_or_default(),
        label,
        ..Layout::default()
    };
    Ok(Table::of_parts(layout, cells, labels, aside))
}

/// The rows that are read.
fn rows(
    text: &Text,
    missing: Missing,
    dropped: &[usize],
    notes: &mut Vec<String>,
) -> Result<Vec<usize>, DataError> {
    let columns: Vec<usize> = (0..text.names.len()).filter(|j| !dropped.contains(j)).collect();
    let hole = |i: usize| columns.iter().copied().find(|&j| text.is_missing(i, j));
    let all = 0..text.len();
    match missing {
        Missing::Keep => Ok(all.collect()),
        Missing::Error => match all.clone().find_map(|i| Some((i, hole(i)?))) {
            None => Ok(all.collect()),
            Some((i, j)) => {
                let message = "the value is missing: fill it in, or give missing=drop to leave out \
                               such rows (without missing=error it is a value of its own)";
                Err(text.cell_error(i, j, message.to_string()))
            }
        },
        Missing::Drop => {
            let rows: Vec<usize> = all.clone().filter(|&i| hole(i).is_none()).collect();
            if rows.is_empty() {
                return Err(DataError::NoExamples {
                    path: text.path.clone(),
                    hint: format!("every row has a missing cell{}", emptiest(text, &columns)),
                });
            }
            if rows.len() < text.len() {
                let left = text.len() - rows.len();
                notes.push(format!(
                    "{left} of {} rows with a missing cell are left out",
                    text.len()
                ));
            }
            Ok(rows)
        }
    }
}

/// The columns with the most missing cells, in words.
fn emptiest(text: &Text, columns: &[usize]) -> String {
    let count = |j: usize| (0..text.len()).filter(|&i| text.is_missing(i, j)).count();
    let mut counts: Vec<(usize, usize)> = columns.iter().map(|&j| (count(j), j)).collect();
    counts.sort_by_key(|&(count, j)| (std::cmp::Reverse(count), j));
    let worst = counts.iter().take(3).filter(|(count, _)| *count > 0);
    let list: Vec<String> = worst
        .map(|&(count, j)| format!("`{}` ({count} of {})", text.names[j], text.len()))
        .collect();
    format!(": leave out the emptiest columns with drop=COLUMN: {}", list.join(", "))
}

/// Says what a user may not expect of columns.
fn note_columns(features: &[(usize, Column)], notes: &mut Vec<String>) {
    for (_, column) in features {
        let name = &column.name;
        let values = column.known_categories();
        let codes = column.kind.categories().is_some_and(|c| {
            c[..values].iter().all(|c| c.parse::<f64>().is_ok())
                && c[..values].iter().any(|c| c.starts_with('0') && c.len() > 1)
        });
        if codes {
            notes.push(format!("column `{name}` holds codes with leading zeros: categories"));
        }
        let blank_only = column.kind.categories().is_some() && values == 0;
        if values == 1 || blank_only {
            let count = if blank_only { "no values" } else { "one value" };
            notes.push(format!("column `{name}` has {count}"));
        }
        if column.missing > 0 && !blank_only {
            let blank: Vec<String> = column.blanks.iter().map(|b| format!("`{b}`")).collect();
            let blank =
                if blank.is_empty() { String::new() } else { format!(" ({})", blank.join(", ")) };
            notes.push(format!("column `{name}`: {} cells are missing{blank}", column.missing));
        }
    }
}

/// The cells of a column.
fn cells(text: &Text, rows: &[usize], j: usize, column: &Column) -> Cells {
    let raw = |&i: &usize| (text.raw(i, j), text.is_missing(i, j));
    match &column.kind {
        ColumnKind::Categorical { categories } => {
            let known = column.known_categories();
            let places = |names: &[String], from: usize| -> HashMap<String, u32> {
                names
                    .iter()
                    .enumerate()
                    .map(|(k, name)| (name.clone(), (from + k) as u32))
                    .collect()
            };
            let values = places(&categories[..known], 0);
            let blanks = places(&categories[known..], known);
            let code = |i| match raw(i) {
                (cell, false) => values[cell],
                (cell, true) => blanks[cell],
            };
            Cells::Categories(rows.iter().map(code).collect())
        }
        ColumnKind::Continuous => {
            let format = column.format.clone().unwrap_or_default();
            let number = |i| match raw(i) {
                (cell, false) => format.parse(cell).unwrap_or(f64::NAN),
                (_, true) => f64::NAN,
            };
            Cells::Numbers(rows.iter().map(number).collect())
        }
        kind => {
            let format = column.format.clone().unwrap_or_default();
            let whole = |cell: &str| match kind {
                ColumnKind::Moment { format } => format.read(cell),
                _ => cell.parse().ok().or_else(|| format.parse(cell).map(|v| v as i64)),
            };
            let number = |i| match raw(i) {
                (cell, false) => whole(cell).unwrap_or(Cells::MISSING),
                (_, true) => Cells::MISSING,
            };
            Cells::Integers(rows.iter().map(number).collect())
        }
    }
}

/// The weight of each row.
fn weights(text: &Text, rows: &[usize], j: usize) -> Result<Vec<f64>, DataError> {
    let weight = |&i: &usize| match text.cell(i, j) {
        Cell::Number(w) if w.is_finite() && w >= 0.0 => Ok(w),
        _ => {
            let message = format!("`{}` is no weight: a number, 0 or more", text.raw(i, j));
            Err(text.cell_error(i, j, message))
        }
    };
    rows.iter().map(weight).collect()
}

/// The class of each row, and the names of the classes; a missing class is one, too.
fn labels(text: &Text, rows: &[usize], j: usize) -> Result<(Vec<u32>, Vec<String>), DataError> {
    let mut names = infer::categories(text, j, rows)?;
    let missing = rows.iter().filter(|&&i| text.cell(i, j) == Cell::Missing);
    let mut blanks: Vec<String> = missing.map(|&i| text.raw(i, j).to_string()).collect();
    blanks.sort();
    blanks.dedup();
    names.extend(blanks);
    let places: HashMap<&str, u32> =
        names.iter().enumerate().map(|(k, name)| (name.as_str(), k as u32)).collect();
    let labels = rows.iter().map(|&i| places[text.raw(i, j)]).collect();
    Ok((labels, names))
}
