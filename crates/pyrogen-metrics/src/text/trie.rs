//! n-grams of a hypothesis, and how many of them its references have.

use super::words::mixed;

/// Counts the n-grams of a hypothesis and, clipped, those of its references.
///
/// An n-gram is a node of a trie, so it is identified exactly at any order, and the n-grams of a
/// reference are only followed as far as the hypothesis has them.
#[derive(Debug, Default)]
pub(crate) struct NgramMatches {
    trie: Trie,
    /// How often the hypothesis has each node.
    own: Vec<u32>,
    /// How often the reference that was added last has it.
    seen: Vec<u32>,
    /// The most that any reference has.
    most: Vec<u32>,
}

impl NgramMatches {
    /// Starts anew with the n-grams of orders 1 to `order` of a hypothesis.
    pub fn hypothesis(&mut self, symbols: &[u32], order: usize) {
        self.trie.clear();
        self.own.clear();
        self.own.push(0);
        for start in 0..symbols.len() {
            let mut node = ROOT;
            for &symbol in &symbols[start..symbols.len().min(start + order)] {
                node = self.trie.child_or_new(node, symbol);
                if node as usize == self.own.len() {
                    self.own.push(0);
                }
                self.own[node as usize] += 1;
            }
        }
        self.forget_references();
    }

    /// Starts anew with the references.
    pub fn forget_references(&mut self) {
        self.most.clear();
        self.most.resize(self.own.len(), 0);
        self.seen.clear();
        self.seen.resize(self.own.len(), 0);
    }

    /// Adds to `matched[n - 1]` how many more n-grams of the hypothesis are covered by this reference
    /// than by those before it: each n-gram counts as often as the reference with most of them has it.
    pub fn reference(&mut self, symbols: &[u32], order: usize, matched: &mut [u64]) {
        self.seen.fill(0);
        for start in 0..symbols.len() {
            let mut node = ROOT;
            let window = &symbols[start..symbols.len().min(start + order)];
            for (&symbol, matched) in window.iter().zip(matched.iter_mut()) {
                let Some(child) = self.trie.child(node, symbol) else { break };
                node = child;
                let at = node as usize;
                self.seen[at] += 1;
                if self.seen[at] > self.most[at] {
                    self.most[at] = self.seen[at];
                    *matched += u64::from(self.seen[at] <= self.own[at]);
                }
            }
        }
    }
}

const ROOT: u32 = 0;

/// Nodes by parent and symbol, with open addressing. The root is 0, which is also "nothing here".
#[derive(Debug, Default)]
struct Trie {
    slots: Vec<(u64, u32)>,
    nodes: u32,
}

const SMALLEST: usize = 1024;

impl Trie {
    fn clear(&mut self) {
        if self.slots.len() > SMALLEST && self.nodes as usize * 16 < self.slots.len() {
            self.slots = vec![(0, 0); SMALLEST];
        } else {
            self.slots.fill((0, 0));
        }
        self.nodes = 0;
    }

    fn child(&self, parent: u32, symbol: u32) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (_, node) = self.slots[self.probe(key(parent, symbol))];
        (node != 0).then_some(node)
    }

    fn child_or_new(&mut self, parent: u32, symbol: u32) -> u32 {
        if self.slots.len() < 2 * (self.nodes as usize + 1) {
            self.grow();
        }
        let key = key(parent, symbol);
        let slot = self.probe(key);
        if self.slots[slot].1 == 0 {
            self.nodes += 1;
            self.slots[slot] = (key, self.nodes);
        }
        self.slots[slot].1
    }

    fn probe(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = mixed(key) as usize & mask;
        while self.slots[slot].1 != 0 && self.slots[slot].0 != key {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.slots, vec![(0, 0); size]);
        for (key, node) in old.into_iter().filter(|&(_, node)| node != 0) {
            let slot = self.probe(key);
            self.slots[slot] = (key, node);
        }
    }
}

fn key(parent: u32, symbol: u32) -> u64 {
    (u64::from(parent) << 32) | u64::from(symbol)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pyrogen_core::{Noise, Seed};

    use super::*;

    fn counts(symbols: &[u32], n: usize) -> HashMap<&[u32], u64> {
        let mut counts = HashMap::new();
        for gram in symbols.windows(n) {
            *counts.entry(gram).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn as_counted_with_maps() {
        let mut matches = NgramMatches::default();
        let mut noise = Noise::new(Seed(1));
        for length in [0, 1, 2, 30, 5000, 40] {
            let mut draw = |n: usize| -> Vec<u32> {
                noise.uniform_vec(n).iter().map(|u| (u * 4.0) as u32).collect()
            };
            let (own, references) = (draw(length), [draw(length + 3), draw(length / 2)]);
            let mut matched = [0; 5];
            matches.hypothesis(&own, 5);
            references.iter().for_each(|r| matches.reference(r, 5, &mut matched));
            for n in 1..=5 {
                let theirs = references.each_ref().map(|r| counts(r, n));
                let most = |gram| theirs.iter().filter_map(|c| c.get(gram)).max().copied();
                let expected: u64 =
                    counts(&own, n).iter().map(|(g, c)| *c.min(&most(g).unwrap_or(0))).sum();
                assert_eq!(matched[n - 1], expected, "length {length}, order {n}");
            }
        }
    }
}
