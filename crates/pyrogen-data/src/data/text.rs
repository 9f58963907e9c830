//! Text.

use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};

use super::hash::Hasher;
use super::{Items, Modality};
use crate::DataError;
use crate::pictures::new_folder;

/// Documents of text: each a string of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    documents: Vec<Arc<str>>,
}

impl Text {
    /// Documents.
    pub fn new(documents: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self { documents: documents.into_iter().map(Into::into).collect() }
    }

    /// The first characters and the last, the share `share` of all, of a single document; none
    /// where a part would be empty.
    pub(crate) fn cut(&self, share: f64) -> Option<(Self, Self)> {
        let document = self.documents.first()?;
        let characters = document.chars().count();
        let first = characters - (characters as f64 * share).round() as usize;
        let (place, _) = document.char_indices().nth(first).filter(|_| first > 0)?;
        let (kept, held) = document.split_at(place);
        Some((Self::new([kept]), Self::new([held])))
    }

    /// The documents.
    pub fn documents(&self) -> &[Arc<str>] {
        &self.documents
    }
}

impl Items for Text {
    fn len(&self) -> usize {
        self.documents.len()
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self { documents: rows.iter().map(|&r| self.documents[r].clone()).collect() }
    }

    fn concat(parts: Vec<Self>) -> Result<Self, DataError> {
        Ok(Self { documents: parts.into_iter().flat_map(|p| p.documents).collect() })
    }

    fn sha256(&self) -> String {
        let mut hash = Hasher::new(Modality::Text);
        hash.texts(&self.documents);
        hash.finish()
    }

    fn describe(&self) -> Value {
        let characters: usize = self.documents.iter().map(|d| d.chars().count()).sum();
        let bytes: usize = self.documents.iter().map(|d| d.len()).sum();
        json!({
            "modality": "text",
            "examples": self.len(),
            "characters": characters,
            "bytes": bytes,
            "sha256": self.sha256(),
        })
    }

    /// `.txt`: the documents, a blank line between two; without an ending: a folder of a file a
    /// document, `00000.txt`, `00001.txt`, ..., which is made if need be, or is empty.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        if path.extension().is_none() {
            let mut batch = new_folder(path)?;
            let digits = self.documents.len().saturating_sub(1).to_string().len().max(5);
            for (i, document) in self.documents.iter().enumerate() {
                batch.write(&format!("{i:0digits$}.txt"), document.as_bytes())?;
            }
            batch.finish()?;
            return Ok(());
        }
        let text = match &self.documents[..] {
            [one] => one.to_string(),
            many => many.join("\n\n") + "\n",
        };
        Ok(write_file(path, text.as_bytes())?)
    }
}
