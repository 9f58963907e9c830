//! What a text is made of.

use serde::{Deserialize, Serialize};

/// What a token is. Tokens joined again are the text, whatever it is.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Characters.
    #[default]
    Characters,
    /// Runs of characters that are no white space. One blank between two words belongs to neither;
    /// other white space belongs to the word behind it.
    Words,
    /// Bytes: every text has a probability, and there are no unknown tokens.
    Bytes,
}

impl Tokens {
    /// The name of one.
    pub fn one(self) -> &'static str {
        match self {
            Self::Characters => "character",
            Self::Words => "word",
            Self::Bytes => "byte",
        }
    }

    /// The tokens of a text.
    pub fn split(self, text: &str) -> Vec<&[u8]> {
        match self {
            Self::Bytes => text.as_bytes().chunks(1).collect(),
            Self::Characters => {
                let ends = text.char_indices().map(|(i, c)| &text.as_bytes()[i..i + c.len_utf8()]);
                ends.collect()
            }
            Self::Words => words(text),
        }
    }

    /// What stands between a token and the one before it.
    pub fn separator(self, first: bool, token: &[u8]) -> &'static [u8] {
        match self {
            Self::Words if !first && !starts_blank(token) => b" ",
            _ => b"",
        }
    }
}

fn starts_blank(token: &[u8]) -> bool {
    let text = std::str::from_utf8(token).unwrap_or("");
    text.chars().next().is_some_and(char::is_whitespace)
}

fn words(text: &str) -> Vec<&[u8]> {
    let bytes = text.as_bytes();
    let mut all = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let blank = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let word = &rest[blank..];
        let end = blank + word.find(char::is_whitespace).unwrap_or(word.len());
        // A single blank between two words is what joins them.
        let joined = at > 0 && end > blank && &rest[..blank] == " ";
        let start = if joined { at + blank } else { at };
        all.push(&bytes[start..at + end]);
        at += end;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_joined_are_the_text() {
        let texts = ["", "a", " a", "a b", "a  b\n c ", "\n\n", "ä ö\u{a0}ü", "a \tb", "  x y"];
        for tokens in [Tokens::Characters, Tokens::Words, Tokens::Bytes] {
            for text in texts {
                let mut joined = Vec::new();
                for (i, token) in tokens.split(text).iter().enumerate() {
                    assert!(!token.is_empty());
                    joined.extend_from_slice(tokens.separator(i == 0, token));
                    joined.extend_from_slice(token);
                }
                assert_eq!(joined, text.as_bytes(), "{tokens:?}, {text:?}");
            }
        }
        let split = Tokens::Words.split("to be,\nor not ");
        let split: Vec<&str> = split.iter().map(|t| std::str::from_utf8(t).unwrap()).collect();
        assert_eq!(split, ["to", "be,", "\nor", "not", " "]);
    }
}
