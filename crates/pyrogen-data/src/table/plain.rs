//! Columns of plain numbers, which most are, in one pass over their texts.

use std::collections::HashMap;

use super::format::NumberFormat;
use super::infer::{self, Wish};
use super::schema::{Column, ColumnKind};
use super::text::Text;
use crate::data::Cells;

/// The column `j` with its cells where its texts are plain finite numbers (`-1.5`, `2e3`) and need no second
/// look; none where they may be something else: codes, days, counts of the rows. What is found is what
/// [`infer::column`] finds.
pub(super) fn column(text: &Text, j: usize, rows: &[usize], wish: Wish) -> Option<(Column, Cells)> {
    if wish.categorical || text.is_text(j) {
        return None;
    }
    let mut scan = Scan::new(rows.len());
    for &i in rows {
        scan.add(text.raw(i, j), text.is_missing(i, j))?;
    }
    if scan.known == 0 {
        return None;
    }
    let counts = |numbers: &[i64]| {
        let numbers = numbers.iter().filter(|v| **v != Cells::MISSING).map(|v| Some(*v));
        !wish.keep && infer::is_index(&text.names[j], numbers)
    };
    if scan.integers.as_ref().is_some_and(|numbers| counts(numbers)) {
        return None;
    }
    let mut format = NumberFormat::default();
    if !scan.exponents {
        format.set_places(scan.least, scan.most);
    }
    let kind = match scan.integers {
        Some(_) => ColumnKind::Integer,
        None => ColumnKind::Continuous,
    };
    let mut column = Column {
        missing: infer::missing(text, j, rows, rows.len() - scan.known),
        blanks: infer::by_count(scan.blanks),
        format: Some(format),
        ..Column::new(&text.names[j], kind)
    };
    infer::set_offset(&mut column, [scan.low, scan.high].into_iter());
    let cells = match scan.integers {
        Some(numbers) => Cells::Integers(numbers),
        None => Cells::Numbers(scan.numbers),
    };
    Some((column, cells))
}

/// Every number of so many digits is one of i64.
const MOST_DIGITS: usize = 18;

/// What the texts so far are.
struct Scan<'a> {
    numbers: Vec<f64>,
    /// The numbers, as long as all of them are whole.
    integers: Option<Vec<i64>>,
    /// Numbers that are not missing.
    known: usize,
    blanks: HashMap<&'a str, usize>,
    exponents: bool,
    /// The fewest and the most digits behind the point.
    least: usize,
    most: usize,
    low: f64,
    high: f64,
}

impl<'a> Scan<'a> {
    fn new(rows: usize) -> Self {
        Self {
            numbers: Vec::with_capacity(rows),
            integers: Some(Vec::with_capacity(rows)),
            known: 0,
            blanks: HashMap::new(),
            exponents: false,
            least: usize::MAX,
            most: 0,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
        }
    }

    /// Takes a text; none where the column is not one of plain numbers.
    fn add(&mut self, cell: &'a str, missing: bool) -> Option<()> {
        if missing {
            *self.blanks.entry(cell).or_default() += 1;
            self.numbers.push(f64::NAN);
            self.integers.iter_mut().for_each(|v| v.push(Cells::MISSING));
            return Some(());
        }
        let number: f64 = cell.parse().ok().filter(|v: &f64| v.is_finite())?;
        let bytes = cell.as_bytes();
        let (mut point, mut digits) = (None, true);
        for (at, byte) in bytes.iter().enumerate() {
            digits &= byte.is_ascii_digit();
            match byte {
                b'.' => point = Some(at),
                b'e' | b'E' => self.exponents = true,
                _ => {}
            }
        }
        // A code with a leading zero or more digits than numbers have; a day such as 20240131.
        let zero = bytes.len() > 1 && bytes[0] == b'0';
        let day = self.known == 0 && bytes.len() == 8;
        if digits && (zero || day || bytes.len() > MOST_DIGITS) {
            return None;
        }
        let places = point.map_or(0, |at| bytes.len() - at - 1);
        (self.least, self.most) = (self.least.min(places), self.most.max(places));
        (self.low, self.high) = (self.low.min(number), self.high.max(number));
        self.known += 1;
        self.numbers.push(number);
        if point.is_some() || self.exponents {
            self.integers = None;
        } else if let Some(integers) = &mut self.integers {
            integers.push(cell.parse::<i64>().ok().filter(|v| *v != Cells::MISSING)?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::infer::Found;
    use super::super::options::CsvOptions;
    use super::*;

    /// What the general way finds of the same column.
    fn slowly(text: &Text, rows: &[usize]) -> Option<(Column, Cells)> {
        match infer::column(text, 0, rows, Wish::default()) {
            Ok(Found::Column(column)) => {
                let cells = super::super::read::cells(text, rows, 0, &column);
                Some((column, cells))
            }
            _ => None,
        }
    }

    #[test]
    fn one_pass_finds_what_many_do() {
        let long = "123456789012345678901234567890";
        for (cells, plain) in [
            (&["1", "5", "-3", "+4", "-0"][..], true),
            (&["1.50", "2.25", "0.75"], true),
            (&["1.5", "NA", "2", "", "?", "NA"], true),
            (&["1", "NA", "20000001", "7"], true),
            (&["1e-51", "2.5e-50", "3"], true),
            (&["1700000000.25", "1700000001.5", "1700000000"], true),
            (&["1700000000", "1700000700", "1700000001"], true),
            (&["9007199254740993", "1", "2"], true),
            (&["-9223372036854775807", "1", "0"], true),
            (&[".5", "5.", "-.25"], true),
            (&["0.1234567890123456", "2"], true),
            (&["-9223372036854775808", "1", "0"], false),
            (&["20240131", "19991205", "20000101", "20000102", "20000103"], false),
            (&["12345678", "1.5", "3"], false),
            (&["1", "2", "3"], false),
            (&["07", "08", "10"], false),
            (&["1.5", long, "2"], false),
            (&["1e3", long, "2"], false),
            (&["1", "inf", "5"], false),
            (&["1", "x", "5"], false),
            (&["1,5", "2,5"], false),
            (&["12:30", "12:45"], false),
            (&["NA", "?"], false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t.csv");
            let lines: Vec<String> = cells.iter().map(|c| format!("\"{c}\",k")).collect();
            std::fs::write(&path, format!("a,b\n{}\n", lines.join("\n"))).unwrap();
            let text = Text::read(&path, &CsvOptions::default()).unwrap();
            // All rows, and without the first.
            for skip in [0, 1] {
                let rows: Vec<usize> = (skip..cells.len()).collect();
                let quick = column(&text, 0, &rows, Wish::default());
                assert!(skip == 1 || quick.is_some() == plain, "{cells:?}: {quick:?}");
                if quick.is_some() {
                    assert_eq!(quick, slowly(&text, &rows), "{cells:?}");
                }
            }
        }
    }
}
