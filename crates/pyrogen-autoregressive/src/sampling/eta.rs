//! A threshold that falls with the entropy.

use super::{OUT, probabilities};

/// Leaves tokens of a probability of at least `min(epsilon, sqrt(epsilon) exp(-entropy))`, and the
/// most probable in any case.
pub(super) fn apply(logits: &mut [f32], epsilon: f64) {
    let Some(probabilities) = probabilities(logits) else { return };
    let entropy: f64 = probabilities.iter().filter(|q| **q > 0.0).map(|q| -q * q.ln()).sum();
    let least = epsilon.min(epsilon.sqrt() * (-entropy).exp());
    let most = logits.iter().copied().fold(OUT, f32::max);
    for (v, q) in logits.iter_mut().zip(probabilities) {
        if q < least && *v < most {
            *v = OUT;
        }
    }
}
