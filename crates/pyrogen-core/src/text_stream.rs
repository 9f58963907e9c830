//! Text out of bytes as they come.

/// Joins bytes that come in pieces to text, and gives out whole characters alone.
///
/// ```
/// use pyrogen_core::TextStream;
///
/// let mut stream = TextStream::default();
/// let bytes = "é".as_bytes();
/// assert_eq!(stream.push(&bytes[..1]), "");
/// assert_eq!(stream.push(&bytes[1..]), "é");
/// assert_eq!(stream.finish(), "");
/// ```
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    waiting: Vec<u8>,
}

impl TextStream {
    /// The characters that are whole with these bytes; bytes that can begin no character become
    /// U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.waiting) {
                Ok(text) => {
                    out.push_str(text);
                    self.waiting.clear();
                    return out;
                }
                Err(error) => {
                    let whole = error.valid_up_to();
                    let text = std::str::from_utf8(&self.waiting[..whole]);
                    out.push_str(text.expect("valid up to here"));
                    let Some(wrong) = error.error_len() else {
                        self.waiting.drain(..whole);
                        return out;
                    };
                    out.push(char::REPLACEMENT_CHARACTER);
                    self.waiting.drain(..whole + wrong);
                }
            }
        }
    }

    /// What is left at the end: U+FFFD for a character that is not whole.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.waiting).into_owned();
        self.waiting.clear();
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_pieces_are_what_the_whole_decodes_to() {
        let cases: [&[u8]; 6] = [
            "naïve 🦀 日本".as_bytes(),
            b"a\xffb\xe2\x82",
            b"a\xff\xe2\x82b\xf0\x9f\x98",
            b"\xf0\x9f",
            b"\xc3",
            b"\xe2(\xa1\xf0(\x8c\xbc",
        ];
        for bytes in cases {
            let mut stream = TextStream::default();
            let mut text: String = bytes.iter().map(|b| stream.push(&[*b])).collect();
            text += &stream.finish();
            assert_eq!(text, String::from_utf8_lossy(bytes));
        }
    }
}
