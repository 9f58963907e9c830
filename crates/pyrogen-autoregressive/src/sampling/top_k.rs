//! The largest so many.

/// Leaves the `k` largest logits, and those that equal the last of them.
pub(super) fn apply(logits: &mut [f32], k: usize) {
    if k >= logits.len() {
        return;
    }
    let mut sorted = logits.to_vec();
    let (_, least, _) = sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    let least = *least;
    logits.iter_mut().filter(|v| **v < least).for_each(|v| *v = super::OUT);
}
