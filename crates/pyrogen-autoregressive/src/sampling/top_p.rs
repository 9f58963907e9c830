//! The fewest of the largest that have a probability.

use super::{OUT, descending, probabilities};

/// Leaves tokens, the most probable first, until their probability is at least `p`; one at least.
pub(super) fn apply(logits: &mut [f32], p: f64) {
    let Some(probabilities) = probabilities(logits) else { return };
    let mut sum = 0.0;
    for token in descending(logits) {
        if sum >= p {
            logits[token] = OUT;
        }
        sum += probabilities[token];
    }
}
