//! A file of cells, read piece by piece.

use std::io::Read;
use std::path::Path;

use super::blocks;
use super::dialect::Dialect;
use super::options::CsvOptions;
use super::rows::{MAX_COLUMNS, Rows, Splitter, Wrong};
use crate::DataError;
use crate::read::bytes;

/// Bytes that are read at a time.
const PIECE: usize = 1 << 23;

/// How a file was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    pub dialect: Dialect,
    /// Lines that are comments.
    pub comments: usize,
}

/// Hands over the rows of a file, some blocks at a time. The dialect is found in the first piece, where it is not
/// known.
pub(super) fn each(
    path: &Path,
    options: &CsvOptions,
    dialect: Option<Dialect>,
    f: &mut dyn FnMut(&[Rows]) -> Result<(), DataError>,
) -> Result<Pass, DataError> {
    let mut file = bytes::open(path)?;
    let mut buffer = Vec::new();
    let mut splitter: Option<(Dialect, Splitter)> = None;
    let (mut wanted, mut total) = (PIECE, 0);
    loop {
        let (missing, before) = (wanted - buffer.len(), buffer.len());
        let read = (&mut file).take(missing as u64).read_to_end(&mut buffer);
        read.map_err(|e| bytes::unreadable(path, &e))?;
        total += (buffer.len() - before) as u64;
        bytes::check_unpacked(path, total)?;
        let last = buffer.len() < wanted;
        if splitter.is_none() && buffer.starts_with(b"\xef\xbb\xbf") {
            buffer.drain(..3);
        }
        let line = splitter.as_ref().map_or(1, |(_, splitter)| splitter.line);
        let text = text(path, &buffer, last, line)?;
        let (_, splitter) = splitter.get_or_insert_with(|| {
            let find = || Dialect::find(text, options.delimiter, options.comment);
            let dialect = dialect.unwrap_or_else(find);
            (dialect, Splitter::new(dialect))
        });
        let (rows, taken) =
            blocks::feed(splitter, text, last).map_err(|wrong| wrong_line(path, &wrong))?;
        f(&rows)?;
        if last {
            break;
        }
        buffer.drain(..taken);
        // A row that is longer than a piece.
        wanted = if taken == 0 { 2 * buffer.len() } else { PIECE.max(2 * buffer.len()) };
    }
    let (dialect, splitter) = splitter.expect("a piece was read");
    Ok(Pass { dialect, comments: splitter.comments })
}

/// The text of a piece that begins on line `line`, up to a character that may go on in the next.
fn text<'a>(path: &Path, bytes: &'a [u8], last: bool, line: u64) -> Result<&'a str, DataError> {
    std::str::from_utf8(bytes).or_else(|error| {
        let good = &bytes[..error.valid_up_to()];
        match error.error_len() {
            None if !last => Ok(std::str::from_utf8(good).expect("checked")),
            _ => Err(DataError::NotUtf8 {
                path: path.to_path_buf(),
                line: line + line_ends(good),
                byte: None,
            }),
        }
    })
}

/// Line ends in text, as editors count: `\n`, `\r\n` and `\r`.
fn line_ends(text: &[u8]) -> u64 {
    let ends = text
        .iter()
        .enumerate()
        .filter(|&(i, &b)| b == b'\n' || (b == b'\r' && text.get(i + 1) != Some(&b'\n')));
    ends.count() as u64
}

fn wrong_line(path: &Path, wrong: &Wrong) -> DataError {
    let message = match wrong {
        Wrong::Quote(line) => format!("line {line}: a quote is opened and never closed"),
        Wrong::Columns(line) => {
            format!("line {line} has more than {MAX_COLUMNS} cells, which is the limit")
        }
    };
    DataError::format(path, "CSV", message)
}
