//! `sequences:FILE`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::sequences::{self, SequenceOptions};

pub(super) struct SequenceTable;

impl Reader for SequenceTable {
    fn scheme(&self) -> &'static str {
        "sequences"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &["id=COLUMN", "time=COLUMN"]
    }

    fn about(&self) -> &'static str {
        "a CSV table of one step a row, of numbers or symbols; blank cells are missing"
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        let options = SequenceOptions {
            id: text.value("id").map(str::to_string),
            time: text.value("time").map(str::to_string),
        };
        sequences::load(text.place(), &options)
    }
}
