//! Recursion at the ends of rules as repetition.
//!
//! Rules that stand at each other's ends are a system of equations. One after the other is solved for itself and
//! put into those that are left:
//!
//! ```text
//! a = x a | b                          a = x* b                          (Arden 1961)
//! a = a z | b                          a = b z*
//! a = x a | a z | a y a | b            a = u (y u)*   with u = x* b z*
//! ```
//!
//! Each step keeps the texts of every rule. What a step moves from an end of a rule into its middle stays
//! recursion there.

use std::collections::BTreeSet;

use super::node::Node;
use super::{Budget, Rule};
use crate::ConstraintError;

/// An alternative of a rule. Rules of the system at its ends stand beside what is between them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// A rule alone.
    Alone(usize),
    Ends {
        left: Option<usize>,
        inner: Node,
        right: Option<usize>,
    },
}

/// Replaces recursion at the ends of rules by repetition.
pub(super) fn solve(rules: &mut [Rule], budget: &mut Budget) -> Result<(), ConstraintError> {
    for system in systems(rules) {
        let mut open: Vec<(usize, Vec<Form>)> = Vec::new();
        for &number in &system {
            let rule = &rules[number];
            open.push((number, forms(rule.body.clone(), &system, rule.line, budget)?));
        }
        while let Some(place) = next(&open) {
            let (number, own) = open.remove(place);
            let line = rules[number].line;
            let own = closed(number, own);
            for (_, others) in &mut open {
                budget.spend(others.iter().map(|form| growth(form, number, &own)).sum(), line)?;
                let others_now = others.drain(..).flat_map(|form| replaced(form, number, &own));
                *others = joined(others_now.collect());
            }
            rules[number].body = Node::choice(own.into_iter().map(node));
        }
    }
    Ok(())
}

/// Which to solve next: one that is not at its own ends, and at few others'.
fn next(open: &[(usize, Vec<Form>)]) -> Option<usize> {
    let uses = |number: usize, forms: &[Form]| {
        forms.iter().flat_map(ends).filter(|end| *end == number).count()
    };
    let cost = |place: &usize| {
        let (number, own) = &open[*place];
        let all: usize = open.iter().map(|(_, forms)| uses(*number, forms)).sum();
        (uses(*number, own) > 0, all, usize::MAX - number)
    };
    (0..open.len()).min_by_key(cost)
}

/// The rules at the ends of an alternative.
fn ends(form: &Form) -> impl Iterator<Item = usize> + use<> {
    let pair = match form {
        Form::Alone(number) => [Some(*number), None],
        Form::Ends { left, right, .. } => [*left, *right],
    };
    pair.into_iter().flatten()
}

fn size(form: &Form) -> usize {
    match form {
        Form::Alone(_) => 1,
        Form::Ends { inner, .. } => 1 + inner.size(),
    }
}

/// The size of an alternative once those of a solved rule stand in its place at the ends.
fn growth(form: &Form, solved: usize, by: &[Form]) -> usize {
    let (count, whole) = (by.len(), by.iter().map(size).sum::<usize>());
    match ends(form).filter(|end| *end == solved).count() {
        0 => 0,
        1 => count * size(form) + whole,
        _ => count * count * size(form) + 2 * count * whole,
    }
}

/// Rules that reach each other from end to end, those of each system together.
fn systems(rules: &[Rule]) -> Vec<BTreeSet<usize>> {
    let next: Vec<BTreeSet<usize>> = rules
        .iter()
        .map(|rule| {
            let mut found = BTreeSet::new();
            outermost(&rule.body, true, &mut found);
            outermost(&rule.body, false, &mut found);
            found
        })
        .collect();
    let reached = |from: usize| {
        let mut seen = vec![false; rules.len()];
        let mut open: Vec<usize> = next[from].iter().copied().collect();
        while let Some(number) = open.pop() {
            if !std::mem::replace(&mut seen[number], true) {
                open.extend(&next[number]);
            }
        }
        seen
    };
    let reached: Vec<Vec<bool>> = (0..rules.len()).map(reached).collect();
    let mut out: Vec<BTreeSet<usize>> = Vec::new();
    for number in (0..rules.len()).filter(|&n| reached[n][n]) {
        if !out.iter().any(|system| system.contains(&number)) {
            let both = |&other: &usize| reached[number][other] && reached[other][number];
            out.push((0..rules.len()).filter(both).collect());
        }
    }
    out
}

