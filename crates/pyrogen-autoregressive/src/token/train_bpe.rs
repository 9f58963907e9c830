//! Learning byte pairs.

use std::collections::{BTreeSet, HashMap};

/// Learns up to `most` pairs from the counts of pieces: the commonest pair becomes a token, again and
/// again, as long as one comes twice. Of equally common pairs the one with the smaller numbers is
/// first, so that the result depends on the counts alone.
///
/// Counts of pairs are kept up to date piece by piece, so that a step touches only the pieces that
/// hold the pair.
pub(super) fn learn(counts: &HashMap<&str, u64>, most: usize) -> Vec<[u32; 2]> {
    let mut pieces: Vec<(&str, u64)> = counts.iter().map(|(&piece, &n)| (piece, n)).collect();
    pieces.sort_unstable();
    let mut state = State::default();
    for (piece, count) in pieces {
        state.add(piece.bytes().map(u32::from).collect(), count);
    }
    let mut merges = Vec::new();
    while merges.len() < most {
        let Some(&(count, _, pair)) = state.order.last() else { break };
        if count < 2 {
            break;
        }
        state.join(pair, 256 + merges.len() as u32);
        merges.push([pair.0, pair.1]);
    }
    merges
}

type Pair = (u32, u32);

#[derive(Default)]
struct State {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    /// Words that may hold a pair.
    places: HashMap<Pair, BTreeSet<usize>>,
    /// By count, then the smaller numbers last.
    order: BTreeSet<(u64, std::cmp::Reverse<Pair>, Pair)>,
}

impl State {
    fn add(&mut self, word: Vec<u32>, count: u64) {
        let number = self.words.len();
        self.words.push((word, count));
        self.count(number, true);
    }

    /// Counts the pairs of a word, or takes them out.
    fn count(&mut self, number: usize, add: bool) {
        let (word, times) = &self.words[number];
        for w in word.windows(2) {
            let pair = (w[0], w[1]);
            let count = self.counts.entry(pair).or_default();
            if *count > 0 {
                self.order.remove(&(*count, std::cmp::Reverse(pair), pair));
            }
            *count = if add { *count + times } else { *count - times };
            if *count > 0 {
                self.order.insert((*count, std::cmp::Reverse(pair), pair));
            }
            if add {
                self.places.entry(pair).or_default().insert(number);
            }
        }
    }

    fn join(&mut self, pair: Pair, token: u32) {
        for number in self.places.remove(&pair).unwrap_or_default() {
            if !self.words[number].0.windows(2).any(|w| (w[0], w[1]) == pair) {
                continue;
            }
            self.count(number, false);
            let word = std::mem::take(&mut self.words[number].0);
            let mut out = Vec::with_capacity(word.len());
            let mut i = 0;
            while i < word.len() {
                if i + 1 < word.len() && (word[i], word[i + 1]) == pair {
                    out.push(token);
                    i += 2;
                } else {
                    out.push(word[i]);
                    i += 1;
                }
            }
            self.words[number].0 = out;
            self.count(number, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_pair_is_first() {
        let counts = HashMap::from([("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)]);
        let [e, s, t] = [b'e', b's', b't'].map(u32::from);
        // `es` and `st` come nine times each: the smaller numbers are first.
        let merges = learn(&counts, 3);
        assert_eq!(merges[..2], [[e, s], [256, t]]);
        assert_eq!(merges[2], [u32::from(b'l'), u32::from(b'o')]);
        assert!(learn(&HashMap::from([("ab", 1)]), 5).is_empty());
    }
}
