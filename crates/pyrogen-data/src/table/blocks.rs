//! A piece of text into rows of cells, by all threads.

use rayon::prelude::*;

use super::rows::{Rows, Splitter, Wrong};

/// Bytes that a thread takes at a time.
const BLOCK: usize = 1 << 18;

/// Takes a piece apart as [`Splitter::feed`] does, and gives its rows in blocks. Text without a quote is cut
/// at line ends, and each block is split by a thread of its own: in such text a line end always ends a row.
pub(super) fn feed(
    splitter: &mut Splitter,
    text: &str,
    last: bool,
) -> Result<(Vec<Rows>, usize), Wrong> {
    let end = if last { text.len() } else { text.rfind('\n').map_or(0, |at| at + 1) };
    let quoted = text.as_bytes().contains(&b'"');
    if end < 2 * BLOCK || quoted || !splitter.rows_stand_alone() {
        let mut rows = Rows::default();
        let taken = splitter.feed(text, last, &mut rows)?;
        return Ok((vec![rows], taken));
    }
    let split = |block: &str| {
        let (mut own, mut rows) = (splitter.fresh(), Rows::default());
        let outcome = own.feed(block, true, &mut rows);
        (own, outcome.map(|_| rows))
    };
    let parts: Vec<(Splitter, Result<Rows, Wrong>)> =
        cut(&text[..end]).into_par_iter().map(split).collect();
    let mut blocks = Vec::with_capacity(parts.len());
    for (own, rows) in parts {
        let before = splitter.line - 1;
        let mut rows = rows.map_err(|wrong| wrong.behind(before))?;
        rows.move_lines(before);
        splitter.go_on(&own);
        blocks.push(rows);
    }
    Ok((blocks, end))
}

/// Cuts text behind line ends into parts of about [`BLOCK`] bytes.
fn cut(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > BLOCK {
        // A line end is one byte, so what follows it begins a character.
        let Some(at) = rest.as_bytes()[BLOCK..].iter().position(|&b| b == b'\n') else { break };
        let (part, others) = rest.split_at(BLOCK + at + 1);
        parts.push(part);
        rest = others;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Dialect;
    use super::*;

    type Line = (u64, Vec<String>);

    fn list(blocks: &[Rows]) -> Vec<Line> {
        let of = |rows: &Rows| -> Vec<Line> {
            let cells = |i| rows.row(i).map(str::to_string).collect();
            (0..rows.len()).map(|i| (rows.line(i), cells(i))).collect()
        };
        blocks.iter().flat_map(of).collect()
    }

    /// Rows of three cells with comments, blank lines, other line ends and characters of several bytes
    /// among them.
    fn text(rows: usize, quoted: bool) -> String {
        let mut text = String::from("a,b,c\n");
        for i in 0..rows {
            text += match i % 97 {
                3 => "# comment, of three, cells\n",
                5 => "\n",
                7 => "  \r\n",
                _ => "",
            };
            let end = if i % 89 == 0 { "\r\n" } else { "\n" };
            text += &format!("{i},ä{},{}{end}", i * 7 % 13, i % 3);
        }
        if quoted {
            text += "1,\"2\n3\",4\n";
        }
        text + "5,6,7"
    }

    #[test]
    fn blocks_give_the_rows_of_the_whole() {
        let dialect = Dialect { delimiter: ',', comment: Some('#') };
        for (quoted, last) in [(false, true), (false, false), (true, true)] {
            let text = text(120_000, quoted);
            let first = text.find('\n').unwrap() + 1;
            let start = || {
                let (mut splitter, mut rows) = (Splitter::new(dialect), Rows::default());
                splitter.feed(&text[..first], false, &mut rows).unwrap();
                splitter
            };
            let (mut one, mut whole) = (start(), Rows::default());
            let taken = one.feed(&text[first..], last, &mut whole).unwrap();
            let mut other = start();
            let (blocks, same) = feed(&mut other, &text[first..], last).unwrap();
            assert_eq!(blocks.len() > 2, !quoted);
            assert_eq!((same, other.line, other.comments), (taken, one.line, one.comments));
            assert!(list(&blocks) == list(&[whole]), "quoted: {quoted}, last: {last}");
        }
    }

    #[test]
    fn a_line_that_is_too_wide_is_named() {
        let mut text = "1,2\n".repeat(BLOCK);
        text += &",".repeat(200_000);
        let dialect = Dialect { delimiter: ',', comment: None };
        let mut splitter = Splitter::new(dialect);
        splitter.feed("a,b\n", false, &mut Rows::default()).unwrap();
        let wrong = feed(&mut splitter, &text, true).unwrap_err();
        assert_eq!(wrong, Wrong::Columns(BLOCK as u64 + 2));
    }
}