/// The rules that stand first, or last.
fn outermost(node: &Node, first: bool, found: &mut BTreeSet<usize>) {
    match node {
        Node::Terminal(_) => {}
        Node::Rule(number) => {
            found.insert(*number);
        }
        Node::Choice(parts) => parts.iter().for_each(|part| outermost(part, first, found)),
        Node::Repeat(part, 0, Some(1)) => outermost(part, first, found),
        Node::Repeat(..) => {}
        Node::Sequence(parts) => {
            let mut parts: Vec<&Node> = parts.iter().collect();
            if !first {
                parts.reverse();
            }
            for part in parts {
                outermost(part, first, found);
                // Where a part with a rule may be left out, the next one is the first, too.
                if !matches!(part, Node::Repeat(_, 0, Some(1))) {
                    break;
                }
            }
        }
    }
}

/// The alternatives of a rule, as a system sees them.
fn forms(
    body: Node,
    system: &BTreeSet<usize>,
    line: usize,
    budget: &mut Budget,
) -> Result<Vec<Form>, ConstraintError> {
    let within = |node: &Node, first: bool| {
        let mut found = BTreeSet::new();
        outermost(node, first, &mut found);
        !found.is_disjoint(system)
    };
    let mut out = Vec::new();
    budget.spend(body.size(), line)?;
    let mut open = vec![body];
    while let Some(node) = open.pop() {
        let mut items = match node {
            Node::Sequence(items) => items,
            node => vec![node],
        };
        // An alternative with a rule of the system at an end stands for itself.
        let choice = |item: Option<&Node>, first| {
            item.filter(|item| within(item, first)).and_then(Node::alternatives)
        };
        if let Some(parts) = choice(items.first(), true) {
            let rest = items.split_off(1);
            budget.spend(copies(&parts, &rest), line)?;
            let part = |part| Node::sequence(std::iter::once(part).chain(rest.clone()));
            open.extend(parts.into_iter().rev().map(part));
            continue;
        }
        if let Some(parts) = choice(items.last(), false) {
            items.pop();
            budget.spend(copies(&parts, &items), line)?;
            let part = |part| Node::sequence(items.iter().cloned().chain(std::iter::once(part)));
            open.extend(parts.into_iter().rev().map(part));
            continue;
        }
        out.push(form(items, system));
    }
    Ok(joined(out))
}

/// The size of each of the parts with the rest.
fn copies(parts: &[Node], rest: &[Node]) -> usize {
    let size = |nodes: &[Node]| nodes.iter().map(Node::size).sum::<usize>();
    size(parts) + parts.len() * (1 + size(rest))
}

fn form(mut items: Vec<Node>, system: &BTreeSet<usize>) -> Form {
    let of = |item: Option<&Node>| match item {
        Some(Node::Rule(number)) if system.contains(number) => Some(*number),
        _ => None,
    };
    let left = of(items.first());
    if let (Some(number), 1) = (left, items.len()) {
        return Form::Alone(number);
    }
    let right = of(items.last());
    items.truncate(items.len() - usize::from(right.is_some()));
    items.drain(..usize::from(left.is_some()));
    Form::Ends { left, inner: Node::sequence(items), right }
}

/// The same alternatives, with those of no rule at an end as one.
fn joined(forms: Vec<Form>) -> Vec<Form> {
    let mut plain = Vec::new();
    let mut out = Vec::new();
    for form in forms {
        match form {
            Form::Ends { left: None, inner, right: None } => plain.push(inner),
            Form::Ends { left, inner, right }
                if inner == Node::empty() && left.is_some() != right.is_some() =>
            {
                out.extend(left.or(right).map(Form::Alone).filter(|form| !out.contains(form)));
            }
            // What is twice does no harm; to look for it in a long list would.
            form if out.len() > 500 || !out.contains(&form) => out.push(form),
            _ => {}
        }
    }
    if !plain.is_empty() {
        out.insert(0, Form::Ends { left: None, inner: Node::choice(plain), right: None });
    }
    out
}

