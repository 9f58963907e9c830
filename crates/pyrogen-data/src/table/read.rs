//! CSV into a [`Table`].

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;

use super::infer::{self, Found, Wish};
use super::options::{CsvOptions, Missing};
use super::plain;
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
    read_within(path, options, ROOM)
}

/// Bytes of text that are in memory at a time.
const ROOM: usize = 256 << 20;

/// Reads a table with so many bytes of its text in memory at a time: the cells of a larger file are read in
/// several passes, some columns in each.
pub(super) fn read_within(
    path: &Path,
    options: &CsvOptions,
    room: usize,
) -> Result<Loaded, DataError> {
    table(Text::open(path, options, room)?, options)
}

/// Reads a table of a Parquet file. Columns of texts are categories, even where they look like numbers; of
/// the options, those of a file of text do not count. Only empty cells are missing, unless
/// [`CsvOptions::na`] says otherwise; parts of a second are cut off.
///
/// # Errors
/// As [`read_table`]; a file that is damaged, or written in a way that is not read.
pub fn read_parquet(path: &Path, options: &CsvOptions) -> Result<Loaded, DataError> {
    let na = options.na.clone().or(Some(Vec::new()));
    let options = CsvOptions { na, ..options.clone() };
    table(Text::open_parquet(path, &options, ROOM)?, &options)
}

fn table(mut text: Text, options: &CsvOptions) -> Result<Loaded, DataError> {
    let mut notes = std::mem::take(&mut text.notes);
    let mut places = Places::of(&text, options)?;
    let groups = text.groups();
    let rows = rows(&mut text, &groups, options.missing, &places.drop, &mut notes)?;
    let mut parts = Parts::default();
    for group in &groups {
        text.load(group)?;
        parts.read(&text, &rows, group, &places)?;
    }
    if parts.features.is_empty() {
        // There is nothing but identifiers: then they are the data.
        places.keep = parts.identifiers.drain(..).map(|(j, ..)| j).collect();
        for group in &groups {
            text.load(group)?;
            let kept: Vec<usize> =
                group.iter().copied().filter(|j| places.keep.contains(j)).collect();
            parts.read(&text, &rows, &kept, &places)?;
        }
    }
    for (j, why, _) in &parts.identifiers {
        let name = &text.names[*j];
        notes.push(format!("column `{name}` is left out: {why} (keep={name} keeps it)"));
    }
    if parts.features.is_empty() {
        return Err(DataError::NoExamples {
            path: text.path,
            hint: "there is no column beside the label".to_string(),
        });
    }
    if parts.features.iter().all(|(_, column)| column.missing == text.len()) {
        return Err(DataError::NoExamples {
            path: text.path,
            hint: "no cell has a value".to_string(),
        });
    }
    note_columns(&parts, &mut notes);
    let mut loaded = Loaded::new(Data::Table(parts.table(&text, &places)?));
    loaded.notes = notes;
    let lines = || Origins::Lines(rows.iter().map(|&i| text.line(i)).collect());
    loaded.origins = text.has_lines().then(lines);
    Ok(loaded)
}

/// What the options say of the columns.
struct Places {
    label: Option<usize>,
    weight: Option<usize>,
    categorical: Vec<usize>,
    drop: Vec<usize>,
    keep: Vec<usize>,
}

impl Places {
    fn of(text: &Text, options: &CsvOptions) -> Result<Self, DataError> {
        let one = |name: &Option<String>| name.as_deref().map(|n| text.column(n)).transpose();
        let all = |names: &[String]| -> Result<Vec<usize>, DataError> {
            names.iter().map(|name| text.column(name)).collect()
        };
        Ok(Self {
            label: one(&options.label)?,
            weight: one(&options.weight)?,
            categorical: all(&options.categorical)?,
            drop: all(&options.drop)?,
            keep: all(&options.keep)?,
        })
    }
}

/// What has been read of the columns.
#[derive(Default)]
struct Parts {
    features: Vec<(usize, Column)>,
    /// The cells of the features.
    cells: Vec<Cells>,
    dropped: Vec<Aside>,
    /// Columns that no model learns, and why.
    identifiers: Vec<(usize, &'static str, Aside)>,
    labels: Option<(Vec<u32>, Vec<String>)>,
    weights: Option<Vec<f64>>,
}

/// What a column is.
enum Part {
    Feature(Column, Cells),
    Dropped(Aside),
    Identifier(&'static str, Aside),
    Labels(Vec<u32>, Vec<String>),
    Weights(Vec<f64>),
}

impl Part {
    fn of(text: &Text, rows: &[usize], j: usize, places: &Places) -> Result<Self, DataError> {
        let aside = || Aside::new(&text.names[j], rows.iter().map(|&i| text.raw(i, j)));
        if Some(j) == places.label {
            return labels(text, rows, j).map(|(labels, names)| Self::Labels(labels, names));
        }
        if Some(j) == places.weight {
            return weights(text, rows, j).map(Self::Weights);
        }
        if places.drop.contains(&j) {
            return Ok(Self::Dropped(aside()));
        }
        let wish =
            Wish { categorical: places.categorical.contains(&j), keep: places.keep.contains(&j) };
        if let Some((column, cells)) = plain::column(text, j, rows, wish) {
            return Ok(Self::Feature(column, cells));
        }
        Ok(match infer::column(text, j, rows, wish)? {
            Found::Column(column) => {
                let cells = cells(text, rows, j, &column);
                Self::Feature(column, cells)
            }
            Found::Identifier(why) => Self::Identifier(why, aside()),
        })
    }
}

impl Parts {
    /// Reads columns that are in memory, by all threads.
    fn read(
        &mut self,
        text: &Text,
        rows: &[usize],
        columns: &[usize],
        places: &Places,
    ) -> Result<(), DataError> {
        let read: Vec<Result<Part, DataError>> =
            columns.par_iter().map(|&j| Part::of(text, rows, j, places)).collect();
        for (&j, part) in columns.iter().zip(read) {
            match part? {
                Part::Feature(column, cells) => {
                    self.features.push((j, column));
                    self.cells.push(cells);
                }
                Part::Dropped(aside) => self.dropped.push(aside),
                Part::Identifier(why, aside) => self.identifiers.push((j, why, aside)),
                Part::Labels(labels, names) => self.labels = Some((labels, names)),
                Part::Weights(weights) => self.weights = Some(weights),
            }
        }
        Ok(())
    }

