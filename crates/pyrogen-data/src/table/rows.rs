//! CSV text into rows of cells, with the line where each begins.

use super::dialect::Dialect;

/// Most cells of a line.
pub(super) const MAX_COLUMNS: usize = 100_000;

/// Rows of cells, in one piece of text.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// The number of cells before each row, and the line where it begins.
    rows: Vec<(usize, u64)>,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    /// A quote is opened and not closed.
    Quote(u64),
    /// More cells than any table has.
    Columns(u64),
}

impl Wrong {
    /// The same so many lines further down.
    pub fn behind(self, lines: u64) -> Self {
        match self {
            Self::Quote(line) => Self::Quote(line + lines),
            Self::Columns(line) => Self::Columns(line + lines),
        }
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Cells of a row.
    pub fn width(&self, row: usize) -> usize {
        let end = self.rows.get(row + 1).map_or(self.ends.len(), |r| r.0);
        end - self.rows[row].0
    }

    /// The line where a row begins, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.rows[row].1
    }

    /// A cell without the blanks around it.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let at = self.rows[row].0 + column;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text[start..self.ends[at]].trim()
    }

    /// The cells of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        (0..self.width(row)).map(move |j| self.cell(row, j))
    }

    /// Takes text apart, see [`Splitter`].
    pub fn split(text: &str, dialect: &Dialect) -> Result<Self, Wrong> {
        let mut rows = Self::default();
        Splitter::new(*dialect).feed(text, true, &mut rows)?;
        Ok(rows)
    }

    /// Moves the rows so many lines down.
    pub fn move_lines(&mut self, lines: u64) {
        self.rows.iter_mut().for_each(|(_, line)| *line += lines);
    }

    /// Rows behind these.
    pub fn append(&mut self, other: &Self) {
        let (bytes, cells) = (self.text.len(), self.ends.len());
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end + bytes));
        self.rows.extend(other.rows.iter().map(|&(before, line)| (before + cells, line)));
    }

    fn push_empty(&mut self, line: u64) {
        self.rows.push((self.ends.len(), line));
        self.ends.push(self.text.len());
    }

    fn sizes(&self) -> (usize, usize, usize) {
        (self.text.len(), self.ends.len(), self.rows.len())
    }

    /// Forgets what came after these sizes.
    fn back_to(&mut self, (bytes, cells, rows): (usize, usize, usize)) {
        self.text.truncate(bytes);
        self.ends.truncate(cells);
        self.rows.truncate(rows);
    }
}

/// Takes text apart, piece by piece. Blank lines are left out, but in a table of one column, where each
/// is an empty cell, up to the last line that is not blank.
#[derive(Debug)]
pub(super) struct Splitter {
    dialect: Dialect,
    /// The line where the next piece begins.
    pub line: u64,
    /// Lines that are comments.
    pub comments: usize,
    /// Blank lines behind the last row.
    blanks: Vec<u64>,
    /// Cells of the first row.
    width: Option<usize>,
}

