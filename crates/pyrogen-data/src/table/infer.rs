//! Telling what a column holds.

use std::collections::{HashMap, HashSet};

use super::format::NumberFormat;
use super::moment::MomentFormat;
use super::schema::{Column, ColumnKind};
use super::text::{Cell, Text};
use crate::DataError;

/// Above this many texts no model of categories fits into memory.
const MAX_CATEGORIES: usize = 1 << 20;

/// Whole numbers up to here are exact in f32.
const EXACT: f64 = 16_777_216.0;

/// With fewer rows nothing is taken for an identifier.
const FEWEST_IDS: usize = 20;

/// What was found of a column.
pub(super) enum Found {
    /// A column to learn from.
    Column(Column),
    /// An identifier, and how it is known.
    Identifier(&'static str),
}

/// What the user says of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// It holds categories.
    pub categorical: bool,
    /// It is kept, although it may be an identifier.
    pub keep: bool,
}

/// The kind of column `j`, from its rows `rows`.
pub(super) fn column(
    text: &Text,
    j: usize,
    rows: &[usize],
    wish: Wish,
) -> Result<Found, DataError> {
    let cells = || present(text, j, rows);
    let all_different = !wish.keep && !wish.categorical && all_different(cells());
    let blanks = blanks(text, j, rows);
    let missing = missing(text, j, rows, rows.iter().filter(|&&i| text.is_missing(i, j)).count());
    let column = |kind, format| Column {
        missing,
        blanks: blanks.clone(),
        format,
        ..Column::new(&text.names[j], kind)
    };
    // A column without a value has one state: missing.
    let texts = !wish.categorical && text.is_text(j);
    if texts && all_different {
        return Ok(Found::Identifier("a different text in every row"));
    }
    if !wish.categorical && !texts && cells().next().is_some() {
        if let Some(format) = MomentFormat::find(cells()) {
            let mut column = column(ColumnKind::Moment { format }, None);
            set_offset(&mut column, cells().filter_map(|cell| format.read(cell)).map(|v| v as f64));
            return Ok(Found::Column(column));
        }
        let comma = text.delimiter != ',';
        let numbers = NumberFormat::find(cells(), comma).filter(|_| !is_code(cells()));
        if let Some((format, whole)) = numbers {
            let whole = whole && cells().all(|cell| is_exact(&format, cell));
            let counts = || cells().map(|cell| cell.parse::<i64>().ok());
            if all_different && whole && is_index(&text.names[j], counts()) {
                return Ok(Found::Identifier("whole numbers that count the rows"));
            }
            let kind = if whole { ColumnKind::Integer } else { ColumnKind::Continuous };
            let values = || cells().filter_map(|cell| format.parse(cell));
            check_finite(text, j, rows, &format)?;
            let mut column = column(kind, Some(format.clone()));
            set_offset(&mut column, values());
            return Ok(Found::Column(column));
        }
        check_mostly_numbers(text, j, rows)?;
        if all_different {
            return Ok(Found::Identifier("a different text in every row"));
        }
    }
    let mut categories = categories(text, j, rows)?;
    categories.extend(blanks.iter().cloned());
    Ok(Found::Column(column(ColumnKind::Categorical { categories }, None)))
}

/// The cells that have a value.
fn present<'a>(
    text: &'a Text,
    j: usize,
    rows: &'a [usize],
) -> impl Iterator<Item = &'a str> + Clone {
    rows.iter()
        .map(move |&i| (i, text.raw(i, j)))
        .filter(move |&(i, _)| !text.is_missing(i, j))
        .map(|(_, cell)| cell)
}

fn all_different<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    let mut count = 0usize;
    for cell in cells {
        count += 1;
        if !seen.insert(cell) {
            return false;
        }
    }
    count >= FEWEST_IDS
}

/// Whether whole numbers have leading zeros, as codes have, or more digits than numbers.
fn is_code<'a>(mut cells: impl Iterator<Item = &'a str>) -> bool {
    cells.any(|cell| {
        let digits = cell.bytes().all(|b| b.is_ascii_digit());
        digits && ((cell.len() > 1 && cell.starts_with('0')) || cell.parse::<i64>().is_err())
    })
}

/// Whether a whole number is one of i64, and exact in f64.
fn is_exact(format: &NumberFormat, cell: &str) -> bool {
    const TOP: f64 = 9_007_199_254_740_992.0;
    cell.parse::<i64>().is_ok() || format.parse(cell).is_some_and(|v| v.abs() <= TOP)
}

/// Whole numbers from here on may be seconds since 1970, once a second, which are no count of rows.
const FIRST_TIME: i64 = 100_000_000;

/// Whether different whole numbers count the rows, or are called an identifier.
pub(super) fn is_index(name: &str, numbers: impl Iterator<Item = Option<i64>> + Clone) -> bool {
    let counts = numbers.clone().zip(numbers.skip(1)).all(|pair| match pair {
        (Some(a), Some(b)) => a.checked_add(1) == Some(b) && b < FIRST_TIME,
        _ => false,
    });
    let lower = name.to_lowercase();
    let called = ["id", "index", "key", "row", "uuid"].contains(&lower.as_str())
        || [" id", "_id", "-id"].iter().any(|end| lower.ends_with(end))
        || lower.starts_with("unnamed")
        || name.ends_with("Id")
        || name.ends_with("ID");
    counts || called
}

