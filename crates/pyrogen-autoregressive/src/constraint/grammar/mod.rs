//! Grammars in a subset of Lark's notation, as expressions.
//!
//! A grammar is read ([`read`]), its names are looked up ([`resolve`]), what is ignored becomes rules ([`ignore`]),
//! recursion at the ends of rules becomes repetition ([`solve`]), and what recursion is left is written out
//! to a depth ([`expand`]).

mod common;
mod expand;
mod ignore;
mod lex;
mod node;
mod read;
mod resolve;
mod solve;

use std::collections::HashMap;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::ConstraintError;
use node::Node;

/// Parts of all expressions that a grammar is made of.
const PARTS: usize = 1 << 18;

/// Parts within each other: what recursive functions bear.
const LEVELS: usize = 400;

/// The texts of the rule `start`, with rules within themselves at most `depth` times.
pub(super) fn compile(text: &str, depth: usize) -> Result<Hir, ConstraintError> {
    let mut budget = Budget { left: PARTS };
    let (mut grammar, ignored) = resolve::resolve(&read::read(text)?, &mut budget)?;
    ignore::ignore(&mut grammar, &ignored)?;
    solve::solve(&mut grammar.rules, &mut budget)?;
    expand::expand(&grammar, depth, &mut budget)
}

/// A grammar whose names are looked up.
#[derive(Debug)]
struct Grammar {
    rules: Vec<Rule>,
    terminals: Terminals,
    /// The place of `start`.
    start: usize,
}

/// The different terminals that stand in rules.
#[derive(Debug, Default)]
struct Terminals {
    list: Vec<Hir>,
    /// The number of each as it is written.
    known: HashMap<String, usize>,
}

impl Terminals {
    /// The number of a terminal, the same for those that are the same.
    fn number(&mut self, hir: Hir) -> usize {
        let next = self.list.len();
        let number = *self.known.entry(hir.to_string()).or_insert(next);
        if number == next {
            self.list.push(hir);
        }
        number
    }
}

#[derive(Debug)]
struct Rule {
    name: String,
    line: usize,
    body: Node,
}

/// What a grammar may still grow by.
#[derive(Debug)]
struct Budget {
    left: usize,
}

impl Budget {
    fn spend(&mut self, parts: usize, line: usize) -> Result<(), ConstraintError> {
        match self.left.checked_sub(parts) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => wrong(line, format!("more than {PARTS} parts: {LESS}")),
        }
    }
}

/// What helps a grammar that is too large.
const LESS: &str = "choose a smaller depth, or fewer repetitions";

fn wrong<T>(line: usize, message: impl Into<String>) -> Result<T, ConstraintError> {
    Err(ConstraintError::Grammar { line, message: message.into() })
}

/// Parts of an expression.
fn weight(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => 1 + literal.0.len() / 16,
        HirKind::Class(Class::Unicode(class)) => 1 + class.ranges().len() / 4,
        HirKind::Class(Class::Bytes(class)) => 1 + class.ranges().len() / 4,
        HirKind::Repetition(repetition) => 1 + weight(&repetition.sub),
        HirKind::Capture(capture) => 1 + weight(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            1 + parts.iter().map(weight).sum::<usize>()
        }
    }
}

/// Whether an expression matches the empty text; None where it matches nothing. (The properties of an expression
/// do not tell an alternative that matches nothing from the whole.)
fn is_empty(hir: &Hir) -> Option<bool> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(true),
        HirKind::Literal(_) => Some(false),
        HirKind::Class(Class::Unicode(class)) => (!class.ranges().is_empty()).then_some(false),
        HirKind::Class(Class::Bytes(class)) => (!class.ranges().is_empty()).then_some(false),
        HirKind::Repetition(repetition) if repetition.min == 0 => Some(true),
        HirKind::Repetition(repetition) => is_empty(&repetition.sub),
        HirKind::Capture(capture) => is_empty(&capture.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(true, |empty, part| Some(empty & is_empty(part)?))
        }
        HirKind::Alternation(parts) => parts.iter().filter_map(is_empty).reduce(|a, b| a | b),
    }
}

#[cfg(test)]
mod tests;
