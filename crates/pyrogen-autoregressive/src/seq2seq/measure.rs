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
        let (config, end) = (self.network().config(), self.tokenizers()[1].end());
        // Rows of a group have lengths that depend on their own pair alone.
        let padded = |&i: &usize| {
            let (source, target) = (sources[i].len(), targets[i].len() + 1);
            let places = target.next_multiple_of(VECTOR).min(config.context);
            [source.next_multiple_of(VECTOR), places.max(target)]
        };
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(padded);
        let mut nats: Vec<Vec<f64>> = vec![Vec::new(); targets.len()];
        let together = TOGETHER.min(LOGITS / config.vocabulary);
        for group in order.chunk_by(|a, b| padded(a) == padded(b)) {
            let [keys, places] = padded(&group[0]);
            // A target that fills the context may not fill the vectors; then its rows do.
            let unit = if places.is_multiple_of(VECTOR) { 1 } else { VECTOR };
            let count = (together / (keys + places)).max(1).next_multiple_of(unit);
            for now in group.chunks(count) {
                let mut rows = now.to_vec();
                rows.resize(now.len().next_multiple_of(unit), now[0]);
                let of = |i: &usize| (&sources[*i][..], &targets[*i][..]);
                let pairs: Vec<(&[u32], &[u32])> = rows.iter().map(of).collect();
                let costs = self.costs(&pairs, [keys, places]);
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

    /// `-ln p` of each token of targets in rows of so many places, and of what fills them; sources stand
    /// in rows of `keys` places.
    fn costs(&self, pairs: &[(&[u32], &[u32])], [keys, places]: [usize; 2]) -> Vec<f64> {
        let tokenizer = self.tokenizers()[1];
        let (start, end) = (tokenizer.start(), tokenizer.end());
        let (mut inputs, mut predicted) = (Vec::new(), Vec::new());
        for (i, (_, target)) in pairs.iter().enumerate() {
            inputs.push(start);
            for row in [&mut inputs, &mut predicted] {
                row.extend_from_slice(target);
                row.resize((i + 1) * places, end);
            }
        }
        let sources: Vec<Vec<u32>> = pairs.iter().map(|(source, _)| source.to_vec()).collect();
        let sources = Packed::behind_padding(&sources, keys);
        let inputs = Packed::new(inputs, places);
        let logits = self.network().logits(&sources, &inputs, &PairDropout::default());
        let [rows, _, vocabulary] = logits.dims();
        let logits = logits.reshape([rows * places, vocabulary]);
        let costs = ops::cross_entropy(logits, &predicted.into());
        costs.into_data().iter::<f64>().collect()
    }
}
