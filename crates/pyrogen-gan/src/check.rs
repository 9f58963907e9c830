//! Checks that several configs share.

use pyrogen_core::ConfigError;

/// At least 1.
pub(crate) fn at_least_one(field: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 {
        return Err(ConfigError::value(field, "at least 1", value));
    }
    Ok(())
}

/// Finite and not negative.
pub(crate) fn not_negative(field: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(ConfigError::value(field, "a number that is not negative", value))
}

/// Finite and above zero.
pub(crate) fn positive(field: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(ConfigError::value(field, "a positive number", value))
}

/// One width or more, each at least 1.
pub(crate) fn widths(field: &str, widths: &[usize]) -> Result<(), ConfigError> {
    if widths.is_empty() || widths.contains(&0) {
        let got = format!("{widths:?}");
        return Err(ConfigError::value(field, "a list of widths, each at least 1", got));
    }
    Ok(())
}

/// The product; `usize::MAX` where it does not fit.
pub(crate) fn product(factors: &[usize]) -> usize {
    factors.iter().copied().fold(1, usize::saturating_mul)
}

/// The sum; `usize::MAX` where it does not fit.
pub(crate) fn sum(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}
