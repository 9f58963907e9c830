//! `intl`: the punctuation and the symbols of all Unicode.

use std::sync::LazyLock;

use super::classes::{self, Ranges};

/// `intl`, with spaces between the tokens.
pub(super) fn international<'a>(segment: &'a str, text: &'a mut String) -> &'a str {
    if segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ') {
        return segment;
    }
    let mut other = String::with_capacity(2 * segment.len());
    pairs(
        segment,
        &mut other,
        |a, b| !is_number(a) && is_punctuation(b),
        |out, a, b| {
            out.extend([a, ' ', b, ' ']);
        },
    );
    text.clear();
    pairs(
        &other,
        text,
        |a, b| is_punctuation(a) && !is_number(b),
        |out, a, b| {
            out.extend([' ', a, ' ', b]);
        },
    );
    other.clear();
    for c in text.chars() {
        if is_symbol(c) {
            other.extend([' ', c, ' ']);
        } else {
            other.push(c);
        }
    }
    std::mem::swap(text, &mut other);
    text
}

/// Replaces pairs of neighbours from the left, none of which overlap.
fn pairs(
    input: &str,
    output: &mut String,
    matches: impl Fn(char, char) -> bool,
    replace: impl Fn(&mut String, char, char),
) {
    let mut rest = input.chars();
    while let Some(first) = rest.next() {
        match rest.clone().next() {
            Some(second) if matches(first, second) => {
                replace(output, first, second);
                rest.next();
            }
            _ => output.push(first),
        }
    }
}

fn is_number(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { NUMBERS.has(c) }
}

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() && !is_symbol(c) } else { PUNCTUATION.has(c) }
}

fn is_symbol(c: char) -> bool {
    if c.is_ascii() { "$+<=>^`|~".contains(c) } else { SYMBOLS.has(c) }
}

static NUMBERS: LazyLock<Class> = LazyLock::new(|| Class::new(classes::NUMBERS));
static PUNCTUATION: LazyLock<Class> = LazyLock::new(|| Class::new(classes::PUNCTUATION));
static SYMBOLS: LazyLock<Class> = LazyLock::new(|| Class::new(classes::SYMBOLS));

/// A bit a character: faster than to search in the runs.
struct Class(Vec<u64>);

impl Class {
    fn new(ranges: &Ranges) -> Self {
        let mut bits = vec![0; (char::MAX as usize + 1) / 64];
        for &(first, last) in ranges {
            for c in first..=last {
                bits[c as usize / 64] |= 1 << (c % 64);
            }
        }
        Self(bits)
    }

    fn has(&self, c: char) -> bool {
        self.0[c as usize / 64] >> (c as usize % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_known_characters() {
        for c in ['½', '٣', '１', '三', 'é', '€', '。'] {
            assert_eq!(is_number(c), ['½', '٣', '１'].contains(&c), "{c}");
        }
        for c in ['。', '«', '–', '€', '😀', '½', '،', '߷'] {
            assert_eq!(is_punctuation(c), ['。', '«', '–', '،', '߷'].contains(&c), "{c}");
            assert_eq!(is_symbol(c), ['€', '😀'].contains(&c), "{c}");
        }
        let ascii: String = (' '..='~').filter(|&c| is_punctuation(c)).collect();
        assert_eq!(ascii, "!\"#%&'()*,-./:;?@[\\]_{}");
    }
}
