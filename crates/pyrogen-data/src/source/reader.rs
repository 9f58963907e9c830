//! What a scheme of sources is.

use std::path::PathBuf;

use super::SourceText;
use crate::{Data, DataError, Dataset};

/// One scheme of data sources: how its options are written, and how its data is read.
pub trait Reader: Send + Sync {
    /// The name before the colon.
    fn scheme(&self) -> &'static str;

    /// What stands after the colon: `FILE`, `DIR`, `NAME`; empty for a scheme that needs nothing.
    fn place(&self) -> &'static str;

    /// The options: `crop` for one without a value, `size=WIDTHxHEIGHT` for one with a value.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the data is, in one sentence.
    fn about(&self) -> &'static str;

    /// Checks the values of the options, before anything is read.
    ///
    /// # Errors
    /// A value that the option cannot have.
    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        let _ = text;
        Ok(())
    }

    /// Reads the data.
    ///
    /// # Errors
    /// Anything that is wrong with the files; the message names the file and says what to do.
    fn read(&self, text: &SourceText) -> Result<Loaded, DataError>;

    /// How a source of this scheme is written: `images:DIR[,size=WIDTHxHEIGHT][,crop]`.
    fn usage(&self) -> String {
        let place = match self.place() {
            "" => String::new(),
            place => format!(":{place}"),
        };
        let options: Vec<String> = self.options().iter().map(|o| format!("[,{o}]")).collect();
        format!("{}{place}{}", self.scheme(), options.concat())
    }
}

/// What a source holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Loaded {
    /// The data.
    pub data: Data,
    /// The test part that the data's makers defined.
    pub test: Option<Data>,
    /// What a user should know: what was passed over, with counts, and what was taken for what.
    pub notes: Vec<String>,
    /// Where each item of `data` comes from, where that can be said: a line of a file, a file.
    pub origins: Option<Origins>,
}

/// Where items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// The line where each item begins, counted from 1.
    Lines(Vec<u64>),
    /// The file of each item.
    Files(Vec<PathBuf>),
}

impl Origins {
    /// Where an item comes from: `line 17`, `photos/cat.png`.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn name(&self, item: usize) -> String {
        match self {
            Self::Lines(lines) => format!("line {}", lines[item]),
            Self::Files(files) => files[item].display().to_string(),
        }
    }
}

impl Loaded {
    /// Data without a test part and without notes.
    pub fn new(data: Data) -> Self {
        Self { data, test: None, notes: Vec::new(), origins: None }
    }

    /// The same with a note.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl From<Dataset> for Loaded {
    fn from(mut rows: Dataset) -> Self {
        let test = rows.take_test_part().map(Data::from_dataset);
        Self { data: Data::from_dataset(rows), test, notes: Vec::new(), origins: None }
    }
}
