//! Checks of values that many configs make.
//!
//! Each names the field, what was expected and what was found.

use super::count;
use crate::ConfigError;

/// The most of a width, a number of classes, codes or latents: more is a mistake, and would be asked
/// of memory before anything else could refuse it.
pub const MOST: usize = 1 << 20;

/// The most layers, blocks or stages that follow each other.
pub const MOST_LAYERS: usize = 1024;

/// The most elements of one example.
pub const MOST_ELEMENTS: usize = 1 << 28;

/// The most parameters of a model: 16 GiB of them in f32, before gradients and moments.
pub const MOST_PARAMS: usize = 1 << 32;

/// At least 1, and no more than [`MOST`].
///
/// # Errors
/// Zero, or more.
pub fn at_least_one(field: &str, value: usize) -> Result<(), ConfigError> {
    within(field, value, MOST)
}

/// From 1 to `most`.
///
/// # Errors
/// Zero, or more.
pub fn within(field: &str, value: usize, most: usize) -> Result<(), ConfigError> {
    match value {
        0 => Err(ConfigError::value(field, "at least 1", value)),
        _ if value > most => Err(ConfigError::value(field, format!("at most {most}"), value)),
        _ => Ok(()),
    }
}

/// A number of layers, from 1 to [`MOST_LAYERS`].
///
/// # Errors
/// Zero, or more.
pub fn layers(field: &str, value: usize) -> Result<(), ConfigError> {
    within(field, value, MOST_LAYERS)
}

/// The shape of an example or a context: sizes of at least 1, of [`MOST_ELEMENTS`] elements at most.
///
/// # Errors
/// No sizes, one of 0, or more elements.
pub fn shape(field: &str, shape: &[usize]) -> Result<(), ConfigError> {
    let got = || format!("{shape:?}");
    if shape.is_empty() || shape.contains(&0) {
        return Err(ConfigError::value(field, "a list of sizes, each at least 1", got()));
    }
    if count::product(shape) > MOST_ELEMENTS {
        let expected = format!("sizes of at most {MOST_ELEMENTS} elements");
        return Err(ConfigError::value(field, expected, got()));
    }
    Ok(())
}

/// A number of parameters, at most [`MOST_PARAMS`]; `field` is the part of the config that has them.
///
/// # Errors
/// More.
pub fn params(field: &str, params: usize) -> Result<(), ConfigError> {
    if params > MOST_PARAMS {
        let expected = format!("a model of at most {MOST_PARAMS} parameters");
        let got = if params == usize::MAX { "more".to_string() } else { params.to_string() };
        return Err(ConfigError::value(field, expected, got));
    }
    Ok(())
}

/// Finite and not negative.
///
/// # Errors
/// A negative number, or one that is not finite.
pub fn not_negative(field: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ConfigError::value(field, "a number that is not negative", value))
}

/// Finite and above zero.
///
/// # Errors
/// Zero, a negative number, or one that is not finite.
pub fn positive(field: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(ConfigError::value(field, "a positive number", value))
}

/// One width or more, each at least 1 and at most [`MOST`], [`MOST_LAYERS`] at most.
///
/// # Errors
/// No widths, one of 0, one that is larger, or more of them.
pub fn widths(field: &str, widths: &[usize]) -> Result<(), ConfigError> {
    if widths.is_empty() {
        return Err(ConfigError::value(field, "a list of widths, each at least 1", "[]"));
    }
    any_widths(field, widths)
}

/// As [`widths`], or none.
///
/// # Errors
/// A width of 0, one that is larger than [`MOST`], or more than [`MOST_LAYERS`].
pub fn any_widths(field: &str, widths: &[usize]) -> Result<(), ConfigError> {
    if widths.contains(&0) {
        let got = format!("{widths:?}");
        return Err(ConfigError::value(field, "a list of widths, each at least 1", got));
    }
    if widths.len() > MOST_LAYERS {
        let expected = format!("a list of at most {MOST_LAYERS} widths");
        return Err(ConfigError::value(field, expected, widths.len()));
    }
    widths.iter().try_for_each(|&width| within(field, width, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_both_ends() {
        let text = |r: Result<(), ConfigError>| r.unwrap_err().to_string();
        assert!(at_least_one("a", 1).is_ok() && at_least_one("a", MOST).is_ok());
        assert!(text(at_least_one("a", 0)).contains("`a` must be at least 1, got 0"));
        assert!(text(at_least_one("a", MOST + 1)).contains("at most 1048576"));
        assert!(text(layers("a", 1_000_000_000)).contains("at most 1024, got 1000000000"));
        assert!(widths("a", &[3, MOST]).is_ok() && widths("a", &[]).is_err());
        assert!(any_widths("a", &[]).is_ok() && any_widths("a", &[1, 0]).is_err());
        assert!(widths("a", &[usize::MAX]).is_err() && widths("a", &[1; 1025]).is_err());
        assert!(shape("a", &[3, 1 << 12, 1 << 12]).is_ok() && shape("a", &[]).is_err());
        assert!(text(shape("a", &[1, usize::MAX])).contains("at most 268435456 elements"));
        assert!(shape("a", &[1 << 20, 1 << 20]).is_err() && shape("a", &[0]).is_err());
        assert!(params("a", MOST_PARAMS).is_ok());
        assert!(text(params("a", usize::MAX)).contains("got more"));
    }
}
