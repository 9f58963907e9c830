//! What the names of a grammar stand for.

use std::collections::HashMap;

use regex_syntax::hir::Hir;

use super::node::Node;
use super::read::{Definition, Notation, Syntax, is_terminal};
use super::{Budget, Grammar, LEVELS, Rule, Terminals, is_empty, weight, wrong};
use crate::ConstraintError;
use crate::constraint::pattern::repeated;

/// Rules at most.
const RULES: usize = 2000;

/// Looks up the names of a grammar, and checks every definition; and what is ignored, with its line.
pub(super) fn resolve(
    notation: &Notation,
    budget: &mut Budget,
) -> Result<(Grammar, Vec<(Hir, usize)>), ConstraintError> {
    let mut named: HashMap<&str, &Definition> = HashMap::new();
    let mut numbers = HashMap::new();
    for definition in &notation.definitions {
        let name = definition.name.as_str();
        if numbers.len() == RULES {
            return wrong(definition.line, format!("more than {RULES} rules"));
        }
        if let Some(first) = named.insert(name, definition) {
            let message = format!("`{name}` is defined in line {} already", first.line);
            return wrong(definition.line, message);
        }
        if !is_terminal(name) {
            numbers.insert(name, numbers.len());
        }
    }
    let Some(&start) = numbers.get("start") else {
        return wrong(1, "there is no rule `start`");
    };
    let mut resolver =
        Resolver { named, numbers, made: HashMap::new(), terminals: Terminals::default(), budget };
    let mut rules = Vec::new();
    for definition in &notation.definitions {
        let Definition { name, line, body } = definition;
        if is_terminal(name) {
            resolver.terminal(name, *line, 0)?;
        } else {
            let body = resolver.rule(body)?;
            rules.push(Rule { name: name.clone(), line: *line, body });
        }
    }
    let mut ignored = Vec::new();
    for (syntax, line) in &notation.ignored {
        let hir = resolver.expression(syntax, *line, 0)?;
        ignored.push((written(hir, "what is ignored", *line)?, *line));
    }
    productive(&rules)?;
    Ok((Grammar { rules, terminals: resolver.terminals, start }, ignored))
}

struct Resolver<'a> {
    named: HashMap<&'a str, &'a Definition>,
    /// Of rules, in their order.
    numbers: HashMap<&'a str, usize>,
    /// Terminals that are looked up; None while one is looked at.
    made: HashMap<&'a str, Option<Hir>>,
    terminals: Terminals,
    budget: &'a mut Budget,
}

impl<'a> Resolver<'a> {
    fn rule(&mut self, syntax: &'a Syntax) -> Result<Node, ConstraintError> {
        let all = |this: &mut Self, parts: &'a [Syntax]| {
            parts.iter().map(|part| this.rule(part)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match syntax {
            Syntax::Name(name, line) => match self.numbers.get(name.as_str()) {
                Some(&number) => Node::Rule(number),
                None => {
                    let hir = self.terminal(name, *line, 0)?;
                    let hir = written(hir, &format!("`{name}`"), *line)?;
                    Node::Terminal(self.terminals.number(hir))
                }
            },
            Syntax::Terminal(hir, line) => {
                self.budget.spend(weight(hir), *line)?;
                let hir = written(hir.clone(), "the text or pattern", *line)?;
                Node::Terminal(self.terminals.number(hir))
            }
            Syntax::Sequence(parts) => Node::sequence(all(self, parts)?),
            Syntax::Choice(parts) => Node::choice(all(self, parts)?),
            Syntax::Repeat(part, least, most) => self.rule(part)?.repeat(*least, *most),
        })
    }

