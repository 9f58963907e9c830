//! A deterministic automaton over bytes of what an expression matches whole.

use std::collections::HashMap;
use std::rc::Rc;

use regex_automata::nfa::thompson::{BuildError, Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

use crate::ConstraintError;

/// What no byte leads out of.
const DEAD: u32 = u32::MAX;

/// States at most: a table of some megabytes.
const STATES: usize = 1 << 16;

/// Members of all sets of states that texts lead to: some hundred megabytes.
const MEMBERS: usize = 1 << 25;

/// Bytes of the automaton that is made deterministic.
const SIZE: usize = 1 << 26;

/// A deterministic automaton over bytes. State 0 is the first; every state leads to a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Automaton {
    /// Of each byte, which differ where the expression tells them apart.
    classes: Vec<u8>,
    /// Classes of bytes.
    stride: usize,
    /// `[states, classes]`.
    next: Vec<u32>,
    accepts: Vec<bool>,
}

impl Automaton {
    /// What an expression matches from beginning to end.
    ///
    /// # Errors
    /// An expression that matches nothing, is too large, or looks at what stands around a place.
    pub(crate) fn of(hir: &Hir) -> Result<Self, ConstraintError> {
        let config = Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(SIZE));
        let wrong = |e: BuildError| match e.size_limit() {
            Some(_) => ConstraintError::Size { most: STATES },
            None => ConstraintError::Pattern { message: e.to_string() },
        };
        let nfa = Compiler::new().configure(config).build_from_hir(hir).map_err(wrong)?;
        for state in nfa.states() {
            if let State::Look { look, .. } = state
                && !matches!(look, Look::Start | Look::End)
            {
                let message = format!("`{}` looks around its place", look.as_char());
                return Err(ConstraintError::Pattern { message });
            }
        }
        Subsets::new(&nfa).automaton()?.trimmed()
    }

    /// Number of states.
    pub(crate) fn states(&self) -> usize {
        self.accepts.len()
    }

    /// Where a byte leads; None where nothing matches any more.
    pub(crate) fn next(&self, state: u32, byte: u8) -> Option<u32> {
        let at = state as usize * self.stride + usize::from(self.classes[usize::from(byte)]);
        Some(self.next[at]).filter(|&next| next != DEAD)
    }

    /// Whether what led here is a match.
    pub(crate) fn accepts(&self, state: u32) -> bool {
        self.accepts[state as usize]
    }

    /// Whether there is a text that both match.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let mut seen = std::collections::HashSet::from([(0, 0)]);
        let mut open = vec![(0, 0)];
        while let Some((a, b)) = open.pop() {
            if self.accepts(a) && other.accepts(b) {
                return true;
            }
            for byte in 0..=255 {
                if let (Some(a), Some(b)) = (self.next(a, byte), other.next(b, byte))
                    && seen.insert((a, b))
                {
                    open.push((a, b));
                }
            }
        }
        false
    }

    /// The same without ways that lead to no match.
    fn trimmed(mut self) -> Result<Self, ConstraintError> {
        let mut back: Vec<Vec<u32>> = vec![Vec::new(); self.states()];
        for (from, row) in self.next.chunks(self.stride).enumerate() {
            for &to in row.iter().filter(|&&to| to != DEAD) {
                back[to as usize].push(from as u32);
            }
        }
        let mut live = self.accepts.clone();
        let mut open: Vec<usize> = (0..self.states()).filter(|&s| live[s]).collect();
        while let Some(state) = open.pop() {
            for &from in &back[state] {
                if !std::mem::replace(&mut live[from as usize], true) {
                    open.push(from as usize);
                }
            }
        }
        if !live[0] {
            return Err(ConstraintError::Nothing);
        }
        for next in self.next.iter_mut().filter(|next| **next != DEAD) {
            if !live[*next as usize] {
                *next = DEAD;
            }
        }
        Ok(self)
    }
}

/// The sets of states that texts lead to.
struct Subsets<'a> {
    nfa: &'a NFA,
    /// In which round a state was seen last.
    seen: Vec<u32>,
    round: u32,
}

impl<'a> Subsets<'a> {
    fn new(nfa: &'a NFA) -> Self {
        Self { nfa, seen: vec![0; nfa.states().len()], round: 0 }
    }

    fn automaton(mut self) -> Result<Automaton, ConstraintError> {
        let of_bytes = self.nfa.byte_classes();
        let classes: Vec<u8> = (0..=255).map(|byte| of_bytes.get(byte)).collect();
        let stride = classes.iter().max().map_or(1, |&most| usize::from(most) + 1);
        let first =
            |class: usize| classes.iter().position(|&c| usize::from(c) == class).unwrap_or(0) as u8;
        let bytes: Vec<u8> = (0..stride).map(first).collect();
        let start = self.reached(&[self.nfa.start_anchored()], true, false);
        // The first set is no other's place: `^` holds in it alone.
        let mut known: HashMap<Rc<[StateID]>, u32> = HashMap::new();
        let mut members = start.len();
        let mut sets: Vec<Rc<[StateID]>> = vec![start.into()];
        let (mut next, mut accepts) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < sets.len() {
            let set = sets[at].clone();
            let ended = self.reached(&set, at == 0, true);
            let is_match = |id: &StateID| matches!(self.nfa.state(*id), State::Match { .. });
            accepts.push(ended.iter().any(is_match));
            for &byte in &bytes {
                let to = self.step(&set, byte);
                if to.is_empty() {
                    next.push(DEAD);
                    continue;
                }
                let number = sets.len() as u32;
                let number = *known.entry(to.into()).or_insert_with_key(|to| {
                    members += to.len();
                    sets.push(to.clone());
                    number
                });
                next.push(number);
            }
            if sets.len() > STATES || members > MEMBERS {
                return Err(ConstraintError::Size { most: STATES });
            }
            at += 1;
        }
        Ok(Automaton { classes, stride, next, accepts })
    }

    /// The states behind a byte.
    fn step(&mut self, set: &[StateID], byte: u8) -> Vec<StateID> {
        let next = |id: &StateID| match self.nfa.state(*id) {
            State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
            State::Sparse(sparse) => sparse.matches_byte(byte),
            State::Dense(dense) => dense.matches_byte(byte),
            _ => None,
        };
        let next: Vec<StateID> = set.iter().filter_map(next).collect();
        self.reached(&next, false, false)
    }

    /// The states that read a byte, match, or wait for the end, which these lead to without a byte.
    fn reached(&mut self, from: &[StateID], begin: bool, end: bool) -> Vec<StateID> {
        self.round += 1;
        let mut open = from.to_vec();
        let mut out = Vec::new();
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut self.seen[id.as_usize()], self.round) == self.round {
                continue;
            }
            match self.nfa.state(id) {
                State::Look { look: Look::Start, next } => open.extend(begin.then_some(*next)),
                State::Look { next, .. } => {
                    out.push(id);
                    open.extend(end.then_some(*next));
                }
                State::Union { alternates } => open.extend(alternates.iter()),
                State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
                State::Capture { next, .. } => open.push(*next),
                State::Fail => {}
                _ => out.push(id),
            }
        }
        out.sort_unstable();
        out
    }
}
