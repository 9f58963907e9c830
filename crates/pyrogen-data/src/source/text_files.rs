//! `text:FILE` and `text:DIR`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::text::{self, Documents};

pub(super) struct TextFiles;

impl Reader for TextFiles {
    fn scheme(&self) -> &'static str {
        "text"
    }

    fn place(&self) -> &'static str {
        "FILE|DIR"
    }

    fn options(&self) -> &'static [&'static str] {
        &["lines", "documents"]
    }

    fn about(&self) -> &'static str {
        "documents of text: one a file, or one a line, or separated by blank lines"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        documents(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        text::load(text.place(), documents(text)?)
    }
}

fn documents(text: &SourceText) -> Result<Documents, DataError> {
    match (text.flag("lines"), text.flag("documents")) {
        (false, false) => Ok(Documents::Files),
        (true, false) => Ok(Documents::Lines),
        (false, true) => Ok(Documents::Paragraphs),
        (true, true) => Err(DataError::option("lines", "given without `documents`")),
    }
}
