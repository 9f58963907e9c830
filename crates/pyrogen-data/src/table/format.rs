//! How numbers are written: decimal commas, thousands, currencies, per cents, places.

use serde::{Deserialize, Serialize};

/// How the numbers of a column are written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberFormat {
    /// A comma stands between whole and fraction, not a point.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
    /// What stands between groups of three digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// What stands before the digits: `$`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What stands behind the digits: `%`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// The most digits behind the point; none where numbers have exponents or more digits than
    /// people write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<u8>,
    /// Whether every number has so many.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
}

/// More digits behind the point are an arithmetic's, not a person's.
const MOST_PLACES: usize = 12;

impl NumberFormat {
    /// The format of texts that are all numbers of one format, and whether they are whole; none
    /// where they are not. `decimal_comma` is what a comma is taken for where it could be either.
    ///
    /// Plain numbers (`-1.5`, `2e3`) are one format; others have digits with separators, and may have
    /// one currency sign or per cent sign.
    pub(super) fn find<'a>(
        cells: impl Iterator<Item = &'a str> + Clone,
        decimal_comma: bool,
    ) -> Option<(Self, bool)> {
        if cells.clone().all(|cell| cell.parse::<f64>().is_ok()) {
            return Some(plain(cells));
        }
        let mut parts = cells.clone().map(Parts::of);
        let first = parts.next()??;
        let (mut prefix, mut suffix) = (first.prefix, first.suffix);
        for part in parts {
            let part = part?;
            // A zero or a negative number may be written without its sign.
            let merge = |a: &mut &'a str, b: &'a str| {
                if a.is_empty() {
                    *a = b;
                }
                b.is_empty() || *a == b
            };
            if !merge(&mut prefix, part.prefix) || !merge(&mut suffix, part.suffix) {
                return None;
            }
        }
        let bodies = || cells.clone().filter_map(Parts::of).map(|part| part.body);
        let (decimal_comma, thousands) = separators(bodies(), decimal_comma)?;
        let mut out = Self { decimal_comma, thousands, ..Self::default() };
        (out.prefix, out.suffix) = (prefix.to_string(), suffix.to_string());
        if !cells.clone().all(|cell| out.parse(cell).is_some()) {
            return None;
        }
        let point = if decimal_comma { ',' } else { '.' };
        out.count_places(bodies().map(|body| body.split_once(point).map_or(0, |(_, d)| d.len())));
        let whole = out.places == Some(0);
        Some((out, whole))
    }

    fn count_places(&mut self, places: impl Iterator<Item = usize> + Clone) {
        let most = places.clone().max().unwrap_or(0);
        self.set_places(places.min().unwrap_or(0), most);
    }

    /// Sets the digits behind the point from the fewest and the most that there are.
    pub(super) fn set_places(&mut self, least: usize, most: usize) {
        self.places = u8::try_from(most).ok().filter(|_| most <= MOST_PLACES);
        self.fixed = most > 0 && self.places.is_some() && least == most;
    }

    /// Whether numbers stand alone, with a point.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self { places: self.places, fixed: self.fixed, ..Self::default() }
    }

    /// A text in this format as a number.
    pub fn parse(&self, cell: &str) -> Option<f64> {
        if self.is_plain() {
            return cell.parse().ok();
        }
        let part = Parts::of(cell)?;
        let fits = |a: &str, b: &str| a.is_empty() || a == b;
        if !fits(part.prefix, &self.prefix) || !fits(part.suffix, &self.suffix) {
            return None;
        }
        let point = if self.decimal_comma { ',' } else { '.' };
        let (whole, fraction) = part.body.split_once(point).unwrap_or((part.body, ""));
        let mut digits = String::with_capacity(part.body.len() + 1);
        if part.negative {
            digits.push('-');
        }
        let mut groups = whole.split(|c| Some(c) == self.thousands);
        let first = groups.next()?;
        digits.push_str(first);
        for group in groups {
            if first.is_empty() || first.len() > 3 || group.len() != 3 {
                return None;
            }
            digits.push_str(group);
        }
        digits.push('.');
        digits.push_str(fraction);
        let is_number =
            digits.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if is_number { digits.parse().ok() } else { None }
    }

    /// A number in this format.
    pub fn print(&self, value: f64) -> String {
        let Some(places) = self.places else {
            return shortest(value);
        };
        let mut digits = format!("{:.*}", usize::from(places), value.abs());
        if !self.fixed && digits.contains('.') {
            let trimmed = digits.trim_end_matches('0').trim_end_matches('.').len();
            digits.truncate(trimmed);
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let mut out = String::new();
        let is_zero = digits.bytes().all(|b| b == b'0' || b == b'.');
        if value < 0.0 && !is_zero {
            out.push('-');
        }
        out.push_str(&self.prefix);
        for (i, digit) in whole.chars().enumerate() {
            let left = whole.len() - i;
            if let Some(mark) = self.thousands.filter(|_| i > 0 && left % 3 == 0) {
                out.push(mark);
            }
            out.push(digit);
        }
        if !fraction.is_empty() {
            out.push(if self.decimal_comma { ',' } else { '.' });
            out.push_str(fraction);
        }
        out.push_str(&self.suffix);
        out
    }
}

