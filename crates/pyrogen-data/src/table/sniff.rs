//! How the cells of a file are separated, found from its text.

use super::dialect::Dialect;
use super::rows::Rows;

/// Delimiters that are tried; the first is that of a file that has none.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// How much of a file is looked at.
const SAMPLE_BYTES: usize = 1 << 16;

impl Dialect {
    /// Finds what is not given.
    ///
    /// A delimiter that gives all lines of the beginning the same number of cells, more than one, is
    /// the delimiter; the comma before others, unless the cells between commas all hold another that
    /// does so, too (`1,5;2,5`). Lines at the top that begin with `#` are comments, unless the last of
    /// them has as many cells as the line below it: then it is the header.
    pub fn find(text: &str, delimiter: Option<char>, comment: Option<char>) -> Self {
        let top = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
        let marked = top.filter(|line| line.starts_with('#')).count();
        let sample = sample(text);
        let known = |comment: Option<char>| {
            let delimiter = delimiter.unwrap_or_else(|| find_delimiter(sample, comment));
            Self { delimiter, comment }
        };
        if comment.is_some() || marked == 0 {
            return known(comment);
        }
        let commented = known(Some('#'));
        let cells = |line: &str| {
            let rows = Rows::split(line, &Self { comment: None, ..commented });
            rows.map_or(0, |rows| if rows.len() == 1 { rows.width(0) } else { 0 })
        };
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty()).skip(marked - 1);
        let (last, below) = (lines.next().map_or(0, cells), lines.next().map_or(0, cells));
        let is_header = marked == 1 && last == below && last > 1;
        if is_header { known(None) } else { commented }
    }
}

/// The first lines, whole.
fn sample(text: &str) -> &str {
    if text.len() <= SAMPLE_BYTES {
        return text;
    }
    let mut end = SAMPLE_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text[..end].rfind('\n') {
        Some(line_end) => &text[..line_end + 1],
        None => &text[..end],
    }
}

fn find_delimiter(sample: &str, comment: Option<char>) -> char {
    let split = |delimiter| Rows::split(sample, &Dialect { delimiter, comment }).ok();
    // What share of the rows has the first row's number of cells, where that is more than one.
    let regular = |rows: &Rows| {
        let width = if rows.len() == 0 { 0 } else { rows.width(0) };
        let same = (0..rows.len()).filter(|&i| rows.width(i) == width).count();
        if width > 1 { same as f64 / rows.len() as f64 } else { 0.0 }
    };
    let found: Vec<(char, f64, Rows)> = DELIMITERS
        .into_iter()
        .filter_map(|d| split(d).map(|rows| (d, regular(&rows), rows)))
        .collect();
    let mut best = (DELIMITERS[0], 0.0);
    for (delimiter, share, _) in &found {
        if *share > best.1 {
            best = (*delimiter, *share);
        }
    }
    // Where another delimiter fits as well and stands in every row between commas, commas are those
    // of numbers.
    let other = found.iter().skip(1).find(|(_, share, _)| *share == 1.0 && best.0 == ',');
    if let (Some((delimiter, ..)), Some((',', _, commas))) = (other, found.first()) {
        let holds = |i: usize| commas.row(i).any(|cell| cell.contains(*delimiter));
        if (0..commas.len()).all(holds) {
            return *delimiter;
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        for (text, expected) in [
            ("a,b\n1,2\n", ','),
            ("a;b\n1;2\n", ';'),
            ("a;b\n1,5;2,5\n", ';'),
            ("1,5;2,5\n2,5;3,5\n", ';'),
            ("a\tb\n1\t2,3\n", '\t'),
            ("a|b|c\n1|2|3\n", '|'),
            ("name,genres\nx,a;b\ny,c;d\n", ','),
            ("x\n1\n2\n", ','),
            ("a,b\n1,2\n3\n", ','),
            ("\"a;b\",c\n\"d;e\",f\n", ','),
        ] {
            assert_eq!(Dialect::find(text, None, None).delimiter, expected, "{text:?}");
        }
        assert_eq!(Dialect::find("a,b\n", Some(';'), None).delimiter, ';');
    }

    #[test]
    fn comments_at_the_top_are_no_header() {
        let comment = |text: &str| Dialect::find(text, None, None).comment;
        assert_eq!(comment("# exported\n# by hand\na,b\n1,2\n"), Some('#'));
        assert_eq!(comment("# x,y\n1,2\n3,4\n"), None);
        assert_eq!(comment("a,b\n1,2\n#3,4\n"), None);
    }
}
