//! A token a character.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::TokenError;

/// The characters of a training text in the order of their code points; the last token is the end of
/// a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Characters {
    characters: Vec<char>,
    numbers: HashMap<char, u32>,
}

/// As the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    characters: String,
}

impl TryFrom<Written> for Characters {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let characters: Vec<char> = written.characters.chars().collect();
        let count = characters.len();
        let all = Self::from_list(characters);
        match all.numbers.len() == count {
            true => Ok(all),
            false => Err("a character stands twice in the vocabulary".into()),
        }
    }
}

impl From<Characters> for Written {
    fn from(characters: Characters) -> Self {
        Self { characters: characters.characters.into_iter().collect() }
    }
}

impl Characters {
    /// The characters of some texts.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let all: BTreeSet<char> = texts.into_iter().flat_map(str::chars).collect();
        Self::from_list(all.into_iter().collect())
    }

    fn from_list(characters: Vec<char>) -> Self {
        let numbers = characters.iter().enumerate().map(|(i, &c)| (c, i as u32)).collect();
        Self { characters, numbers }
    }

    pub(super) fn tokens(&self) -> usize {
        self.characters.len() + 1
    }

    pub(super) fn end(&self) -> u32 {
        self.characters.len() as u32
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        let number = |(place, c): (usize, char)| {
            let known = self.numbers.get(&c).copied();
            known.ok_or(TokenError::Unknown { character: c, place: place + 1 })
        };
        text.chars().enumerate().map(number).collect()
    }

    pub(super) fn bytes(&self, token: u32) -> Vec<u8> {
        if token == self.end() {
            return Vec::new();
        }
        self.characters[token as usize].to_string().into_bytes()
    }
}