impl Splitter {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, line: 1, comments: 0, blanks: Vec::new(), width: None }
    }

    /// Whether what a line means does not depend on the lines before it, but for quotes.
    pub fn rows_stand_alone(&self) -> bool {
        self.width.is_some_and(|width| width != 1)
    }

    /// A splitter for a part of the rest, which counts lines from 1.
    pub fn fresh(&self) -> Self {
        Self { width: self.width, ..Self::new(self.dialect) }
    }

    /// Goes on behind what a [`fresh`](Self::fresh) splitter read.
    pub fn go_on(&mut self, part: &Self) {
        self.line += part.line - 1;
        self.comments += part.comments;
    }

    /// Appends the rows of a piece to `rows`, and gives how many of its bytes were taken: of a piece that
    /// is not the last one, what may go on in the next is left.
    pub fn feed(&mut self, text: &str, last: bool, rows: &mut Rows) -> Result<usize, Wrong> {
        let mut scan = Scan { bytes: text.as_bytes(), at: 0, line: self.line };
        while scan.at < scan.bytes.len() {
            let (start, line, sizes) = (scan.at, scan.line, rows.sizes());
            let kind = self.one(text, &mut scan, rows);
            let open = scan.at == scan.bytes.len() && !text.ends_with('\n');
            match kind {
                Err(Wrong::Quote(_)) if !last => {
                    rows.back_to(sizes);
                    return Ok(start);
                }
                Ok(_) if open && !last => {
                    rows.back_to(sizes);
                    return Ok(start);
                }
                kind => self.keep(kind?, line, rows),
            }
            self.line = scan.line;
        }
        Ok(scan.at)
    }

    /// Reads a line or a row.
    fn one(&self, text: &str, scan: &mut Scan, rows: &mut Rows) -> Result<Kind, Wrong> {
        if self.dialect.comment.is_some_and(|mark| text[scan.at..].starts_with(mark)) {
            scan.skip_line();
            return Ok(Kind::Comment);
        }
        if scan.is_blank_line() {
            scan.skip_line();
            return Ok(Kind::Blank);
        }
        if self.width == Some(1) {
            self.blanks.iter().for_each(|&line| rows.push_empty(line));
        }
        rows.rows.push((rows.ends.len(), scan.line));
        scan.record(text, &self.dialect, rows)?;
        Ok(Kind::Row)
    }

    fn keep(&mut self, kind: Kind, line: u64, rows: &Rows) {
        match kind {
            Kind::Comment => self.comments += 1,
            Kind::Blank => self.blanks.push(line),
            Kind::Row => {
                self.blanks.clear();
                let width = rows.width(rows.len() - 1);
                self.width.get_or_insert(width);
            }
        }
    }
}

/// What was read.
enum Kind {
    Comment,
    Blank,
    Row,
}