/// The texts of missing cells, the most frequent first.
fn blanks(text: &Text, j: usize, rows: &[usize]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for &i in rows.iter().filter(|&&i| text.is_missing(i, j)) {
        *counts.entry(text.raw(i, j)).or_default() += 1;
    }
    by_count(counts)
}

/// Words, the most frequent first.
pub(super) fn by_count(counts: HashMap<&str, usize>) -> Vec<String> {
    let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
    words.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    words.into_iter().map(|(word, _)| word.to_string()).collect()
}

/// The missing cells of a column in all rows of the file; there are so many in `rows`.
pub(super) fn missing(text: &Text, j: usize, rows: &[usize], among: usize) -> usize {
    match rows.len() == text.len() {
        true => among,
        false => (0..text.len()).filter(|&i| text.is_missing(i, j)).count(),
    }
}

/// Chooses what is stored as 0 and as 1, where f32 would lose what the numbers differ by.
pub(super) fn set_offset(column: &mut Column, values: impl Iterator<Item = f64>) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values {
        (low, high) = (low.min(v), high.max(v));
    }
    let size = low.abs().max(high.abs());
    if size > 1e30 || (size < 1e-30 && size > 0.0) {
        column.unit = 10f64.powi(size.log10().floor() as i32);
        return;
    }
    let step = match (&column.kind, column.format.as_ref().and_then(|f| f.places)) {
        (ColumnKind::Continuous, Some(places)) => 0.1f64.powi(i32::from(places)),
        // Digits that nobody counted.
        (ColumnKind::Continuous, None) => size * 1e-10,
        _ => 1.0,
    };
    // Where numbers are far from 0 and near to each other, their distances have the digits.
    if size > EXACT * step && (high - low) * 16.0 <= size {
        column.offset = low;
    }
}

fn check_finite(
    text: &Text,
    j: usize,
    rows: &[usize],
    format: &NumberFormat,
) -> Result<(), DataError> {
    let infinite = |&&i: &&usize| {
        !text.is_missing(i, j) && format.parse(text.raw(i, j)).is_some_and(|v| !v.is_finite())
    };
    match rows.iter().find(infinite) {
        None => Ok(()),
        Some(&i) => {
            let message = format!(
                "`{}` is not a finite number: correct it, or leave the cell empty if the value is \
                 not known",
                text.raw(i, j)
            );
            Err(text.cell_error(i, j, message))
        }
    }
}

/// Refuses a column where most cells are numbers and some are not: a typing mistake more often than
/// a category. Codes, which are numbers all of them, are no mistake.
fn check_mostly_numbers(text: &Text, j: usize, rows: &[usize]) -> Result<(), DataError> {
    let (mut numbers, mut texts, mut first_text) = (0usize, 0usize, None);
    for &i in rows {
        match text.cell(i, j) {
            Cell::Missing => {}
            Cell::Number(_) => numbers += 1,
            Cell::Text(_) => {
                texts += 1;
                first_text = first_text.or(Some(i));
            }
        }
    }
    let Some(i) = first_text.filter(|_| numbers > texts) else {
        return Ok(());
    };
    let hint = match i {
        0 if !text.named => "give header=yes if this line names the columns, else ",
        _ => "",
    };
    let (cell, name) = (text.raw(i, j), &text.names[j]);
    let message = format!(
        "`{cell}` is not a number, and {numbers} of {} cells are: {hint}correct it, or give \
         na={cell} if it stands for a missing value, or categorical={name}",
        numbers + texts
    );
    Err(text.cell_error(i, j, message))
}

/// The distinct texts of a column: sorted as numbers where all are, as text where not.
pub(super) fn categories(text: &Text, j: usize, rows: &[usize]) -> Result<Vec<String>, DataError> {
    let mut seen = HashSet::new();
    for cell in present(text, j, rows) {
        if seen.insert(cell) && seen.len() > MAX_CATEGORIES {
            let message = format!(
                "holds more than {MAX_CATEGORIES} different texts: leave it out with drop={}",
                text.names[j]
            );
            return Err(text.column_error(j, message));
        }
    }
    let mut list: Vec<String> = seen.into_iter().map(str::to_string).collect();
    sort_names(&mut list);
    Ok(list)
}

/// Sorts names as numbers where all are, as text where not.
pub(crate) fn sort_names(names: &mut [String]) {
    let number = |s: &String| s.parse::<f64>().ok();
    match names.iter().all(|s| number(s).is_some()) {
        true => names.sort_by(|a, b| {
            let (x, y) = (number(a).unwrap_or(0.0), number(b).unwrap_or(0.0));
            f64::total_cmp(&x, &y).then_with(|| a.cmp(b))
        }),
        false => names.sort(),
    }
}