/// A number with as few digits as give it back; very small and very large ones with an exponent.
pub(super) fn shortest(value: f64) -> String {
    let size = value.abs();
    match size != 0.0 && !(1e-5..1e17).contains(&size) {
        true => format!("{value:e}"),
        // `+ 0.0` turns -0 into 0.
        false => (value + 0.0).to_string(),
    }
}

/// The format of numbers that Rust reads, and whether they are whole.
fn plain<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> (NumberFormat, bool) {
    let mut out = NumberFormat::default();
    if cells.clone().any(|cell| cell.contains(['e', 'E', 'n', 'N'])) {
        return (out, false);
    }
    let places = |cell: &str| cell.split_once('.').map_or(0, |(_, digits)| digits.len());
    out.count_places(cells.clone().map(places));
    (out, cells.clone().all(|cell| !cell.contains('.')))
}

/// A number with what stands around it.
struct Parts<'a> {
    negative: bool,
    prefix: &'a str,
    body: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn of(cell: &'a str) -> Option<Self> {
        let start = cell.find(|c: char| c.is_ascii_digit())?;
        let end = cell.rfind(|c: char| c.is_ascii_digit())? + 1;
        let (head, rest) = cell.split_at(start);
        let (mut body, suffix) = rest.split_at(end - start);
        // A fraction without a whole: `.5`.
        let mut head = head;
        if let Some(before) = head.strip_suffix('.') {
            head = before;
            body = &cell[start - 1..end];
        }
        let mut brackets = false;
        let mut suffix = suffix;
        // Accountants write a negative number in brackets.
        if let (Some(h), Some(s)) = (head.strip_prefix('('), suffix.strip_suffix(')')) {
            (head, suffix, brackets) = (h, s, true);
        }
        let minus = ['-', '\u{2212}'];
        let prefix = head.trim_start_matches('+').trim_start_matches(minus).trim_end_matches(minus);
        let signs = head.chars().filter(|c| minus.contains(c)).count();
        let known = |text: &str, marks: &[&str]| text.is_empty() || marks.contains(&text.trim());
        if signs > 1
            || !known(prefix, &CURRENCIES)
            || !(known(suffix, &CURRENCIES) || suffix.trim() == "%")
        {
            return None;
        }
        let negative = brackets || signs == 1;
        body.bytes().all(|b| b.is_ascii_digit() || b" .,'".contains(&b)).then_some(Self {
            negative,
            prefix,
            body,
            suffix,
        })
    }
}