    fn table(self, text: &Text, places: &Places) -> Result<Table, DataError> {
        let (labels, class_names) = self.labels.unzip();
        let before = |j: usize| self.features.iter().filter(|(k, _)| *k < j).count();
        let label =
            places.label.map(|j| LabelColumn { name: text.names[j].clone(), place: before(j) });
        let identifiers = self.identifiers.into_iter().map(|(.., aside)| aside);
        let aside = self.dropped.into_iter().chain(identifiers).collect();
        let columns: Vec<Column> = self.features.into_iter().map(|(_, column)| column).collect();
        let layout = Layout {
            event: vec![columns.len()],
            schema: Some(TableSchema { columns }),
            class_names: class_names.unwrap_or_default(),
            label,
            ..Layout::default()
        };
        let table = Table::of_parts(layout, self.cells, labels, aside);
        match self.weights {
            Some(weights) => table.with_weights(weights),
            None => Ok(table),
        }
    }
}

/// The rows that are read.
fn rows(
    text: &mut Text,
    groups: &[Vec<usize>],
    missing: Missing,
    dropped: &[usize],
    notes: &mut Vec<String>,
) -> Result<Vec<usize>, DataError> {
    if missing == Missing::Keep {
        return Ok((0..text.len()).collect());
    }
    // The first column of each row whose cell is missing, and the missing cells of each column.
    let mut holes: Vec<Option<u32>> = vec![None; text.len()];
    let mut counts = vec![0usize; text.names.len()];
    for group in groups {
        text.load(group)?;
        for &j in group.iter().filter(|j| !dropped.contains(j)) {
            for (i, hole) in holes.iter_mut().enumerate() {
                if text.is_missing(i, j) {
                    counts[j] += 1;
                    hole.get_or_insert(j as u32);
                }
            }
        }
    }
    let first = holes.iter().enumerate().find_map(|(i, hole)| Some((i, (*hole)? as usize)));
    if let (Missing::Error, Some((i, j))) = (missing, first) {
        let message = "the value is missing: fill it in, or give missing=drop to leave out \
                       such rows (without missing=error it is a value of its own)";
        return Err(text.cell_error(i, j, message.to_string()));
    }
    let rows: Vec<usize> = (0..text.len()).filter(|&i| holes[i].is_none()).collect();
    if rows.is_empty() {
        return Err(DataError::NoExamples {
            path: text.path.clone(),
            hint: format!("every row has a missing cell{}", emptiest(text, counts)),
        });
    }
    if rows.len() < text.len() {
        let left = text.len() - rows.len();
        notes.push(format!("{left} of {} rows with a missing cell are left out", text.len()));
    }
    Ok(rows)
}

/// The columns with the most missing cells, in words.
fn emptiest(text: &Text, counts: Vec<usize>) -> String {
    let mut counts: Vec<(usize, usize)> =
        counts.into_iter().enumerate().map(|(j, count)| (count, j)).collect();
    counts.sort_by_key(|&(count, j)| (std::cmp::Reverse(count), j));
    let worst = counts.iter().take(3).filter(|(count, _)| *count > 0);
    let list: Vec<String> = worst
        .map(|&(count, j)| format!("`{}` ({count} of {})", text.names[j], text.len()))
        .collect();
    format!(": leave out the emptiest columns with drop=COLUMN: {}", list.join(", "))
}

/// Says what a user may not expect of columns.
fn note_columns(parts: &Parts, notes: &mut Vec<String>) {
    for ((_, column), cells) in parts.features.iter().zip(&parts.cells) {
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
        if values == 1 || blank_only || is_constant(cells) {
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

/// Whether numbers, two or more, are all the same.
fn is_constant(cells: &Cells) -> bool {
    let number = |i: usize| Some(cells.number(i)).filter(|v| !v.is_nan());
    let mut known = (0..cells.len()).filter_map(number);
    let first = match cells {
        Cells::Categories(_) => None,
        _ => known.next(),
    };
    let mut others = known.peekable();
    others.peek().is_some() && others.all(|v| Some(v) == first)
}

/// The cells of a column.
pub(super) fn cells(text: &Text, rows: &[usize], j: usize, column: &Column) -> Cells {
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
