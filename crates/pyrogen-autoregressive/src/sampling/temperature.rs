//! Flatter or steeper.

/// Divides logits by the temperature; 0 leaves the first of the largest alone.
pub(super) fn apply(logits: &mut [f32], temperature: f64) {
    if temperature > 0.0 {
        logits.iter_mut().for_each(|v| *v = (f64::from(*v) / temperature) as f32);
        return;
    }
    let most = logits.iter().copied().fold(super::OUT, f32::max);
    let best = logits.iter().position(|&v| v == most);
    for (token, v) in logits.iter_mut().enumerate() {
        if Some(token) != best {
            *v = super::OUT;
        }
    }
}