    /// A terminal that has a name.
    fn terminal(
        &mut self,
        name: &'a str,
        line: usize,
        level: usize,
    ) -> Result<Hir, ConstraintError> {
        match self.made.get(name) {
            Some(Some(hir)) => {
                self.budget.spend(weight(hir), line)?;
                return Ok(hir.clone());
            }
            Some(None) => {
                let message = format!("the terminal `{name}` contains itself; a rule may");
                return wrong(line, message);
            }
            None => {}
        }
        let Some(definition) = self.named.get(name).copied() else {
            let kind = if is_terminal(name) { "terminal" } else { "rule" };
            return wrong(line, format!("the {kind} `{name}` is not defined"));
        };
        self.made.insert(name, None);
        let hir = self.expression(&definition.body, definition.line, level + 1)?;
        if is_empty(&hir).is_none() {
            return wrong(definition.line, format!("the terminal `{name}` matches nothing"));
        }
        self.made.insert(name, Some(hir.clone()));
        Ok(hir)
    }

    /// What is written in a terminal: no rules.
    fn expression(
        &mut self,
        syntax: &'a Syntax,
        line: usize,
        level: usize,
    ) -> Result<Hir, ConstraintError> {
        if level > LEVELS {
            return wrong(line, format!("more than {LEVELS} terminals within each other"));
        }
        self.budget.spend(1, line)?;
        let all = |this: &mut Self, parts: &'a [Syntax]| {
            let part = |part| this.expression(part, line, level + 1);
            parts.iter().map(part).collect::<Result<Vec<_>, _>>()
        };
        Ok(match syntax {
            Syntax::Name(name, line) if !is_terminal(name) => {
                let message = format!("the rule `{name}` stands in a terminal, or is ignored");
                return wrong(*line, message);
            }
            Syntax::Name(name, line) => self.terminal(name, *line, level + 1)?,
            Syntax::Terminal(hir, line) => {
                self.budget.spend(weight(hir), *line)?;
                hir.clone()
            }
            Syntax::Sequence(parts) => Hir::concat(all(self, parts)?),
            Syntax::Choice(parts) => Hir::alternation(all(self, parts)?),
            Syntax::Repeat(part, least, most) => {
                let part = self.expression(part, line, level + 1)?;
                repeated(part, *least as usize, most.map(|most| most as usize))
            }
        })
    }
}

/// A terminal, which matches something, but not the empty text.
fn written(hir: Hir, what: &str, line: usize) -> Result<Hir, ConstraintError> {
    match is_empty(&hir) {
        None => wrong(line, format!("{what} matches nothing")),
        Some(true) => wrong(
            line,
            format!(
                "{what} matches the empty text, which a terminal may not; write `?` in the rule"
            ),
        ),
        Some(false) => Ok(hir),
    }
}

/// Checks that every rule writes something.
fn productive(rules: &[Rule]) -> Result<(), ConstraintError> {
    fn writes(node: &Node, known: &[bool]) -> bool {
        match node {
            Node::Terminal(_) => true,
            Node::Rule(number) => known[*number],
            Node::Sequence(parts) => parts.iter().all(|part| writes(part, known)),
            Node::Choice(parts) => parts.iter().any(|part| writes(part, known)),
            Node::Repeat(part, least, _) => *least == 0 || writes(part, known),
        }
    }
    let mut known = vec![false; rules.len()];
    loop {
        let now: Vec<bool> = rules.iter().map(|rule| writes(&rule.body, &known)).collect();
        if now == known {
            break;
        }
        known = now;
    }
    let Some(mut at) = known.iter().position(|known| !known) else { return Ok(()) };
    // Rules that need such a rule lead to one that needs itself.
    let mut seen = vec![false; rules.len()];
    while !std::mem::replace(&mut seen[at], true) {
        at = lacks(&rules[at].body, &known).unwrap_or(at);
    }
    let Rule { name, line, .. } = &rules[at];
    wrong(*line, format!("the rule `{name}` matches nothing: it never ends"))
}

/// A rule in a body that writes nothing.
fn lacks(node: &Node, known: &[bool]) -> Option<usize> {
    match node {
        Node::Rule(number) => Some(*number).filter(|number| !known[*number]),
        Node::Repeat(_, 0, _) => None,
        _ => node.parts().iter().find_map(|part| lacks(part, known)),
    }
}
