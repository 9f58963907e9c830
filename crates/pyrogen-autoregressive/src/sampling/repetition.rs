//! What was there is less probable.

use std::collections::HashSet;

/// Divides the logits of tokens that were there by the penalty where they are positive, else
/// multiplies them.
pub(super) fn apply(logits: &mut [f32], before: &[u32], penalty: f64) {
    let penalty = penalty as f32;
    for token in before.iter().collect::<HashSet<_>>() {
        if let Some(v) = logits.get_mut(*token as usize) {
            *v = if *v < 0.0 { *v * penalty } else { *v / penalty };
        }
    }
}
