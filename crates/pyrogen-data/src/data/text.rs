//! Text.

use std::path::Path;
use std::sync::Arc;

use pyrogen_core::folder::write_file;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Items;
use crate::DataError;

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
        let mut hash = Sha256::new();
        hash.update(b"pyrogen text v1");
        for document in &self.documents {
            hash.update((document.len() as u64).to_le_bytes());
            hash.update(document.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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

    /// `.txt`: the documents, an empty line between two.
    fn write(&self, path: &Path) -> Result<(), DataError> {
        let text = self.documents.join("\n\n") + "\n";
        Ok(write_file(path, text.as_bytes())?)
    }
}
