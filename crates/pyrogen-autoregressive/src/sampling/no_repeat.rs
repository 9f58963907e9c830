//! No run of tokens twice.

/// Leaves out every token that would end a run of `n` tokens that was there.
pub(super) fn apply(logits: &mut [f32], before: &[u32], n: usize) {
    if before.len() + 1 < n {
        return;
    }
    let last = &before[before.len() + 1 - n..];
    for run in before.windows(n) {
        if run[..n - 1] == *last
            && let Some(v) = logits.get_mut(run[n - 1] as usize)
        {
            *v = super::OUT;
        }
    }
}
