//! How a segment becomes words.

mod classes;
mod intl;
mod tercom;
mod western;

use serde::{Deserialize, Serialize};

pub(crate) use tercom::{Tercom, tercom};

use super::python::{is_space, words};

/// How BLEU and the metrics of diversity take a segment apart, by sacreBLEU's names.
///
/// ```
/// use pyrogen_metrics::text::Tokenizer;
///
/// let words = Tokenizer::Mteval13a.tokenize("It's 3.5 &lt; 4, isn't it?");
/// assert_eq!(words, ["It's", "3.5", "<", "4", ",", "isn't", "it", "?"]);
/// assert_eq!(Tokenizer::Char.tokenize("山 a"), ["山", "a"]);
/// ```
///
/// # References
/// Post (2018), "A Call for Clarity in Reporting BLEU Scores"; the scripts `mteval-v13a.pl` and
/// `mteval-v14.pl` of NIST and Moses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Tokenizer {
    /// `13a`: splits off the punctuation of ASCII, but not between digits, and reads four HTML
    /// entities. For languages in the Latin alphabet.
    #[default]
    #[serde(rename = "13a")]
    Mteval13a,
    /// `intl`: splits off all punctuation of Unicode, but not between digits, and all symbols.
    #[serde(rename = "intl")]
    International,
    /// `char`: every character that is not white space, for languages without spaces.
    #[serde(rename = "char")]
    Char,
    /// `none`: splits at white space alone, for text that is tokenized already.
    #[serde(rename = "none")]
    None,
}

impl Tokenizer {
    /// All tokenizers.
    pub const ALL: [Self; 4] = [Self::Mteval13a, Self::International, Self::Char, Self::None];

    /// The name in signatures and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mteval13a => "13a",
            Self::International => "intl",
            Self::Char => "char",
            Self::None => "none",
        }
    }

    /// The tokens of a segment.
    pub fn tokenize(self, segment: &str) -> Vec<String> {
        let mut buffers = Buffers::default();
        self.split(segment, &mut buffers).map(str::to_string).collect()
    }

    /// The tokens of a segment, in memory that is used again.
    pub(crate) fn split<'a>(
        self,
        segment: &'a str,
        buffers: &'a mut Buffers,
    ) -> impl Iterator<Item = &'a str> {
        let spaced = match self {
            Self::Mteval13a => western::mteval13a(segment, buffers),
            Self::International => intl::international(segment, &mut buffers.text),
            Self::Char => {
                buffers.text.clear();
                for c in segment.chars().filter(|&c| !is_space(c)) {
                    buffers.text.push(c);
                    buffers.text.push(' ');
                }
                &buffers.text
            }
            Self::None => segment,
        };
        words(spaced)
    }
}

/// Memory for a segment on its way to tokens.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    text: String,
    bytes: [Vec<u8>; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        for tokenizer in Tokenizer::ALL {
            let json = serde_json::to_string(&tokenizer).unwrap();
            assert_eq!(json, format!("\"{}\"", tokenizer.name()));
        }
    }
}
