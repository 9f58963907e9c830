//! The words and sentences of ROUGE.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// How ROUGE takes a text apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RougeTokenizer {
    /// Runs of the letters a to z and of digits, in lower case, as rouge-score and ROUGE-1.5.5 have it.
    /// Text in other scripts has no words, and `é` cuts a word in two.
    #[default]
    Rouge,
    /// Words of all scripts, in lower case, by the word boundaries of Unicode (UAX 29). In scripts
    /// without spaces, an ideograph, a kana of hiragana or a letter of Thai is a word.
    Unicode,
}

impl RougeTokenizer {
    /// The name in signatures and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rouge => "rouge",
            Self::Unicode => "unicode",
        }
    }

    /// Calls a function with each word.
    pub(super) fn each(self, text: &str, mut word: impl FnMut(&str)) {
        let lower = text.to_lowercase();
        match self {
            Self::Rouge => lower
                .split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()))
                .filter(|w| !w.is_empty())
                .for_each(word),
            Self::Unicode => lower.unicode_words().for_each(&mut word),
        }
    }
}

/// The sentences of a text that are not empty.
pub(super) fn sentences<'a>(
    text: &'a str,
    sentence_break: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let lines = text.split('\n');
    lines
        .flat_map(move |line| {
            // Without a mark of its own the whole line is one sentence.
            let (first, rest) = match sentence_break {
                Some(mark) => (None, Some(line.split(mark))),
                None => (Some(line), None),
            };
            first.into_iter().chain(rest.into_iter().flatten())
        })
        .filter(|sentence| !sentence.is_empty())
}
