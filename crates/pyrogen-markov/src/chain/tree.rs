//! [`ContextTree`]: context tree weighting, a chain of variable order.

use serde::{Deserialize, Serialize};

use super::ngram::TokenModel;
use crate::MarkovError;

/// Options of a [`ContextTree`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextTreeConfig {
    /// The longest context, in symbols.
    pub depth: usize,
    /// Added to the counts of both bits: 0.5 is the estimator of Krichevsky and Trofimov (1981); less
    /// suits text, where most long contexts have one continuation.
    pub pseudo_count: f64,
    /// Whether the ends of sequences are modelled.
    pub ends: bool,
}

impl Default for ContextTreeConfig {
    fn default() -> Self {
        Self { depth: 7, pseudo_count: 0.05, ends: false }
    }
}

/// Context tree weighting: the mixture of all trees of contexts up to a depth, each weighted by how
/// well it has predicted so far.
///
/// A symbol is a path of bits, and each bit has a tree over contexts of symbols. In a context `s`,
/// `P_w(s) = P_e(s) / 2 + P_w(longer contexts) / 2`; the ratio of the two is kept in each node. A context
/// that was never seen is left to the next shorter one.
///
/// # Memory
/// 16 bytes a node, of which there are at most `bits (depth + 1)` a symbol of text. Contexts are known
/// by 64-bit hashes.
///
/// # References
/// Willems, Shtarkov and Tjalkens (1995); bits of symbols as Willems and Tjalkens (1997).
///
/// # Examples
/// ```
/// use pyrogen_markov::chain::{ContextTree, ContextTreeConfig};
///
/// let text: Vec<u32> = (0..600).map(|i| i % 3).collect();
/// let mut tree = ContextTree::new(3, ContextTreeConfig::default())?;
/// let nats: f64 = -tree.learn(&text)?.iter().sum::<f64>();
/// assert!(nats / 600.0 < 0.06); // after the first rounds there is nothing left to learn
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContextTree {
    config: ContextTreeConfig,
    symbols: u32,
    bits: u32,
    nodes: Table,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    key: u64,
    zeros: u16,
    ones: u16,
    /// `ln` of the ratio of the node's own estimate to that of longer contexts, over all it has seen.
    log_ratio: f32,
}

/// Open addressing with linear steps; a key of 0 is a free place.
#[derive(Debug, Clone)]
struct Table {
    nodes: Vec<Node>,
    used: usize,
}

impl Table {
    fn new() -> Self {
        Self { nodes: vec![Node::default(); 1 << 12], used: 0 }
    }

