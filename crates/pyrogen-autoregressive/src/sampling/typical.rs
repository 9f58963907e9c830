//! Tokens whose surprise is near to the entropy.

use super::{OUT, probabilities};

/// Leaves tokens, those whose surprise is nearest to the entropy first, until their probability is at
/// least `p`; what is as near as the last of them stays, too.
pub(super) fn apply(logits: &mut [f32], p: f64) {
    let Some(probabilities) = probabilities(logits) else { return };
    let nats = |q: f64| if q > 0.0 { -q.ln() } else { f64::INFINITY };
    let entropy: f64 = probabilities.iter().filter(|q| **q > 0.0).map(|&q| q * nats(q)).sum();
    let distance: Vec<f64> = probabilities.iter().map(|&q| (nats(q) - entropy).abs()).collect();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| distance[a].total_cmp(&distance[b]));
    let mut sum = 0.0;
    let mut most = 0.0;
    for token in order {
        most = distance[token];
        sum += probabilities[token];
        if sum >= p {
            break;
        }
    }
    for (v, distance) in logits.iter_mut().zip(distance) {
        if distance > most {
            *v = OUT;
        }
    }
}