/// Signs of money.
const CURRENCIES: [&str; 10] = ["$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "US$"];

/// Whether a comma is the decimal mark, and the mark of thousands.
fn separators<'a>(
    bodies: impl Iterator<Item = &'a str> + Clone,
    decimal_comma: bool,
) -> Option<(bool, Option<char>)> {
    let grouped = |body: &str, mark: char| {
        let mut groups = body.split(mark);
        let first = groups.next().unwrap_or("");
        (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
    };
    let has = |mark: char| bodies.clone().any(|body| body.contains(mark));
    let other = [' ', '\''].into_iter().find(|&mark| has(mark));
    match (has(','), has('.')) {
        (false, false) | (false, true) if other.is_some() => Some((false, other)),
        (false, false) => Some((false, None)),
        (true, true) => {
            // The mark that comes last is the decimal one.
            let comma_last = |body: &str| Some(body.rfind(',')? > body.rfind('.')?);
            let votes: Vec<bool> = bodies.clone().filter_map(comma_last).collect();
            let comma = votes.iter().all(|&v| v) && !votes.is_empty();
            let point = votes.iter().all(|&v| !v) && !votes.is_empty();
            // In different cells: thousands are in groups of three.
            let by_groups = bodies.clone().filter(|b| b.contains(',')).all(|b| grouped(b, ','));
            match (comma, point) {
                (true, _) => Some((true, Some('.'))),
                (_, true) => Some((false, Some(','))),
                _ if votes.is_empty() && by_groups => Some((false, Some(','))),
                _ => None,
            }
        }
        (true, false) => {
            let with_comma = || bodies.clone().filter(|body| body.contains(','));
            let thousands = with_comma().all(|body| grouped(body, ','));
            let decimal = with_comma().all(|body| body.matches(',').count() == 1);
            match (thousands, decimal) {
                (true, true) if decimal_comma => Some((true, other)),
                (true, _) => Some((false, Some(','))),
                (false, true) => Some((true, other)),
                (false, false) => None,
            }
        }
        (false, true) => {
            let once = bodies.clone().all(|body| body.matches('.').count() <= 1);
            let grouped = bodies.clone().filter(|b| b.contains('.')).all(|b| grouped(b, '.'));
            match (once, grouped) {
                (true, _) => Some((false, None)),
                (false, true) => Some((true, Some('.'))),
                (false, false) => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(cells: &[&str], comma: bool) -> Option<(NumberFormat, bool)> {
        NumberFormat::find(cells.iter().copied(), comma)
    }

    #[test]
    fn numbers_are_read_and_written_as_people_write_them() {
        for (cells, values) in [
            (&["3,262.06", "1,503.73", "-12.50"][..], &[3262.06, 1503.73, -12.5][..]),
            (&["$3,262.06", "-$0.50", "$1,000,000.00"], &[3262.06, -0.5, 1e6]),
            (&["46.5%", "2.6%", "-3.0%"], &[46.5, 2.6, -3.0]),
            (&["58,99", "98,74"], &[58.99, 98.74]),
            (&["1.234,50", "12,00", "1.000.000,25"], &[1234.5, 12.0, 1_000_000.25]),
            (&["1,234", "2,000", "17"], &[1234.0, 2000.0, 17.0]),
            (&["1.234.567", "2.000"], &[1_234_567.0, 2000.0]),
            (&["1 234,5 €", "20,0 €"], &[1234.5, 20.0]),
            (&["1'234.50", "7.25"], &[1234.5, 7.25]),
            (&["12", "0.25", "-3"], &[12.0, 0.25, -3.0]),
            (&["14.70", "18.05"], &[14.7, 18.05]),
        ] {
            let (format, _) = find(cells, false).unwrap_or_else(|| panic!("{cells:?}"));
            for (cell, value) in cells.iter().zip(values) {
                assert_eq!(format.parse(cell), Some(*value), "{cell}");
                assert_eq!(format.print(*value), *cell, "{format:?}");
            }
        }
    }

    #[test]
    fn brackets_and_missing_signs_are_read() {
        let (format, _) = find(&["$1,250", "(300)", "$5"], false).unwrap();
        assert_eq!(format.parse("(300)"), Some(-300.0));
        assert_eq!(format.print(-300.0), "-$300");
    }

    #[test]
    fn a_comma_that_could_be_either_goes_by_the_file() {
        assert_eq!(find(&["1,234", "2,500"], false).unwrap().0.parse("1,234"), Some(1234.0));
        assert_eq!(find(&["1,234", "2,500"], true).unwrap().0.parse("1,234"), Some(1.234));
    }

    #[test]
    fn texts_are_no_numbers() {
        for cells in [
            &["a1", "b2"][..],
            &["1,23,4", "5"],
            &["1.2.3", "4"],
            &["10 km", "5 km"],
            &["$5", "€5"],
            &["2024-01-31", "2024-02-01"],
            &["1,5", "1.5"],
            &["12:30", "12:45"],
            &["--5", "3,0"],
        ] {
            assert_eq!(find(cells, false), None, "{cells:?}");
        }
    }

    #[test]
    fn whole_numbers_are_known() {
        assert!(find(&["1", "-2"], false).unwrap().1);
        assert!(find(&["1,000", "2"], false).unwrap().1);
        for cells in [["1.0", "2"], ["1e3", "2"], ["inf", "2"]] {
            assert!(!find(&cells, false).unwrap().1, "{cells:?}");
        }
        let (format, whole) = find(&["1e-51", "2.5e-50"], false).unwrap();
        assert!(!whole && format.places.is_none());
        assert_eq!(format.print(2.5e-50), "2.5e-50");
        assert_eq!(format.print(-0.0), "0");
        let (format, _) = find(&["1.25", "3"], false).unwrap();
        assert_eq!(format.print(-0.001), "0");
        assert_eq!(format.print(2.5), "2.5");
    }
}
