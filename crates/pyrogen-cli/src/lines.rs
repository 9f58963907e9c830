//! Files of text, a segment a line.

use std::io::Read;
use std::path::Path;

use crate::error::CliError;

/// The lines of a file.
pub struct Lines {
    name: String,
    text: String,
}

impl Lines {
    /// Reads a file, or standard input for `-`.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let read = if name == "-" {
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
        } else {
            std::fs::read(path).map(|read| bytes = read)
        };
        read.map_err(|e| CliError::Failed(format!("{name}: cannot read: {e}")))?;
        let text = String::from_utf8(bytes).map_err(|e| not_utf8(&name, &e))?;
        if text.is_empty() {
            return Err(CliError::Failed(format!(
                "{name}: the file is empty; give a segment a line"
            )));
        }
        Ok(Self { name, text })
    }

    /// The segments, without white space at their ends. Only a line feed ends a line, as in sacreBLEU; a
    /// byte order mark is no text.
    pub fn segments(&self) -> Vec<&str> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.split('\n').map(str::trim_end).collect()
    }

    /// Checks that two files have as many lines.
    pub fn as_many_as(&self, other: &Self) -> Result<(), CliError> {
        let (own, theirs) = (self.segments().len(), other.segments().len());
        if own == theirs {
            return Ok(());
        }
        Err(CliError::Failed(format!(
            "{} has {own} lines, {} has {theirs}; line i of one belongs to line i of the other",
            self.name, other.name
        )))
    }
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> CliError {
    let at = error.utf8_error().valid_up_to();
    let before = &error.as_bytes()[..at];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let byte = at - before.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1) + 1;
    let wrong = error.as_bytes()[at];
    CliError::Failed(format!(
        "{name}: line {line}, byte {byte} (0x{wrong:02x}) is not UTF-8; convert the file first"
    ))
}
