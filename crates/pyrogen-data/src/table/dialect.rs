//! How the cells of a file are separated.

/// Delimiter and mark of comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// One byte.
    pub delimiter: char,
    pub comment: Option<char>,
}

impl Dialect {
    /// The delimiter in words.
    pub fn delimiter_name(&self) -> String {
        match self.delimiter {
            '\t' => "tabs".to_string(),
            ' ' => "spaces".to_string(),
            other => format!("`{other}`"),
        }
    }
}
