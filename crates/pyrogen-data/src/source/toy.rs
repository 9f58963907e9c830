//! `toy:NAME`.

use super::{Loaded, Reader, SourceText};
use crate::{DataError, Toy};

/// Points of a toy whose number is not given.
const EXAMPLES: usize = 10_000;
/// More points than anybody needs of two numbers each.
const MOST_EXAMPLES: usize = 10_000_000;

pub(super) struct Toys;

impl Reader for Toys {
    fn scheme(&self) -> &'static str {
        "toy"
    }

    fn place(&self) -> &'static str {
        "NAME"
    }

    fn options(&self) -> &'static [&'static str] {
        &["examples=NUMBER"]
    }

    fn about(&self) -> &'static str {
        "points in the plane of known density"
    }

    fn check(&self, text: &SourceText) -> Result<(), DataError> {
        toy(text).map(|_| ())
    }

    fn read(&self, text: &SourceText) -> Result<Loaded, DataError> {
        let (toy, examples) = toy(text)?;
        Ok(Loaded::from(toy.load(examples)))
    }
}

fn toy(text: &SourceText) -> Result<(Toy, usize), DataError> {
    let examples = text.number("examples", 1..=MOST_EXAMPLES)?.unwrap_or(EXAMPLES);
    Ok((text.place().to_string_lossy().parse()?, examples))
}
