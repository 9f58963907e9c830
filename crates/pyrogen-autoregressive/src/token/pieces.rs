//! Text cut into pieces before byte pairs are joined within each.

use serde::{Deserialize, Serialize};

use super::marks::MARKS;

/// How a text is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Split {
    /// Words with the space before them, numbers, other signs, spaces (Radford et al. 2019):
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    #[default]
    Gpt2,
    /// As Llama 3 cuts: short forms in any case, a sign before a word, up to three digits, signs with
    /// the line breaks behind them:
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
    Llama3,
    /// Not at all.
    Whole,
}

/// The patterns, as tokenizer files write them.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Llama 3's way to cut, as a tokenizer's file writes it.
pub(crate) fn llama3_pre_tokenizer() -> serde_json::Value {
    serde_json::json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
    ]})
}

/// What a character is to the patterns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Number,
    Space,
    Sign,
}

fn kind(c: char) -> Kind {
    let mark = || {
        let code = c as u32;
        let place = MARKS.partition_point(|&(_, last)| last < code);
        MARKS.get(place).is_some_and(|&(first, _)| first <= code)
    };
    if c.is_whitespace() {
        Kind::Space
    } else if c.is_numeric() {
        Kind::Number
    } else if c.is_alphabetic() && !mark() {
        Kind::Letter
    } else {
        Kind::Sign
    }
}

impl Split {
    /// The way to cut of a pattern in a tokenizer's file.
    pub(super) fn of_pattern(pattern: &str) -> Option<Self> {
        match pattern {
            GPT2 => Some(Self::Gpt2),
            LLAMA3 => Some(Self::Llama3),
            _ => None,
        }
    }

    /// The pieces of a text, in order; joined they are the text.
    pub(super) fn pieces(self, text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let length = match self {
                Self::Gpt2 => gpt2(rest),
                Self::Llama3 => llama3(rest),
                Self::Whole => rest.len(),
            };
            let (piece, behind) = rest.split_at(length);
            out.push(piece);
            rest = behind;
        }
        out
    }
}

/// Bytes of the characters at the front that a test holds for, `most` of them at most.
fn run(text: &str, most: usize, test: impl Fn(char) -> bool) -> usize {
    text.chars().take(most).take_while(|&c| test(c)).map(char::len_utf8).sum()
}

/// Bytes of an apostrophe and the ending of a short form behind it; 0 for none.
fn short_form(text: &str, any_case: bool) -> usize {
    let Some(behind) = text.strip_prefix('\'') else { return 0 };
    // In the order of the pattern.
    for ending in ["s", "t", "re", "ve", "m", "ll", "d"] {
        let found = behind.get(..ending.len()).is_some_and(|front| match any_case {
            true => front.eq_ignore_ascii_case(ending),
            false => front == ending,
        });
        if found {
            return 1 + ending.len();
        }
    }
    // The long s is an s where case does not count.
    if any_case && behind.starts_with('\u{17f}') { 1 + '\u{17f}'.len_utf8() } else { 0 }
}

/// Bytes of white space at the front: without the last character where something follows, and there
/// are several.
fn spaces(text: &str) -> usize {
    let all = run(text, usize::MAX, char::is_whitespace);
    if all == text.len() {
        return all;
    }
    let last = text[..all].chars().next_back().map_or(0, char::len_utf8);
    if all > last { all - last } else { all }
}

fn gpt2(text: &str) -> usize {
    let short = short_form(text, false);
    if short > 0 {
        return short;
    }
    let space = usize::from(text.starts_with(' '));
    let behind = &text[space..];
    match behind.chars().next().map(kind) {
        None | Some(Kind::Space) => spaces(text),
        Some(wanted) => space + run(behind, usize::MAX, |c| kind(c) == wanted),
    }
}

fn llama3(text: &str) -> usize {
    let short = short_form(text, true);
    if short > 0 {
        return short;
    }
    let front = text.chars().next().expect("a text that is not empty");
    let letters = |text: &str| run(text, usize::MAX, |c| kind(c) == Kind::Letter);
    // A sign or a space, then letters.
    if kind(front) == Kind::Letter {
        return letters(text);
    }
    let sign = kind(front) != Kind::Number && front != '\r' && front != '\n';
    if sign {
        let behind = letters(&text[front.len_utf8()..]);
        if behind > 0 {
            return front.len_utf8() + behind;
        }
    }
    if kind(front) == Kind::Number {
        return run(text, 3, |c| kind(c) == Kind::Number);
    }
    let space = usize::from(front == ' ');
    let signs = run(&text[space..], usize::MAX, |c| kind(c) == Kind::Sign);
    if signs > 0 {
        let end = space + signs;
        return end + run(&text[end..], usize::MAX, |c| c == '\r' || c == '\n');
    }
    // White space up to the last line break of it.
    let all = run(text, usize::MAX, char::is_whitespace);
    match text[..all].rfind(['\r', '\n']) {
        Some(last) => last + 1,
        None => spaces(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_the_space_before_them() {
        let cut = |text| Split::Gpt2.pieces(text);
        assert_eq!(cut("Don't  stop"), ["Don", "'t", " ", " stop"]);
        assert_eq!(cut("a1 22!\n\nb "), ["a", "1", " 22", "!", "\n", "\n", "b", " "]);
        assert_eq!(cut("'Twas"), ["'", "Twas"]);
        let cut = |text| Split::Llama3.pieces(text);
        assert_eq!(cut("DON'T (go) 12345"), ["DON", "'T", " (", "go", ")", " ", "123", "45"]);
        assert_eq!(cut("a.\n\n b\n"), ["a", ".\n\n", " b", "\n"]);
    }
}
