//! Pairs of texts: a source, and what it becomes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::DataError;

/// Pairs of a source and a target: a text and its translation, its summary, the sounds of its letters.
///
/// A source may come several times with other targets. Then parts of the data are made of whole groups:
/// what is held out has no source of the training part
/// ([`Data::partition`](crate::Data::partition)).
///
/// ```
/// use pyrogen_data::{Items, Pairs};
///
/// let words = Pairs::new([("read", "R IY D"), ("read", "R EH D"), ("red", "R EH D")]);
/// assert_eq!((words.len(), words.groups()), (3, vec![0, 0, 1]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs {
    sources: Vec<Arc<str>>,
    targets: Vec<Arc<str>>,
}

impl Pairs {
    /// Pairs of a source and a target.
    pub fn new<S: Into<Arc<str>>, T: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (S, T)>,
    ) -> Self {
        let (sources, targets) = pairs.into_iter().map(|(s, t)| (s.into(), t.into())).unzip();
        Self { sources, targets }
    }

    /// The sources, one a pair.
    pub fn sources(&self) -> &[Arc<str>] {
        &self.sources
    }

    /// The targets, one a pair.
    pub fn targets(&self) -> &[Arc<str>] {
        &self.targets
    }

    /// For each pair a number that pairs of the same source share, counted in the order of their first.
    pub fn groups(&self) -> Vec<usize> {
        numbered(&self.sources)
    }

    /// For each pair a number that pairs of the same target share.
    pub(crate) fn groups_of_targets(&self) -> Vec<usize> {
        numbered(&self.targets)
    }
}

/// A number for each text that equal texts share.
fn numbered(texts: &[Arc<str>]) -> Vec<usize> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut out = Vec::with_capacity(texts.len());
    for text in texts {
        let next = seen.len();
        out.push(*seen.entry(text).or_insert(next));
    }
    out
}

/// A text on one line without tabs.
fn on_a_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

impl Items for Pairs {
    fn len(&self) -> usize {
        self.sources.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        let of = |texts: &[Arc<str>]| rows.iter().map(|&r| texts[r].clone()).collect();
        Self { sources: of(&self.sources), targets: of(&self.targets) }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut all = Self::default();
        for part in parts {
            all.sources.extend(part.sources);
            all.targets.extend(part.targets);
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Pairs);
        hash.texts(&self.sources);
        hash.texts(&self.targets);
        hash.finish()
    }

    fn describe(&self) -> Value {
        let characters =
            |texts: &[Arc<str>]| texts.iter().map(|t| t.chars().count()).sum::<usize>();
        json!({
            "modality": "pairs",
            "examples": self.len(),
            "sources": self.groups().iter().max().map_or(0, |last| last + 1),
            "source_characters": characters(&self.sources),
            "target_characters": characters(&self.targets),
            "sha256": self.sha256(),
        })
    }

    /// `.tsv`: a line a pair, a tab between source and target; `.txt`: the targets, a line each; in both,
    /// tabs and line breaks within a text are written as blanks. `.csv`: columns `source` and `target`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let pairs = || self.sources.iter().zip(&self.targets);
        let ending = path.extension().map(|e| e.to_ascii_lowercase()).unwrap_or_default();
        let bytes = match ending.to_str() {
            Some("csv") => {
                let mut out = csv::Writer::from_writer(Vec::new());
                let mut written = out.write_record(["source", "target"]);
                for (source, target) in pairs() {
                    written = written.and_then(|()| out.write_record([&**source, &**target]));
                }
                written.map_err(|e| DataError::io(path, "write")(e.into()))?;
                out.into_inner().map_err(|e| {
                    let error = std::io::Error::new(e.error().kind(), e.to_string());
                    DataError::io(path, "write")(error)
                })?
            }
            Some("txt") => {
                let line = |target: &Arc<str>| on_a_line(target) + "\n";
                self.targets.iter().map(line).collect::<String>().into_bytes()
            }
            _ => self.lines().into_bytes(),
        };
        Ok(write_file(path, &bytes)?)
    }
}

impl Pairs {
    /// A line a pair, a tab between source and target; tabs and line breaks within a text are blanks.
    pub fn lines(&self) -> String {
        let pairs = self.sources.iter().zip(&self.targets);
        pairs.map(|(s, t)| format!("{}\t{}\n", on_a_line(s), on_a_line(t))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_pairs_have_another_hash() {
        let pairs = |of: [(&str, &str); 2]| Pairs::new(of).sha256();
        let first = pairs([("a", "b"), ("c", "d")]);
        assert_eq!(first, pairs([("a", "b"), ("c", "d")]));
        for other in [
            [("b", "a"), ("d", "c")],
            [("c", "d"), ("a", "b")],
            [("ab", ""), ("c", "d")],
            [("a", "d"), ("c", "b")],
        ] {
            assert_ne!(first, pairs(other), "{other:?}");
        }
    }

    #[test]
    fn pairs_are_selected_joined_and_described() {
        let all = Pairs::new([("a", "1"), ("b", "2"), ("a", "3")]);
        let some = all.select(&[2, 0]);
        assert_eq!(some, Pairs::new([("a", "3"), ("a", "1")]));
        let joined = Pairs::concat(vec![all.select(&[0]), all.select(&[1, 2])]).unwrap();
        assert_eq!(joined, all);
        let described = all.describe();
        assert_eq!((&described["examples"], &described["sources"]), (&json!(3), &json!(2)));
    }
}
