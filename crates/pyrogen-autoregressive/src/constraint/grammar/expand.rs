//! A grammar as one expression: rules within themselves to a depth.

use regex_syntax::hir::Hir;

use super::node::Node;
use super::{Budget, Grammar, LESS, LEVELS, weight, wrong};
use crate::ConstraintError;
use crate::constraint::pattern::repeated;

/// The expression of a grammar's texts. A rule stands within itself at most `depth` times; alternatives that
/// need more are left out.
pub(super) fn expand(
    grammar: &Grammar,
    depth: usize,
    budget: &mut Budget,
) -> Result<Hir, ConstraintError> {
    let inside = vec![0; grammar.rules.len()];
    let mut expansion = Expansion { grammar, depth, budget, inside, line: 1 };
    expansion.node(&Node::Rule(grammar.start), 0)?.ok_or(ConstraintError::Nothing)
}

struct Expansion<'a> {
    grammar: &'a Grammar,
    depth: usize,
    budget: &'a mut Budget,
    /// How often each rule is being written.
    inside: Vec<usize>,
    /// Of the rule that is being written.
    line: usize,
}

impl Expansion<'_> {
    /// What a node writes; None where all of it is too deep.
    fn node(&mut self, node: &Node, level: usize) -> Result<Option<Hir>, ConstraintError> {
        self.budget.spend(1, self.line)?;
        if level > LEVELS {
            let message = format!("more than {LEVELS} levels of rules and brackets: {LESS}");
            return wrong(self.line, message);
        }
        match node {
            Node::Terminal(number) => {
                let terminal = &self.grammar.terminals.list[*number];
                self.budget.spend(weight(terminal), self.line)?;
                Ok(Some(terminal.clone()))
            }
            Node::Rule(number) => self.rule(*number, level),
            Node::Sequence(items) => {
                let mut parts = Vec::new();
                for item in items {
                    let Some(part) = self.node(item, level + 1)? else { return Ok(None) };
                    parts.push(part);
                }
                Ok(Some(Hir::concat(parts)))
            }
            Node::Choice(items) => {
                let mut parts = Vec::new();
                for item in items {
                    parts.extend(self.node(item, level + 1)?);
                }
                Ok((!parts.is_empty()).then(|| Hir::alternation(parts)))
            }
            Node::Repeat(item, least, most) => Ok(match self.node(item, level + 1)? {
                None if *least == 0 => Some(Hir::empty()),
                None => None,
                Some(part) => Some(repeated(part, *least as usize, most.map(|most| most as usize))),
            }),
        }
    }

    fn rule(&mut self, number: usize, level: usize) -> Result<Option<Hir>, ConstraintError> {
        if self.inside[number] > self.depth {
            return Ok(None);
        }
        let rule = &self.grammar.rules[number];
        let line = std::mem::replace(&mut self.line, rule.line);
        self.inside[number] += 1;
        let made = self.node(&rule.body, level + 1);
        self.inside[number] -= 1;
        self.line = line;
        made
    }
}
