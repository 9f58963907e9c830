//! A constraint in the tokens of a tokenizer.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::automaton::Automaton;
use crate::{ConstraintError, Tokenizer};

/// No number of tokens comes to a match.
const NEVER: u32 = u32::MAX;

/// A constraint in the tokens of a tokenizer: which tokens may come in a state so that a match stays
/// within reach.
#[derive(Debug)]
pub(crate) struct Guide {
    automaton: Arc<Automaton>,
    trie: Trie,
    /// Of each state the fewest tokens to a match.
    fewest: Vec<u32>,
    /// Of each state that was asked for, its tokens and where they lead.
    edges: Vec<OnceLock<Vec<(u32, u32)>>>,
}

impl Guide {
    /// A constraint in the tokens of a tokenizer, but for those that end a text.
    ///
    /// # Errors
    /// A constraint that these tokens cannot meet.
    pub(crate) fn new(
        automaton: Arc<Automaton>,
        tokenizer: &Tokenizer,
        ending: &[u32],
    ) -> Result<Self, ConstraintError> {
        let marks = [tokenizer.start(), tokenizer.end()];
        let tokens = 0..tokenizer.tokens() as u32;
        let writes = tokens.filter(|token| !marks.contains(token) && !ending.contains(token));
        let trie = Trie::new(writes.map(|token| (tokenizer.bytes(token), token)).collect());
        let fewest = fewest(&automaton, &trie);
        if fewest[0] == NEVER {
            return Err(ConstraintError::Spelling);
        }
        let edges = (0..automaton.states()).map(|_| OnceLock::new()).collect();
        Ok(Self { automaton, trie, fewest, edges })
    }

    /// Checks that so many tokens are enough for a match.
    pub(crate) fn check(&self, most: usize) -> Result<(), ConstraintError> {
        let needed = self.fewest[0] as usize;
        match needed <= most {
            true => Ok(()),
            false => Err(ConstraintError::Tokens { needed, most }),
        }
    }

    /// Where the bytes of a token lead.
    pub(crate) fn next(&self, state: u32, bytes: &[u8]) -> Option<u32> {
        bytes.iter().try_fold(state, |state, &byte| self.automaton.next(state, byte))
    }

    /// Whether the text that led here is a match.
    pub(crate) fn accepts(&self, state: u32) -> bool {
        self.automaton.accepts(state)
    }

    /// The tokens that may come where `left` may still be written, itself among them.
    pub(crate) fn tokens(&self, state: u32, left: usize) -> impl Iterator<Item = u32> {
        let edges = self.edges[state as usize].get_or_init(|| {
            let mut edges = Vec::new();
            self.trie.walk(&self.automaton, state, |token, next| edges.push((token, next)));
            edges
        });
        let reaches = move |next: u32| (self.fewest[next as usize] as usize) < left;
        edges.iter().filter(move |(_, next)| reaches(*next)).map(|(token, _)| *token)
    }

    /// Whether the text is a match, and nothing can be written behind it.
    pub(crate) fn is_over(&self, state: u32, left: usize) -> bool {
        self.accepts(state) && self.tokens(state, left).next().is_none()
    }
}

/// The fewest tokens from each state to a match.
fn fewest(automaton: &Automaton, trie: &Trie) -> Vec<u32> {
    let states = automaton.states();
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); states];
    let mut seen = vec![false; states];
    seen[0] = true;
    let mut open = vec![0];
    while !open.is_empty() {
        let reached = |&state: &u32| {
            let mut reached = Vec::new();
            let mut last = NEVER;
            trie.walk(automaton, state, |_, next| {
                // Runs of tokens lead to the same state.
                if next != last {
                    reached.push(next);
                    last = next;
                }
            });
            reached.sort_unstable();
            reached.dedup();
            reached
        };
        let all: Vec<Vec<u32>> = open.par_iter().map(reached).collect();
        let mut further = Vec::new();
        for (from, reached) in open.into_iter().zip(all) {
            for to in reached {
                back[to as usize].push(from);
                if !std::mem::replace(&mut seen[to as usize], true) {
                    further.push(to);
                }
            }
        }
        open = further;
    }
    let mut fewest = vec![NEVER; states];
    let mut open: Vec<u32> =
        (0..states as u32).filter(|&s| seen[s as usize] && automaton.accepts(s)).collect();
    let mut count = 0;
    while !open.is_empty() {
        let mut further = Vec::new();
        for state in open {
            if fewest[state as usize] == NEVER {
                fewest[state as usize] = count;
                further.extend_from_slice(&back[state as usize]);
            }
        }
        (open, count) = (further, count + 1);
    }
    fewest
}

/// Tokens by their bytes, as a tree whose nodes stand before what is below them.
#[derive(Debug)]
struct Trie {
    nodes: Vec<Node>,
    /// In the order of their bytes.
    tokens: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    byte: u8,
    /// Bytes before its own.
    depth: u32,
    /// The node behind all that is below it.
    end: u32,
    /// The tokens that end here.
    tokens: [u32; 2],
}

impl Trie {
    fn new(mut tokens: Vec<(Vec<u8>, u32)>) -> Self {
        tokens.retain(|(bytes, _)| !bytes.is_empty());
        tokens.sort();
        let mut nodes: Vec<Node> = Vec::new();
        let mut path: Vec<usize> = Vec::new();
        let mut before: &[u8] = &[];
        let close = |nodes: &mut Vec<Node>, path: &mut Vec<usize>, depth: usize| {
            let end = nodes.len() as u32;
            path.drain(depth..).for_each(|i| nodes[i].end = end);
        };
        for (i, (bytes, _)) in tokens.iter().enumerate() {
            let common = before.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            close(&mut nodes, &mut path, common);
            for (depth, &byte) in bytes.iter().enumerate().skip(common) {
                path.push(nodes.len());
                nodes.push(Node { byte, depth: depth as u32, end: 0, tokens: [i as u32; 2] });
            }
            nodes[path[bytes.len() - 1]].tokens[1] = i as u32 + 1;
            before = bytes;
        }
        close(&mut nodes, &mut path, 0);
        Self { nodes, tokens: tokens.into_iter().map(|(_, token)| token).collect() }
    }

    /// Visits the tokens that lead somewhere, and where.
    fn walk(&self, automaton: &Automaton, state: u32, mut visit: impl FnMut(u32, u32)) {
        let mut states = vec![state];
        let mut i = 0;
        while let Some(node) = self.nodes.get(i) {
            let depth = node.depth as usize;
            states.truncate(depth + 1);
            let Some(next) = automaton.next(states[depth], node.byte) else {
                i = node.end as usize;
                continue;
            };
            let [from, to] = node.tokens.map(|i| i as usize);
            self.tokens[from..to].iter().for_each(|&token| visit(token, next));
            states.push(next);
            i += 1;
        }
    }
}
