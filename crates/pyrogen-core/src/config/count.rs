//! Numbers of parameters and features of what a config describes, which may be too large to build.

/// The product; `usize::MAX` where it does not fit.
pub fn product(factors: &[usize]) -> usize {
    factors.iter().copied().fold(1, usize::saturating_mul)
}

/// The sum; `usize::MAX` where it does not fit.
pub fn sum(parts: impl IntoIterator<Item = usize>) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}
