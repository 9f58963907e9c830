//! `csv:FILE` and `parquet:FILE`.

use super::{Loaded, Reader, SourceText};
use crate::{CsvOptions, DataError, Header, Missing, read_parquet, read_table};

pub(super) struct Csv;

impl Reader for Csv {
    fn scheme(&self) -> &'static str {
        "csv"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &[
            "label=COLUMN",
            "weight=COLUMN",
            "categorical=COLUMN",
            "drop=COLUMN",
            "keep=COLUMN",
            "missing=error|drop|category",
            "na=TEXT,...",
            "header=yes|no",
            "delimiter=comma|semicolon|tab|bar|space",
            "comment=CHARACTER",
        ]
    }

    fn about(&self) -> &'static str {
        "a table of named columns"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        read_table(text.place(), &options(text)?)
    }
}

pub(super) struct Parquet;

impl Reader for Parquet {
    fn scheme(&self) -> &'static str {
        "parquet"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &[
            "label=COLUMN",
            "weight=COLUMN",
            "categorical=COLUMN",
            "drop=COLUMN",
            "keep=COLUMN",
            "missing=error|drop|category",
            "na=TEXT,...",
        ]
    }

    fn about(&self) -> &'static str {
        "a table of named columns, in a Parquet file"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        options(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        read_parquet(text.place(), &options(text)?)
    }
}

const MISSING: [(&str, Missing); 3] =
    [("error", Missing::Error), ("drop", Missing::Drop), ("category", Missing::Keep)];

const HEADER: [(&str, Header); 2] = [("yes", Header::Yes), ("no", Header::No)];

const DELIMITER: [(&str, char); 5] =
    [("comma", ','), ("semicolon", ';'), ("tab", '\t'), ("bar", '|'), ("space", ' ')];

fn options(text: &SourceText) -> Result<CsvOptions, DataError> {
    let list = |name| text.values(name).map(str::to_string).collect();
    let words = || text.values("na").flat_map(|words| words.split(',')).map(str::to_string);
    let comment = text.value("comment").map(|mark| {
        let mut characters = mark.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(DataError::option(format!("comment={mark}"), "comment=CHARACTER")),
        }
    });
    // A delimiter may be written as itself.
    let delimiter = match text.value("delimiter") {
        Some(mark) if DELIMITER.iter().any(|(_, c)| mark == c.to_string()) => mark.chars().next(),
        _ => text.choice("delimiter", &DELIMITER)?,
    };
    Ok(CsvOptions {
        label: text.value("label").map(str::to_string),
        weight: text.value("weight").map(str::to_string),
        categorical: list("categorical"),
        drop: list("drop"),
        keep: list("keep"),
        missing: text.choice("missing", &MISSING)?.unwrap_or_default(),
        na: text.value("na").map(|_| words().collect()),
        header: text.choice("header", &HEADER)?.unwrap_or_default(),
        delimiter,
        comment: comment.transpose()?,
    })
}