fn node(form: Form) -> Node {
    match form {
        Form::Alone(number) => Node::Rule(number),
        Form::Ends { left, inner, right } => {
            let end = |end: Option<usize>| end.map(Node::Rule);
            Node::sequence(end(left).into_iter().chain([inner]).chain(end(right)))
        }
    }
}

/// Something before an alternative.
fn before(first: Node, form: Form) -> Form {
    match form {
        Form::Alone(number) => Form::Ends { left: None, inner: first, right: Some(number) },
        Form::Ends { left, inner, right } => {
            let left = left.map(Node::Rule);
            let inner = Node::sequence([first].into_iter().chain(left).chain([inner]));
            Form::Ends { left: None, inner, right }
        }
    }
}

/// Something behind an alternative.
fn behind(form: Form, last: Node) -> Form {
    match form {
        Form::Alone(number) => Form::Ends { left: Some(number), inner: last, right: None },
        Form::Ends { left, inner, right } => {
            let right = right.map(Node::Rule);
            let inner = Node::sequence([inner].into_iter().chain(right).chain([last]));
            Form::Ends { left, inner, right: None }
        }
    }
}

/// The alternatives of a rule without itself at their ends.
fn closed(own: usize, forms: Vec<Form>) -> Vec<Form> {
    let (mut first, mut last, mut between, mut rest) = (vec![], vec![], vec![], vec![]);
    for form in forms {
        match form {
            Form::Alone(number) if number == own => {}
            Form::Ends { left, inner, right } if left == Some(own) && right == Some(own) => {
                between.push(inner);
            }
            Form::Ends { left, inner, right } if left == Some(own) => {
                last.push(Node::sequence([inner].into_iter().chain(right.map(Node::Rule))));
            }
            Form::Ends { left, inner, right } if right == Some(own) => {
                first.push(Node::sequence(left.map(Node::Rule).into_iter().chain([inner])));
            }
            form => rest.push(form),
        }
    }
    let many = |parts: Vec<Node>| Node::choice(parts).many();
    match (first.is_empty(), last.is_empty(), between.is_empty()) {
        (true, true, true) => rest,
        (false, true, true) => {
            let first = many(first);
            joined(rest.into_iter().map(|form| before(first.clone(), form)).collect())
        }
        (true, false, true) => {
            let last = many(last);
            joined(rest.into_iter().map(|form| behind(form, last.clone())).collect())
        }
        (no_first, no_last, no_between) => {
            let mut unit = vec![Node::choice(rest.into_iter().map(node))];
            if !no_first {
                unit.insert(0, many(first));
            }
            if !no_last {
                unit.push(many(last));
            }
            let unit = Node::sequence(unit);
            let whole = match no_between {
                true => unit,
                false => {
                    let more = Node::sequence([Node::choice(between), unit.clone()]);
                    Node::sequence([unit, more.many()])
                }
            };
            vec![Form::Ends { left: None, inner: whole, right: None }]
        }
    }
}

/// An alternative with the alternatives of a solved rule in its place at the ends.
fn replaced(form: Form, solved: usize, by: &[Form]) -> Vec<Form> {
    let at_left = match form {
        Form::Alone(number) if number == solved => return by.to_vec(),
        Form::Ends { left: Some(number), inner, right } if number == solved => {
            let put = |form: &Form| match (behind(form.clone(), inner.clone()), right) {
                (Form::Ends { left, inner, right: None }, right) => {
                    Form::Ends { left, inner, right }
                }
                (form, _) => form,
            };
            by.iter().map(put).collect()
        }
        form => vec![form],
    };
    let at_right = |form: Form| match form {
        Form::Ends { left, inner, right: Some(number) } if number == solved => {
            let put = |form: &Form| match (before(inner.clone(), form.clone()), left) {
                (Form::Ends { left: None, inner, right }, left) => {
                    Form::Ends { left, inner, right }
                }
                (form, _) => form,
            };
            by.iter().map(put).collect()
        }
        form => vec![form],
    };
    at_left.into_iter().flat_map(at_right).collect()
}