    fn place(&self, key: u64) -> Result<usize, usize> {
        let mask = self.nodes.len() - 1;
        let mut at = (key >> 20) as usize & mask;
        loop {
            match self.nodes[at].key {
                0 => return Err(at),
                k if k == key => return Ok(at),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn get(&self, key: u64) -> Option<&Node> {
        self.place(key).ok().map(|at| &self.nodes[at])
    }

    /// The node of a key, made where it is new.
    fn entry(&mut self, key: u64) -> &mut Node {
        if self.used * 4 > self.nodes.len() * 3 {
            let old = std::mem::take(&mut self.nodes);
            self.nodes = vec![Node::default(); old.len() * 2];
            for node in old.into_iter().filter(|n| n.key != 0) {
                let (Ok(at) | Err(at)) = self.place(node.key);
                self.nodes[at] = node;
            }
        }
        let at = match self.place(key) {
            Ok(at) => at,
            Err(at) => {
                self.used += 1;
                self.nodes[at].key = key;
                at
            }
        };
        &mut self.nodes[at]
    }
}

/// Mixes a number into a hash (the finaliser of MurmurHash3; Appleby 2011).
fn mix(hash: u64, value: u64) -> u64 {
    let mut h = hash ^ value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    h = (h ^ (h >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    h = (h ^ (h >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    h ^ (h >> 33)
}

impl ContextTree {
    /// An empty tree over `symbols` symbols.
    ///
    /// # Errors
    /// No symbols, or a pseudo-count that is not above 0.
    pub fn new(symbols: u32, config: ContextTreeConfig) -> Result<Self, MarkovError> {
        if symbols == 0 || symbols > u32::MAX - 2 {
            return Err(MarkovError::request("symbols", "at least 1", symbols));
        }
        if !(config.pseudo_count > 0.0 && config.pseudo_count.is_finite()) {
            let got = config.pseudo_count;
            return Err(MarkovError::request("pseudo_count", "above 0", got));
        }
        let outcomes = symbols + u32::from(config.ends);
        let bits = u32::BITS - (outcomes - 1).leading_zeros();
        Ok(Self { config, symbols, bits, nodes: Table::new() })
    }

    /// Nodes in use.
    pub fn nodes(&self) -> usize {
        self.nodes.used
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.nodes.nodes.len() * std::mem::size_of::<Node>()
    }

    /// Learns a sequence; gives the logarithm of the probability that each symbol had before it was
    /// learnt (their sum is the code length that the paper bounds), in nats.
    ///
    /// # Errors
    /// A symbol that the model does not have.
    pub fn learn(&mut self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError> {
        self.check(sequence)?;
        let mut logs = Vec::with_capacity(sequence.len() + 1);
        let mut history = self.history();
        for symbol in sequence.iter().copied().chain(self.end()) {
            let contexts = self.contexts(&history);
            let mut log = 0.0;
            for (prefix, bit) in self.path(symbol) {
                log += self.update(&contexts, prefix, bit).ln();
            }
            logs.push(log);
            history.push(symbol);
        }
        Ok(logs)
    }

    fn check(&self, sequence: &[u32]) -> Result<(), MarkovError> {
        match sequence.iter().position(|s| *s >= self.symbols) {
            None => Ok(()),
            Some(step) => {
                let (symbol, symbols) = (sequence[step], self.symbols as usize);
                Err(MarkovError::Symbol { sequence: 0, step, symbol, symbols })
            }
        }
    }

    /// What stands before a sequence.
    fn history(&self) -> Vec<u32> {
        vec![u32::MAX; self.config.depth]
    }

    /// Hashes of the contexts of all lengths, the empty one first.
    fn contexts(&self, history: &[u32]) -> Vec<u64> {
        let mut hash = 0x5851_F42D_4C95_7F2D;
        let mut all = vec![hash];
        for symbol in history.iter().rev().take(self.config.depth) {
            hash = mix(hash, u64::from(*symbol) + 1);
            all.push(hash);
        }
        all
    }

    /// The bits of a symbol that are not certain, each with the bits before it.
    fn path(&self, symbol: u32) -> impl Iterator<Item = (u32, bool)> + use<> {
        let (bits, outcomes) = (self.bits, self.outcomes() as u32);
        (0..bits).rev().filter_map(move |place| {
            let prefix = (1 << (bits - 1 - place)) | symbol.checked_shr(place + 1).unwrap_or(0);
            // The least symbol with a 1 here.
            let least = (((symbol >> place) | 1) << place) as u64;
            (least < u64::from(outcomes)).then_some((prefix, symbol >> place & 1 == 1))
        })
    }

    fn key(context: u64, prefix: u32) -> u64 {
        mix(context, u64::from(prefix) << 32).max(1)
    }

    fn estimate(&self, node: &Node, bit: bool) -> f64 {
        let a = self.config.pseudo_count;
        let count = if bit { node.ones } else { node.zeros };
        (f64::from(count) + a) / (f64::from(node.zeros) + f64::from(node.ones) + 2.0 * a)
    }

    /// The probability of a bit.
    fn bit(&self, contexts: &[u64], prefix: u32, bit: bool) -> f64 {
        let mut found = Vec::with_capacity(contexts.len());
        for context in contexts {
            match self.nodes.get(Self::key(*context, prefix)) {
                Some(node) => found.push(*node),
                None => break,
            }
        }
        let mut p = None;
        for node in found.iter().rev() {
            let own = self.estimate(node, bit);
            p = Some(match p {
                None => own,
                Some(longer) => weighted(node.log_ratio, own, longer),
            });
        }
        p.unwrap_or(0.5)
    }

    /// The probability of a bit, which is then learnt.
    fn update(&mut self, contexts: &[u64], prefix: u32, bit: bool) -> f64 {
        let mut p = None;
        for context in contexts.iter().rev() {
            let a = self.config.pseudo_count;
            let node = self.nodes.entry(Self::key(*context, prefix));
            let (zeros, ones) = (f64::from(node.zeros), f64::from(node.ones));
            let seen = zeros + ones > 0.0;
            let own = (if bit { ones } else { zeros } + a) / (zeros + ones + 2.0 * a);
            if let (Some(longer), true) = (p, seen) {
                p = Some(weighted(node.log_ratio, own, longer));
                // Beyond this, the weight of the other is 0 in f64.
                node.log_ratio = (node.log_ratio + (own / longer).ln() as f32).clamp(-40.0, 40.0);
            } else if seen {
                p = Some(own);
            }
            let count = if bit { &mut node.ones } else { &mut node.zeros };
            *count += 1;
            if *count == u16::MAX {
                (node.zeros, node.ones) = (node.zeros / 2, node.ones / 2);
            }
        }
        p.unwrap_or(0.5)
    }
}

/// Mixes an own estimate and that of longer contexts by their ratio.
fn weighted(log_ratio: f32, own: f64, longer: f64) -> f64 {
    let ratio = f64::from(log_ratio).exp();
    (ratio * own + longer) / (ratio + 1.0)
}

impl TokenModel for ContextTree {
    fn outcomes(&self) -> usize {
        self.symbols as usize + usize::from(self.config.ends)
    }

    fn end(&self) -> Option<u32> {
        self.config.ends.then_some(self.symbols)
    }

    /// Nothing is learnt from the sequence; [`learn`](ContextTree::learn) does so as it goes.
    fn log_probabilities(&self, sequence: &[u32]) -> Result<Vec<f64>, MarkovError> {
        self.check(sequence)?;
        let mut history = self.history();
        Ok(sequence
            .iter()
            .copied()
            .chain(self.end())
            .map(|symbol| {
                let contexts = self.contexts(&history);
                history.push(symbol);
                self.path(symbol).map(|(prefix, bit)| self.bit(&contexts, prefix, bit).ln()).sum()
            })
            .collect())
    }

    fn next(&self, before: &[u32]) -> Result<Vec<f64>, MarkovError> {
        self.check(before)?;
        let mut history = self.history();
        history.extend_from_slice(before);
        let contexts = self.contexts(&history);
        let of = |symbol: u32| -> f64 {
            self.path(symbol).map(|(prefix, bit)| self.bit(&contexts, prefix, bit)).product()
        };
        Ok((0..self.outcomes() as u32).map(of).collect())
    }
}
