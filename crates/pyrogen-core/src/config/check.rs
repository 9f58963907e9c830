//! Checks of values that many configs make.
//!
//! Each names the field, what was expected and what was found.

use crate::ConfigError;

/// At least 1.
///
/// # Errors
/// Zero.
pub fn at_least_one(field: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 {
        return Err(ConfigError::value(field, "at least 1", value));
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

/// One width or more, each at least 1.
///
/// # Errors
/// No widths, or one of 0.
pub fn widths(field: &str, widths: &[usize]) -> Result<(), ConfigError> {
    if widths.is_empty() || widths.contains(&0) {
        let got = format!("{widths:?}");
        return Err(ConfigError::value(field, "a list of widths, each at least 1", got));
    }
    Ok(())
}
