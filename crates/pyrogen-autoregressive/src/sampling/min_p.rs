//! A share of the largest probability.

/// Leaves tokens of at least `p` times the largest probability.
pub(super) fn apply(logits: &mut [f32], p: f64) {
    let Some(probabilities) = super::probabilities(logits) else { return };
    let least = p * probabilities.iter().copied().fold(0.0, f64::max);
    for (v, q) in logits.iter_mut().zip(probabilities) {
        if q < least {
            *v = super::OUT;
        }
    }
}
