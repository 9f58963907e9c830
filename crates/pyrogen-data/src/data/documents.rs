//! Word counts of documents.

use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::DataError;

/// Documents as counts of the words of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    vocabulary: Arc<Vec<String>>,
    /// Of each document, its words ascending, with counts above 0.
    documents: Vec<Vec<(u32, u32)>>,
    /// The class of each document.
    labels: Option<Vec<u32>>,
    class_names: Arc<Vec<String>>,
}

impl Documents {
    /// Documents as pairs of a word's place in the vocabulary and its count; pairs of one word are
    /// added.
    ///
    /// # Errors
    /// A word that the vocabulary does not have.
    pub fn new(
        vocabulary: Vec<String>,
        documents: Vec<Vec<(u32, u32)>>,
    ) -> Result<Self, DataError> {
        let words = vocabulary.len();
        let mut out = Vec::with_capacity(documents.len());
        for mut document in documents {
            document.sort_unstable();
            if let Some((word, _)) = document.last().filter(|(word, _)| *word as usize >= words) {
                return Err(DataError::part("word", format!("below {words}"), word));
            }
            let mut counts: Vec<(u32, u32)> = Vec::with_capacity(document.len());
            for (word, count) in document.into_iter().filter(|(_, count)| *count > 0) {
                match counts.last_mut() {
                    Some((last, sum)) if *last == word => *sum = sum.saturating_add(count),
                    _ => counts.push((word, count)),
                }
            }
            out.push(counts);
        }
        let (vocabulary, class_names) = (Arc::new(vocabulary), Arc::default());
        Ok(Self { vocabulary, documents: out, labels: None, class_names })
    }

    /// The same documents with classes: the author, the party, the year.
    ///
    /// # Errors
    /// Not one label a document, or a label without a name.
    pub fn with_labels(
        self,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        if labels.len() != self.documents.len() {
            let expected = format!("{}, one a document", self.documents.len());
            return Err(DataError::part("labels", expected, labels.len()));
        }
        if let Some(label) = labels.iter().find(|l| **l as usize >= class_names.len()) {
            return Err(DataError::part("label", format!("below {}", class_names.len()), label));
        }
        Ok(Self { labels: Some(labels), class_names: Arc::new(class_names), ..self })
    }

    /// The class of each document, where there are classes.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// Names of the classes; empty where there are none.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The words.
    pub fn vocabulary(&self) -> &[String] {
        &self.vocabulary
    }

    /// Of each document, its words by their place in the vocabulary, ascending, with counts above 0.
    pub fn documents(&self) -> &[Vec<(u32, u32)>] {
        &self.documents
    }

    /// Words of all documents, repeated ones counted.
    pub fn tokens(&self) -> u64 {
        self.documents.iter().flatten().map(|(_, count)| u64::from(*count)).sum()
    }
}

impl Items for Documents {
    fn len(&self) -> usize {
        self.documents.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            vocabulary: self.vocabulary.clone(),
            documents: rows.iter().map(|&r| self.documents[r].clone()).collect(),
            labels: self.labels.as_ref().map(|all| rows.iter().map(|&r| all[r]).collect()),
            class_names: self.class_names.clone(),
        }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Err(DataError::part("parts", "one or more", 0));
        };
        for part in parts {
            if part.vocabulary != all.vocabulary {
                let expected = format!("of one vocabulary of {} words", all.vocabulary.len());
                return Err(DataError::part("parts", expected, part.vocabulary.len()));
            }
            if part.class_names != all.class_names || part.labels.is_some() != all.labels.is_some()
            {
                let expected = format!("of the same {} classes", all.class_names.len());
                return Err(DataError::part("parts", expected, part.class_names.len()));
            }
            all.documents.extend(part.documents);
            if let (Some(all), Some(part)) = (&mut all.labels, part.labels) {
                all.extend(part);
            }
        }
        Ok(all)
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Documents);
        hash.texts(self.vocabulary());
        hash.number(self.documents.len() as u64);
        for document in &self.documents {
            let pair = |&(word, count): &(u32, u32)| u64::from(word) << 32 | u64::from(count);
            hash.numbers(document.iter().map(pair));
        }
        // Nothing where there are none, as before there were labels.
        if self.labels.is_some() {
            hash.labels(self.labels());
            hash.texts(self.class_names());
        }
        hash.finish()
    }

    fn describe(&self) -> Value {
        let mut out = json!({
            "modality": "documents",
            "examples": self.len(),
            "words": self.vocabulary.len(),
            "tokens": self.tokens(),
            "empty": self.documents.iter().filter(|d| d.is_empty()).count(),
            "sha256": self.sha256(),
        });
        if self.labels.is_some() {
            out["classes"] = json!(self.class_names());
        }
        out
    }

    /// `.ldac`: a line a document, `N WORD:COUNT ...`, with the words in a file of the same name and the
    /// ending `.vocab`, and the classes, where there are some, a line a document, in one that ends in
    /// `.labels`.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let line = |document: &Vec<(u32, u32)>| {
            let pairs = document.iter().map(|(word, count)| format!(" {word}:{count}"));
            format!("{}{}\n", document.len(), pairs.collect::<String>())
        };
        let text: String = self.documents.iter().map(line).collect();
        write_file(path, text.as_bytes())?;
        if let Some(labels) = &self.labels {
            let name = |label: &u32| format!("{}\n", self.class_names[*label as usize]);
            let names: String = labels.iter().map(name).collect();
            write_file(&path.with_extension("labels"), names.as_bytes())?;
        }
        let words: String = self.vocabulary.iter().map(|word| format!("{word}\n")).collect();
        Ok(write_file(&path.with_extension("vocab"), words.as_bytes())?)
    }
}
