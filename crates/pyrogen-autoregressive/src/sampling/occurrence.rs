//! Penalties for how often a token was there, and for whether it was.

use std::collections::HashMap;

/// Takes the penalty off a token's logit for each time that it was there.
pub(super) fn frequency(logits: &mut [f32], before: &[u32], penalty: f64) {
    by_count(logits, before, |count| count as f64 * penalty);
}

/// Takes the penalty off the logit of each token that was there.
pub(super) fn presence(logits: &mut [f32], before: &[u32], penalty: f64) {
    by_count(logits, before, |_| penalty);
}

fn by_count(logits: &mut [f32], before: &[u32], penalty: impl Fn(usize) -> f64) {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    before.iter().for_each(|&token| *counts.entry(token).or_default() += 1);
    for (token, count) in counts {
        if let Some(v) = logits.get_mut(token as usize) {
            *v -= penalty(count) as f32;
        }
    }
}
