//! Numbers added to logits.

use std::collections::BTreeMap;

/// Adds each token's number; minus infinity leaves it out.
pub(super) fn apply(logits: &mut [f32], biases: &BTreeMap<u32, f64>) {
    for (&token, &bias) in biases {
        if let Some(v) = logits.get_mut(token as usize) {
            *v += bias as f32;
        }
    }
}
