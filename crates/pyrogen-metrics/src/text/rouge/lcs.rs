//! Longest common subsequences.

use super::Text;

/// Memory for longest common subsequences.
#[derive(Debug, Default)]
pub(super) struct Subsequences {
    /// For each word, a bit for each of its places in the first text.
    places: Vec<u64>,
    row: Vec<u64>,
    table: Vec<u32>,
    taken: Vec<bool>,
    left: [Vec<u32>; 2],
}

impl Subsequences {
    /// The length of the longest common subsequence of two texts whose words are below `kinds`.
    ///
    /// 64 cells of the table's row are one step (Hyyrö 2004): a bit is 0 where the length goes up.
    pub fn longest(&mut self, first: &[u32], second: &[u32], kinds: usize) -> usize {
        let blocks = first.len().div_ceil(64);
        self.places.clear();
        self.places.resize(kinds * blocks, 0);
        for (place, &word) in first.iter().enumerate() {
            self.places[word as usize * blocks + place / 64] |= 1 << (place % 64);
        }
        self.row.clear();
        self.row.resize(blocks, u64::MAX);
        for &word in second {
            let places = &self.places[word as usize * blocks..][..blocks];
            let mut carry = false;
            for (row, places) in self.row.iter_mut().zip(places) {
                let common = *row & places;
                let (sum, over) = row.overflowing_add(common);
                let (sum, over_too) = sum.overflowing_add(u64::from(carry));
                carry = over || over_too;
                *row = sum | (*row & !common);
            }
        }
        // Bits beyond the text stay 1: no word has a place there.
        self.row.iter().map(|row| row.count_zeros() as usize).sum()
    }

    /// For each sentence of the reference, the words that lie on a longest common subsequence with any
    /// sentence of the hypothesis; each counts as often as both texts have it.
    pub fn union(&mut self, reference: &Text, hypothesis: &Text, kinds: usize) -> usize {
        for (left, text) in self.left.iter_mut().zip([reference, hypothesis]) {
            left.clear();
            left.resize(kinds, 0);
            text.words.iter().for_each(|&word| left[word as usize] += 1);
        }
        let mut hits = 0;
        for sentence in reference.sentences() {
            self.taken.clear();
            self.taken.resize(sentence.len(), false);
            for other in hypothesis.sentences() {
                self.mark(sentence, other);
            }
            for (&word, _) in sentence.iter().zip(&self.taken).filter(|(_, taken)| **taken) {
                let [theirs, own] = self.left.each_mut().map(|left| &mut left[word as usize]);
                if *theirs > 0 && *own > 0 {
                    *theirs -= 1;
                    *own -= 1;
                    hits += 1;
                }
            }
        }
        hits
    }

    /// Marks the places of the first text on the subsequence that rouge-score walks back along.
    fn mark(&mut self, first: &[u32], second: &[u32]) {
        let width = second.len() + 1;
        self.table.clear();
        self.table.resize(width * (first.len() + 1), 0);
        for (i, a) in first.iter().enumerate() {
            for (j, b) in second.iter().enumerate() {
                let at = (i + 1) * width + j + 1;
                self.table[at] = if a == b {
                    self.table[at - width - 1] + 1
                } else {
                    self.table[at - width].max(self.table[at - 1])
                };
            }
        }
        let (mut i, mut j) = (first.len(), second.len());
        while i > 0 && j > 0 {
            let at = i * width + j;
            if first[i - 1] == second[j - 1] {
                self.taken[i - 1] = true;
                i -= 1;
                j -= 1;
            } else if self.table[at - 1] > self.table[at - width] {
                j -= 1;
            } else {
                i -= 1;
            }
        }
    }
}
