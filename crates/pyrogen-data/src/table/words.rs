//! The texts that stand for a missing value.

/// Which texts stand for a missing value.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// The words besides the empty text; none for the usual ones.
    pub given: Option<Vec<String>>,
}

/// Texts that usually stand for a missing value, in any case.
const USUAL: [&str; 8] = ["", "?", "na", "n/a", "nan", "-nan", "null", "none"];

impl Words {
    /// Whether a cell is missing.
    pub fn is_missing(&self, cell: &str) -> bool {
        match &self.given {
            // None is longer than four bytes, or begins with a digit.
            None => {
                cell.len() <= 4
                    && !cell.as_bytes().first().is_some_and(u8::is_ascii_digit)
                    && USUAL.iter().any(|word| cell.eq_ignore_ascii_case(word))
            }
            Some(words) => cell.is_empty() || words.iter().any(|word| word == cell),
        }
    }
}
