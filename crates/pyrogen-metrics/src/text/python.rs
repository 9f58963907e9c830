//! White space as Python's strings see it, which the reference packages are written in.

/// Whether Python's `str.isspace` holds: Unicode's white space and the four separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.rstrip()`.
pub(crate) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.split()`.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_ascii_are_white_space() {
        let text = " a\u{1c}b\u{3000}c\u{200b}d\u{a0}\r\n";
        assert_eq!(words(text).collect::<Vec<_>>(), ["a", "b", "c\u{200b}d"]);
        assert_eq!(trim_end(text), " a\u{1c}b\u{3000}c\u{200b}d");
    }
}
