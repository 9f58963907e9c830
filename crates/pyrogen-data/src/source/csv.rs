//! `csv:FILE`.

use super::{Loaded, Reader, SourceText};
use crate::{CsvOptions, DataError, Header, Missing, read_csv};

pub(super) struct Csv;

impl Reader for Csv {
    fn scheme(&self) -> &'static str {
        "csv"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &["label=COLUMN", "categorical=COLUMN", "missing=error|drop|category", "header=yes|no"]
    }

    fn about(&self) -> &'static str {
        "a table of named columns"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        read_csv(text.place(), &options(text)?).map(Loaded::from)
    }
}

fn options(text: &SourceText) -> Result<CsvOptions, DataError> {
    const MISSING: [(&str, Missing); 3] =
        [("error", Missing::Error), ("drop", Missing::Drop), ("category", Missing::Category)];
    const HEADER: [(&str, Header); 2] = [("yes", Header::Yes), ("no", Header::No)];
    Ok(CsvOptions {
        label: text.value("label").map(str::to_string),
        categorical: text.values("categorical").map(str::to_string).collect(),
        missing: text.choice("missing", &MISSING)?.unwrap_or_default(),
        header: text.choice("header", &HEADER)?.unwrap_or_default(),
    })
}
