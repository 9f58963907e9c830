//! `pairs:FILE`.

use super::{Loaded, Reader, SourceText};
use crate::DataError;
use crate::read::parallel::{self, Sides};

pub(super) struct TextPairs;

impl Reader for TextPairs {
    fn scheme(&self) -> &'static str {
        "pairs"
    }

    fn place(&self) -> &'static str {
        "FILE"
    }

    fn options(&self) -> &'static [&'static str] {
        &["source=COLUMN", "target=COLUMN", "targets=FILE"]
    }

    fn about(&self) -> &'static str {
        "pairs of texts: a source, a tab and a target a line; two columns of a CSV table; or two \
         files, line by line"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        sides(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        parallel::load(text.place(), &sides(text)?)
    }
}

fn sides(text: &SourceText) -> Result<Sides, DataError> {
    let given = |name: &str| text.value(name).map(str::to_string);
    let columns = match (given("source"), given("target")) {
        (Some(source), Some(target)) => Some([source, target]),
        (None, None) => None,
        (Some(_), None) => return Err(DataError::option("source", "given together with `target`")),
        (None, Some(_)) => return Err(DataError::option("target", "given together with `source`")),
    };
    let targets = given("targets");
    if columns.is_some() && targets.is_some() {
        return Err(DataError::option("targets", "given without `source` and `target`"));
    }
    Ok(Sides { columns, targets })
}
