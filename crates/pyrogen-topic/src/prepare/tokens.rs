//! Texts as words, and runs of words.

use unicode_segmentation::UnicodeSegmentation;

use super::PrepareConfig;

/// The words of a text that a vocabulary may have, in order: Unicode words (UAX 29) in lower case,
/// without stop words, short words and numbers where they are to be left out.
pub(super) fn tokens<'a>(
    config: &'a PrepareConfig,
    stop: &'a std::collections::HashSet<String>,
    text: &'a str,
) -> impl Iterator<Item = String> + 'a {
    text.unicode_words().map(normal).filter(move |word| keeps(config, stop, word))
}

/// Lower case, with one kind of apostrophe.
fn normal(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// Whether a word is no stop word, long enough, and no number.
pub(super) fn keeps(
    config: &PrepareConfig,
    stop: &std::collections::HashSet<String>,
    word: &str,
) -> bool {
    word.chars().count() >= config.least_characters
        && (config.numbers || !is_number(word))
        && !stop.contains(word)
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_numeric() || matches!(c, '.' | ',' | '-' | '/'))
}

/// Every run of one to `n` words, with spaces between.
pub(super) fn runs(words: &[String], n: usize) -> impl Iterator<Item = String> + '_ {
    let of = move |length: usize| words.windows(length).map(|run| run.join(" "));
    (1..=n.min(words.len())).flat_map(of)
}
