//! A source's text, taken apart.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::DataError;

/// The parts of a source's text: `SCHEME:PLACE,OPTION,OPTION=VALUE`.
///
/// A comma inside a place or a value is written twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceText {
    scheme: String,
    place: PathBuf,
    options: Vec<(String, Option<String>)>,
}

impl SourceText {
    /// Takes a text apart; a text without a colon is a scheme without a place.
    pub(super) fn parse(text: &str) -> Self {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let mut parts = split(rest).into_iter();
        let place = PathBuf::from(parts.next().unwrap_or_default());
        let options = parts.map(|part| match part.split_once('=') {
            Some((name, value)) => (name.to_string(), Some(value.to_string())),
            None => (part, None),
        });
        Self { scheme: scheme.to_string(), place, options: options.collect() }
    }

    /// A scheme and a place without options.
    pub(super) fn new(scheme: &str, place: &Path) -> Self {
        Self { scheme: scheme.to_string(), place: place.to_path_buf(), options: Vec::new() }
    }

    /// The scheme: `csv`, `images`, ...
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The file or folder, or whatever the scheme names by it.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Whether the option `name` is given without a value.
    pub fn flag(&self, name: &str) -> bool {
        self.options.iter().any(|(n, value)| n == name && value.is_none())
    }

    /// The value of the option `name`: the last, where it is given more than once.
    pub fn value(&self, name: &str) -> Option<&str> {
        let given = |(n, value): &'_ (String, Option<String>)| n == name && value.is_some();
        self.options.iter().rfind(|option| given(option)).and_then(|(_, value)| value.as_deref())
    }

    /// Every value of the option `name`, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.options.iter().filter(move |(n, _)| n == name).filter_map(|(_, v)| v.as_deref())
    }

    /// The value of an option that is one of a few words.
    ///
    /// # Errors
    /// Another word.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, DataError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let found = choices.iter().find(|(word, _)| *word == value).map(|&(_, choice)| choice);
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        match found {
            Some(choice) => Ok(Some(choice)),
            None => {
                let expected = format!("{name}={}", words.join("|"));
                Err(DataError::option(format!("{name}={value}"), expected))
            }
        }
    }

    /// The value of an option as a number within a range.
    ///
    /// # Errors
    /// What is no number, or out of range.
    pub fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<usize>, DataError> {
        let parse = |value: &str| value.parse().ok().filter(|n| range.contains(n));
        match self.value(name) {
            None => Ok(None),
            Some(value) => parse(value).map(Some).ok_or_else(|| {
                let expected = format!("{name}=NUMBER, from {} to {}", range.start(), range.end());
                DataError::option(format!("{name}={value}"), expected)
            }),
        }
    }

    /// Joins the words of options that take a list, `na=TEXT,...`: what follows such an option and is
    /// none itself is one of its words.
    pub(super) fn join_lists(&mut self, known: &[&str]) {
        let is_list = |name: &str| {
            let list = |option: &&str| {
                option.split_once('=').is_some_and(|(n, v)| n == name && v.ends_with(",..."))
            };
            known.iter().any(list)
        };
        let mut joined: Vec<(String, Option<String>)> = Vec::new();
        for (name, value) in std::mem::take(&mut self.options) {
            match (joined.last_mut(), &value) {
                (Some((list, Some(words))), None)
                    if is_list(list) && !known.contains(&name.as_str()) =>
                {
                    words.push(',');
                    words.push_str(&name);
                }
                _ => joined.push((name, value)),
            }
        }
        self.options = joined;
    }

    /// Checks every option against those that a scheme knows: `crop` for one without a value,
    /// `size=WIDTHxHEIGHT` for one with a value.
    pub(super) fn check_options(&self, known: &[&str]) -> Result<(), DataError> {
        for (name, value) in &self.options {
            let fits = |option: &&&str| match option.split_once('=') {
                Some((known, _)) => known == name && value.as_ref().is_some_and(|v| !v.is_empty()),
                None => *option == name && value.is_none(),
            };
            if known.iter().find(fits).is_some() {
                continue;
            }
            let written = match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            };
            let hint = "write a comma of a path or name twice";
            let expected = match known {
                [] => format!("left out: {}: takes no options ({hint})", self.scheme),
                known => format!("one of {} ({hint})", known.join(", ")),
            };
            return Err(DataError::option(written, expected));
        }
        Ok(())
    }

    pub(super) fn push(&mut self, option: &str) {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name.to_string(), Some(value.to_string())),
            None => (option.to_string(), None),
        };
        self.options.push((name, value));
    }
}

impl fmt::Display for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubled = |text: &str| text.replace(',', ",,");
        f.write_str(&self.scheme)?;
        if !self.place.as_os_str().is_empty() {
            write!(f, ":{}", doubled(&self.place.to_string_lossy()))?;
        }
        for (name, value) in &self.options {
            match value {
                Some(value) => write!(f, ",{}={}", doubled(name), doubled(value))?,
                None => write!(f, ",{}", doubled(name))?,
            }
        }
        Ok(())
    }
}

/// Splits at single commas; a double one stands for itself.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != ',' {
            parts.last_mut().expect("never empty").push(c);
        } else if chars.next_if_eq(&',').is_some() {
            parts.last_mut().expect("never empty").push(',');
        } else {
            parts.push(String::new());
        }
    }
    parts
}
