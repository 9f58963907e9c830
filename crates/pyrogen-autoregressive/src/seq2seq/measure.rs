//! How probable targets are, given their sources.

use pyrogen_nn::ops;

use super::text::VECTOR;
use super::{PairDropout, Seq2SeqText};
use crate::{Packed, Surprise};

/// Tokens of sources and targets that are worked on together at most, and logits of them.
const TOGETHER: usize = 8192;
const LOGITS: usize = 1 << 24;

impl Seq2SeqText {
    /// The surprise of each token of targets, with their ends, given their sources, which
    /// [`source`](Self::source) gives.
    ///
    /// # Panics
    /// If there is not one target a source, one of them is longer than its context, or a token is out of
    /// range.
    pub fn surprise(&self, sources: &[Vec<u32>], targets: &[Vec<u32>]) -> Vec<Surprise> {
        assert_eq!(sources.len(), targets.len(), "surprise: one target a source");
        let tokenizer = self.tokenizers()[1];
        let (start, end) = (tokenizer.start(), tokenizer.end());
        // Rows of a group have lengths that depend on their own pair alone.
        let padded = |&i: &usize| {
            let (source, target) = (sources[i].len(), targets[i].len() + 1);
            let places = target.next_multiple_of(VECTOR).min(self.network().config().context);
            [source.next_multiple_of(VECTOR), places.max(target)]
        };
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(padded);
        let mut nats: Vec<Vec<f64>> = vec![Vec::new(); targets.len()];
        let vocabulary = self.network().config().vocabulary;
        let together = TOGETHER.min(LOGITS / vocabulary);
        for group in order.chunk_by(|a, b| padded(a) == padded(b)) {
            let [keys, places] = padded(&group[0]);
            // A target that fills the context may not fill the vectors; then its rows do.
            let unit = if places.is_multiple_of(VECTOR) { 1 } else { VECTOR };
            let count = (together / (keys + places)).max(1).next_multiple_of(unit);
            for now in group.chunks(count) {
                let rows = now.len().next_multiple_of(unit);
                let all = || now.iter().chain(std::iter::repeat(&now[0])).take(rows);
                let of: Vec<Vec<u32>> = all().map(|&i| sources[i].clone()).collect();
                let (mut inputs, mut predicted) = (Vec::new(), Vec::new());
                for &i in all() {
                    inputs.push(start);
                    inputs.extend_from_slice(&targets[i]);
                    predicted.extend_from_slice(&targets[i]);
                    predicted.push(end);
                    let filled = inputs.len().next_multiple_of(places);
                    inputs.resize(filled, end);
                    predicted.resize(filled, end);
                }
                let sources = Packed::behind_padding(&of, keys);
                let inputs = Packed::new(inputs, places);
                let logits = self.network().logits(&sources, &inputs, &PairDropout::default());
                let logits = logits.reshape([rows * places, vocabulary]);
                let costs = ops::cross_entropy(logits, &predicted.into());
                let costs: Vec<f64> = costs.into_data().iter::<f64>().collect();
                for (&i, row) in now.iter().zip(costs.chunks(places)) {
                    nats[i] = row[..targets[i].len() + 1].to_vec();
                }
            }
        }
        let surprise = |(target, nats): (&Vec<u32>, Vec<f64>)| Surprise {
            tokens: [&target[..], &[end]].concat(),
            nats,
        };
        targets.iter().zip(nats).map(surprise).collect()
    }
}
