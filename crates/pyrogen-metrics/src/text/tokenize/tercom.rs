//! How TER takes a segment apart: Tercom's normaliser.

use super::Buffers;
use super::western::{entities, punctuation, stops_and_dashes};

/// What Tercom's normaliser does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tercom {
    pub normalized: bool,
    pub no_punct: bool,
    pub asian_support: bool,
    pub case_sensitive: bool,
}

/// The segment with spaces between the tokens.
pub(crate) fn tercom<'a>(segment: &'a str, rules: Tercom, buffers: &'a mut Buffers) -> &'a str {
    let Buffers { text, bytes } = buffers;
    text.clear();
    if rules.case_sensitive {
        text.push_str(segment);
    } else if segment.is_ascii() {
        text.push_str(segment);
        text.make_ascii_lowercase();
    } else {
        text.push_str(&segment.to_lowercase());
    }
    if rules.normalized {
        western(text, bytes);
        if rules.asian_support {
            *text = spaced(text, |c| is_asian(c) || is_asian_punctuation(c));
        }
    }
    if rules.no_punct {
        text.retain(|c| !matches!(c, '.' | ',' | '?' | ':' | ';' | '!' | '"' | '(' | ')'));
        if rules.asian_support {
            text.retain(|c| !is_asian_punctuation(c));
        }
    }
    text
}

/// Line ends, entities and the punctuation of ASCII.
fn western(text: &mut String, [input, output]: &mut [Vec<u8>; 2]) {
    let mut line = std::mem::take(text);
    if line.contains('\n') {
        line = line.replace("\n-", "").replace('\n', " ");
    }
    let line = entities(line);
    input.clear();
    input.push(b' ');
    input.extend_from_slice(line.as_bytes());
    input.push(b' ');
    punctuation(input, output);
    std::mem::swap(input, output);
    possessives(input, output);
    stops_and_dashes(input, output);
    text.push_str(std::str::from_utf8(input).expect("spaces between characters"));
}

/// A space before `'s` at the end of a word. The text ends with a space.
fn possessives(text: &mut Vec<u8>, other: &mut Vec<u8>) {
    other.clear();
    for (at, &b) in text.iter().enumerate() {
        if text[at..].starts_with(b"'s ") {
            other.push(b' ');
        }
        other.push(b);
    }
    std::mem::swap(text, other);
}

fn spaced(text: &str, alone: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if alone(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Ideographs, strokes, radicals and their compatibility forms, which are words of one character.
///
/// sacreBLEU's block of enclosed characters ends at U+3F22 and not at U+32FF. Its rules for kana only
/// hold at the beginning of a segment, where normalisation has put a space: kana stay together.
fn is_asian(c: char) -> bool {
    matches!(
        c,
        '\u{2e80}'..='\u{2eff}'
            | '\u{31c0}'..='\u{31ef}'
            | '\u{3200}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe4f}'
    )
}

fn is_asian_punctuation(c: char) -> bool {
    matches!(
        c,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
            | '\u{ff61}'..='\u{ff65}' | '\u{30fb}' | '\u{ff0e}' | '\u{ff0c}' | '\u{ff1f}'
            | '\u{ff1a}' | '\u{ff1b}' | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}'
    )
}
