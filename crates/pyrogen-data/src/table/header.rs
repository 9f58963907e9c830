//! Whether the first line of a table names its columns.

use super::options::Header;
use super::rows::Rows;
use super::words::Words;

/// The names of the columns, where the first row holds them.
pub(super) fn names(rows: &Rows, header: Header, words: &Words) -> Option<Vec<String>> {
    if rows.len() == 0 {
        return None;
    }
    let has = match header {
        Header::Yes => true,
        Header::No => false,
        Header::Detect => is_header(rows, words),
    };
    let name = |(j, cell): (usize, &str)| match cell {
        "" => numbered(j),
        // NumPy writes headers as comments.
        cell if j == 0 => cell.trim_start_matches('#').trim_start().to_string(),
        cell => cell.to_string(),
    };
    has.then(|| rows.row(0).enumerate().map(name).collect())
}

/// The name of a column without one.
pub(super) fn numbered(j: usize) -> String {
    format!("column{}", j + 1)
}

/// Rows that are looked at.
pub(super) const SAMPLE: usize = 10_000;

/// The rule that [`Header::Detect`] documents.
fn is_header(rows: &Rows, words: &Words) -> bool {
    let number = |cell: &str| !words.is_missing(cell) && cell.parse::<f64>().is_ok();
    let first: Vec<&str> = rows.row(0).collect();
    if first.iter().all(|cell| words.is_missing(cell)) {
        return false;
    }
    let others = || (1..rows.len().min(SAMPLE)).map(|i| rows.row(i));
    if first.iter().any(|cell| number(cell)) {
        return rows.len() > 1
            && counts_up(&first)
            && !others().take(3).any(|row| counts_up(&row.collect::<Vec<_>>()))
            && (many_numbers(&first)
                || others().all(|row| {
                    row.zip(&first)
                        .all(|(cell, name)| !number(name) || cell.contains('.') || cell.is_empty())
                }));
    }
    if others().any(|mut row| row.any(number)) {
        return true;
    }
    // All text: names are not repeated below themselves.
    !others().any(|row| row.zip(&first).any(|(a, b)| a == *b))
}

/// Whether the numbers of a row are whole and each is one more than the one before, as names that are
/// numbers are.
fn counts_up(row: &[&str]) -> bool {
    let is_number = |cell: &&&str| cell.parse::<f64>().is_ok();
    let numbers: Option<Vec<u64>> =
        row.iter().filter(is_number).map(|cell| cell.parse().ok()).collect();
    let ascend = |numbers: Vec<u64>| {
        numbers.len() > 1 && numbers.windows(2).all(|w| w[0].checked_add(1) == Some(w[1]))
    };
    numbers.is_some_and(ascend)
}

/// Three numbers or more that count up are hardly values.
fn many_numbers(row: &[&str]) -> bool {
    row.iter().filter(|cell| cell.parse::<u64>().is_ok()).count() > 2
}
