//! The rules that `13a` and Tercom share: punctuation of ASCII.
//!
//! They only put spaces beside characters of ASCII, so they work on bytes: a byte of a longer
//! character is never a digit and never punctuation.

use super::Buffers;

/// `13a`, with spaces between the tokens.
pub(super) fn mteval13a<'a>(segment: &str, buffers: &'a mut Buffers) -> &'a str {
    let plain = plain(segment);
    let [input, output] = &mut buffers.bytes;
    input.clear();
    input.push(b' ');
    input.extend_from_slice(plain.as_deref().unwrap_or(segment).as_bytes());
    input.push(b' ');
    punctuation(input, output);
    std::mem::swap(input, output);
    stops_and_dashes(input, output);
    std::str::from_utf8(input).expect("spaces between characters")
}

/// The segment without marks of skipped parts, line ends and entities; none where it has none.
fn plain(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'<' | b'&' | b'\n')) {
        return None;
    }
    let line = segment.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    Some(entities(line))
}

/// Four HTML entities as the characters that they stand for, one kind after the other.
pub(super) fn entities(line: String) -> String {
    if !line.contains('&') {
        return line;
    }
    let line = line.replace("&quot;", "\"").replace("&amp;", "&");
    line.replace("&lt;", "<").replace("&gt;", ">")
}

/// Spaces around all punctuation of ASCII but `'`, `,`, `-` and `.`.
pub(super) fn punctuation(input: &[u8], output: &mut Vec<u8>) {
    output.clear();
    for &b in input {
        let alone =
            matches!(b, b'{'..=b'~' | b'['..=b'`' | b' '..=b'&' | b'('..=b'+' | b':'..=b'@' | b'/');
        if alone && b != b' ' {
            output.extend_from_slice(&[b' ', b, b' ']);
        } else {
            output.push(b);
        }
    }
}

/// Splits off `.` and `,` unless they stand between digits, and `-` after a digit. The result is in
/// `text` again.
pub(super) fn stops_and_dashes(text: &mut Vec<u8>, other: &mut Vec<u8>) {
    let stop = |b: u8| b == b'.' || b == b',';
    if text.iter().any(|&b| stop(b)) {
        pairs(text, other, |a, b| !a.is_ascii_digit() && stop(b), |a, b| [a, b' ', b, b' ']);
        pairs(text, other, |a, b| stop(a) && !b.is_ascii_digit(), |a, b| [b' ', a, b' ', b]);
    }
    if text.contains(&b'-') {
        pairs(text, other, |a, b| a.is_ascii_digit() && b == b'-', |a, b| [a, b' ', b, b' ']);
    }
}

/// Replaces pairs of neighbours from the left, none of which overlap.
fn pairs(
    text: &mut Vec<u8>,
    other: &mut Vec<u8>,
    matches: impl Fn(u8, u8) -> bool,
    replacement: impl Fn(u8, u8) -> [u8; 4],
) {
    other.clear();
    let mut at = 0;
    while at < text.len() {
        match text.get(at + 1) {
            Some(&next) if matches(text[at], next) => {
                other.extend_from_slice(&replacement(text[at], next));
                at += 2;
            }
            _ => {
                other.push(text[at]);
                at += 1;
            }
        }
    }
    std::mem::swap(text, other);
}
