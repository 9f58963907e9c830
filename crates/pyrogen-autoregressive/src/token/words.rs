//! A token a word.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::TokenError;

/// The words of a training text in the order of their bytes: what stands between white space. The last
/// token is the end of a document.
///
/// It is for symbols that are written with blanks between them, such as phonemes, and for texts of few
/// different words. White space is not kept: between two words a text gets one blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Words {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

/// As the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    words: Vec<String>,
}

impl TryFrom<Written> for Words {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let words = Self::from_list(written.words);
        if words.numbers.len() < words.words.len() {
            return Err("a word stands twice in the vocabulary".into());
        }
        let whole = |word: &String| !word.is_empty() && !word.contains(char::is_whitespace);
        match words.words.iter().find(|word| !whole(word)) {
            Some(word) => Err(format!("`{}` is not one word", word.escape_debug())),
            None => Ok(words),
        }
    }
}

impl From<Words> for Written {
    fn from(words: Words) -> Self {
        Self { words: words.words }
    }
}

impl Words {
    /// The words of some texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let all: BTreeSet<&str> = texts.into_iter().flat_map(str::split_whitespace).collect();
        Self::from_list(all.into_iter().map(String::from).collect())
    }

    fn from_list(words: Vec<String>) -> Self {
        let numbers = words.iter().enumerate().map(|(i, w)| (w.clone(), i as u32)).collect();
        Self { words, numbers }
    }

    pub(super) fn tokens(&self) -> usize {
        self.words.len() + 1
    }

    pub(super) fn end(&self) -> u32 {
        self.words.len() as u32
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        let number = |(i, word): (usize, &str)| {
            let unknown = || TokenError::UnknownWord { word: word.to_string(), place: i + 1 };
            self.numbers.get(word).copied().ok_or_else(unknown)
        };
        text.split_whitespace().enumerate().map(number).collect()
    }

    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        if token == self.end() {
            return Vec::new();
        }
        self.words[token as usize].clone().into_bytes()
    }
}