/// Reads text from the beginning.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over a line end: `\n`, `\r\n` or `\r`.
    fn line_end(&mut self) {
        let pair = self.bytes[self.at..].starts_with(b"\r\n");
        self.at += 1 + usize::from(pair);
        self.line += 1;
    }

    fn skip_line(&mut self) {
        while !matches!(self.peek(), None | Some(b'\n' | b'\r')) {
            self.at += 1;
        }
        if self.peek().is_some() {
            self.line_end();
        }
    }

    /// Whether only blanks stand before the next line end.
    fn is_blank_line(&self) -> bool {
        let rest = &self.bytes[self.at..];
        let blank = rest.iter().take_while(|b| **b == b' ').count();
        matches!(rest.get(blank), None | Some(b'\n' | b'\r'))
    }

    /// Reads a row with its line end.
    fn record(&mut self, text: &str, dialect: &Dialect, out: &mut Rows) -> Result<(), Wrong> {
        let (line, first) = (self.line, out.ends.len());
        loop {
            self.cell(text, dialect, out)?;
            out.ends.push(out.text.len());
            if out.ends.len() - first > MAX_COLUMNS {
                return Err(Wrong::Columns(line));
            }
            match self.peek() {
                None => return Ok(()),
                Some(b'\n' | b'\r') => {
                    self.line_end();
                    return Ok(());
                }
                // The delimiter, which is one byte.
                Some(_) => self.at += 1,
            }
        }
    }

    /// Reads a cell up to the delimiter or line end behind it.
    fn cell(&mut self, text: &str, dialect: &Dialect, out: &mut Rows) -> Result<(), Wrong> {
        let delimiter = dialect.delimiter as u8;
        let blanks = self.bytes[self.at..].iter().take_while(|b| **b == b' ').count();
        if delimiter != b' ' && self.bytes.get(self.at + blanks) == Some(&b'"') {
            self.at += blanks + 1;
            self.quoted(text, out)?;
        }
        let start = self.at;
        while self.peek().is_some_and(|b| b != delimiter && b != b'\n' && b != b'\r') {
            self.at += 1;
        }
        out.text.push_str(&text[start..self.at]);
        Ok(())
    }

    /// Reads what is quoted, behind the opening quote, with the closing one.
    fn quoted(&mut self, text: &str, out: &mut Rows) -> Result<(), Wrong> {
        let line = self.line;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b != b'"') {
                match self.peek() {
                    Some(b'\n' | b'\r') => self.line_end(),
                    _ => self.at += 1,
                }
            }
            out.text.push_str(&text[start..self.at]);
            match self.bytes[self.at..] {
                [b'"', b'"', ..] => {
                    out.text.push('"');
                    self.at += 2;
                }
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Wrong::Quote(line)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(delimiter: char) -> Dialect {
        Dialect { delimiter, comment: Some('#') }
    }

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        let rows = Rows::split(text, &dialect(',')).unwrap();
        (0..rows.len()).map(|i| (rows.line(i), rows.row(i).map(str::to_string).collect())).collect()
    }

    #[test]
    fn cells_are_those_that_the_format_says() {
        for (text, expected) in [
            ("a,b\n1,2", vec![(1, vec!["a", "b"]), (2, vec!["1", "2"])]),
            ("a,b\r\n1,2\r\n", vec![(1, vec!["a", "b"]), (2, vec!["1", "2"])]),
            ("a\rb\r", vec![(1, vec!["a"]), (2, vec!["b"])]),
            (",\n", vec![(1, vec!["", ""])]),
            ("\"a,\"\"b\"\"\nc\",d\ne,f", vec![(1, vec!["a,\"b\"\nc", "d"]), (3, vec!["e", "f"])]),
            ("a, \"b c\" ,5\" pipe", vec![(1, vec!["a", "b c", "5\" pipe"])]),
            ("\"a\"b,c", vec![(1, vec!["ab", "c"])]),
            // Blank lines are no rows, unless there is one column; those at the end never are.
            ("a,b\n\n\n1,2\n\n", vec![(1, vec!["a", "b"]), (4, vec!["1", "2"])]),
            ("x\n\n1\n\n\n", vec![(1, vec!["x"]), (2, vec![""]), (3, vec!["1"])]),
            ("# by hand\nä,ö\n#x\n1,2", vec![(2, vec!["ä", "ö"]), (4, vec!["1", "2"])]),
            ("", vec![]),
        ] {
            let expected: Vec<(u64, Vec<String>)> = expected
                .into_iter()
                .map(|(n, cells)| (n, cells.into_iter().map(str::to_string).collect()))
                .collect();
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }

    #[test]
    fn pieces_give_the_rows_of_the_whole() {
        for text in [
            "a,b\r\n\"1\n\"\"x\",2\r\n\r\n# c\n3,ä\n\n4,\"5,\"",
            "x\n\n\n1\r\r2\n\n",
            "#a\n#b\nü,ö\n",
        ] {
            let whole = Rows::split(text, &dialect(',')).unwrap();
            let list = |rows: &Rows| -> Vec<(u64, Vec<String>)> {
                let cells = |i| rows.row(i).map(str::to_string).collect();
                (0..rows.len()).map(|i| (rows.line(i), cells(i))).collect()
            };
            // Each piece ends at any character, and what is left begins the next.
            for size in 1..=text.chars().count() {
                let (mut splitter, mut all) = (Splitter::new(dialect(',')), Rows::default());
                let (mut from, mut to) = (0, 0);
                while to < text.len() {
                    let more = text[to..].char_indices().nth(size).map_or(text.len() - to, |c| c.0);
                    to += more;
                    let mut rows = Rows::default();
                    let last = to == text.len();
                    from += splitter.feed(&text[from..to], last, &mut rows).unwrap();
                    all.append(&rows);
                }
                assert_eq!(list(&all), list(&whole), "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_table_is_refused() {
        assert_eq!(Rows::split("a\n\"b\nc", &dialect(',')).unwrap_err(), Wrong::Quote(2));
        let wide = ",".repeat(50_000_000);
        assert_eq!(Rows::split(&wide, &dialect(',')).unwrap_err(), Wrong::Columns(1));
    }
}
