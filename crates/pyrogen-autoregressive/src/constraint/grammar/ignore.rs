//! What `%ignore` says, as rules.
//!
//! A stretch that is ignored is as long as it can be: behind `# note` the comment's next letter is no other
//! terminal. So what follows a stretch begins with a character that could not go on with it:
//!
//! ```text
//! stretch_i: X_i | stretch_j X_i            where X_i begins with no character that goes on with X_j
//! terminal:  T | stretch_i T                where T begins with no character that goes on with X_i
//! ```

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::node::Node;
use super::{Grammar, Rule, is_empty, wrong};
use crate::ConstraintError;
use crate::constraint::automaton::Automaton;
use crate::constraint::pattern::repeated;

/// Ignored terminals at most, alternatives each for itself.
const UNITS: usize = 16;

/// One terminal that is ignored.
struct Unit {
    hir: Hir,
    /// Characters that go on with it.
    further: ClassUnicode,
    /// First characters of the terminals that are ignored with it in one repetition.
    with: ClassUnicode,
    /// The `%ignore` that it comes from.
    group: usize,
}

/// Puts what is ignored before every terminal of the rules, and behind `start`.
pub(super) fn ignore(
    grammar: &mut Grammar,
    ignored: &[(Hir, usize)],
) -> Result<(), ConstraintError> {
    let mut units = Vec::new();
    for (group, (hir, line)) in ignored.iter().enumerate() {
        split(hir, group, &none(), &mut units)?;
        if units.len() > UNITS {
            return wrong(*line, format!("more than {UNITS} terminals are ignored"));
        }
    }
    let Some((_, line)) = ignored.first() else { return Ok(()) };
    let stretches = grammar.rules.len();
    let written: Vec<Node> =
        (0..grammar.terminals.list.len()).map(|number| before(grammar, number, &units)).collect();
    for rule in &mut grammar.rules {
        rule.body = put(std::mem::replace(&mut rule.body, Node::empty()), &written);
    }
    let mut rules = Vec::new();
    for unit in &units {
        let alone = Node::Terminal(grammar.terminals.number(unit.hir.clone()));
        let mut parts = vec![alone];
        for (place, other) in units.iter().enumerate() {
            let mut not = other.further.clone();
            if unit.group != other.group {
                not.union(&other.with);
            }
            if let Some(hir) = without(&unit.hir, &not) {
                let next = Node::Terminal(grammar.terminals.number(hir));
                parts.push(Node::sequence([Node::Rule(stretches + place), next]));
            }
        }
        rules.push(Rule { name: "%ignore".into(), line: *line, body: Node::choice(parts) });
    }
    let stretch = Node::choice((0..units.len()).map(|place| Node::Rule(stretches + place)));
    grammar.rules.extend(rules);
    let body = Node::sequence([Node::Rule(grammar.start), stretch.repeat(0, Some(1))]);
    grammar.start = grammar.rules.len();
    grammar.rules.push(Rule { name: "start".into(), line: *line, body });
    Ok(())
}

/// The alternatives of what is ignored.
fn split(
    hir: &Hir,
    group: usize,
    with: &ClassUnicode,
    units: &mut Vec<Unit>,
) -> Result<(), ConstraintError> {
    match hir.kind() {
        HirKind::Alternation(parts) => {
            parts.iter().try_for_each(|part| split(part, group, with, units))
        }
        HirKind::Capture(capture) => split(&capture.sub, group, with, units),
        HirKind::Repetition(repetition)
            if repetition.max.is_none()
                && repetition.min == 1
                && !matches!(repetition.sub.kind(), HirKind::Class(_)) =>
        {
            let mut with = with.clone();
            with.union(&first(&repetition.sub));
            split(&repetition.sub, group, &with, units)
        }
        _ => {
            let automaton = Automaton::of(hir)?;
            let ends = (0..automaton.states() as u32).filter(|state| automaton.accepts(*state));
            let further = going_on(&automaton, &ends.collect::<Vec<_>>());
            units.push(Unit { hir: hir.clone(), further, with: with.clone(), group });
            Ok(())
        }
    }
}

/// A terminal of a rule with what may be ignored before it.
fn before(grammar: &mut Grammar, number: usize, units: &[Unit]) -> Node {
    let stretches = grammar.rules.len();
    let hir = grammar.terminals.list[number].clone();
    let mut parts: Vec<(Hir, Vec<Node>)> = Vec::new();
    for (place, unit) in units.iter().enumerate() {
        let mut not = unit.further.clone();
        not.union(&unit.with);
        let Some(rest) = without(&hir, &not) else { continue };
        let stretch = Node::Rule(stretches + place);
        match parts.iter_mut().find(|(known, _)| *known == rest) {
            Some((_, stretches)) => stretches.push(stretch),
            None => parts.push((rest, vec![stretch])),
        }
    }
    if let [(rest, stretches)] = &parts[..]
        && *rest == hir
    {
        let stretch = Node::choice(stretches.iter().cloned()).repeat(0, Some(1));
        return Node::sequence([stretch, Node::Terminal(number)]);
    }
    let mut choice = vec![Node::Terminal(number)];
    for (rest, stretches) in parts {
        let rest = Node::Terminal(grammar.terminals.number(rest));
        choice.push(Node::sequence([Node::choice(stretches), rest]));
    }
    Node::choice(choice)
}

fn put(node: Node, written: &[Node]) -> Node {
    match node {
        Node::Terminal(number) => written[number].clone(),
        Node::Rule(number) => Node::Rule(number),
        Node::Sequence(parts) => Node::sequence(parts.into_iter().map(|part| put(part, written))),
        Node::Choice(parts) => Node::choice(parts.into_iter().map(|part| put(part, written))),
        Node::Repeat(part, least, most) => put(*part, written).repeat(least, most),
    }
}

fn none() -> ClassUnicode {
    ClassUnicode::empty()
}

fn characters(class: &Class) -> ClassUnicode {
    match class {
        Class::Unicode(class) => class.clone(),
        Class::Bytes(class) => class.to_unicode_class().unwrap_or_else(none),
    }
}

fn is_nullable(hir: &Hir) -> bool {
    is_empty(hir) == Some(true)
}

/// The first characters of what an expression matches.
fn first(hir: &Hir) -> ClassUnicode {
    let mut out = none();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).unwrap_or_default();
            out = ClassUnicode::new(text.chars().take(1).map(|c| ClassUnicodeRange::new(c, c)));
        }
        HirKind::Class(class) => out = characters(class),
        HirKind::Repetition(repetition) => out = first(&repetition.sub),
        HirKind::Capture(capture) => out = first(&capture.sub),
        HirKind::Alternation(parts) => parts.iter().for_each(|part| out.union(&first(part))),
        HirKind::Concat(parts) => {
            for part in parts {
                out.union(&first(part));
                if !is_nullable(part) {
                    break;
                }
            }
        }
    }
    out
}

/// The matches that begin with none of these characters.
fn without(hir: &Hir, not: &ClassUnicode) -> Option<Hir> {
    let mut common = first(hir);
    common.intersect(not);
    if common.ranges().is_empty() {
        return Some(hir.clone());
    }
    let rest = beginning(hir, not);
    is_empty(&rest).map(|_| rest)
}

/// The matches of one character or more that begin with none of these characters.
fn beginning(hir: &Hir, not: &ClassUnicode) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::fail(),
        HirKind::Literal(_) => {
            let mut common = first(hir);
            common.intersect(not);
            if common.ranges().is_empty() { hir.clone() } else { Hir::fail() }
        }
        HirKind::Class(class) => {
            let mut class = characters(class);
            class.difference(not);
            Hir::class(Class::Unicode(class))
        }
        HirKind::Capture(capture) => beginning(&capture.sub, not),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| beginning(part, not)).collect())
        }
        HirKind::Repetition(repetition) => {
            if repetition.max == Some(0) {
                return Hir::fail();
            }
            let least = if is_nullable(&repetition.sub) { 0 } else { repetition.min as usize };
            let most = repetition.max.map(|most| most as usize - 1);
            let sub = (*repetition.sub).clone();
            let more = repeated(sub, least.saturating_sub(1), most);
            Hir::concat(vec![beginning(&repetition.sub, not), more])
        }
        HirKind::Concat(parts) => {
            let mut out = Vec::new();
            for (place, part) in parts.iter().enumerate() {
                let rest = parts[place + 1..].iter().cloned();
                out.push(Hir::concat(std::iter::once(beginning(part, not)).chain(rest).collect()));
                if !is_nullable(part) {
                    break;
                }
            }
            Hir::alternation(out)
        }
    }
}

/// The characters that lead from one of these states to a match.
fn going_on(automaton: &Automaton, states: &[u32]) -> ClassUnicode {
    let mut out = Vec::new();
    let mut bytes = [0; 4];
    // Characters come in runs of 64 that differ in their last byte alone.
    for run in (0..=u32::from(char::MAX)).step_by(64) {
        let Some(first) = char::from_u32(run) else { continue };
        let length = first.encode_utf8(&mut bytes).len();
        let leads = |state: &u32| {
            let prefix = &bytes[..length - 1];
            prefix.iter().try_fold(*state, |state, &byte| automaton.next(state, byte))
        };
        let reached: Vec<u32> = states.iter().filter_map(leads).collect();
        for last in 0..if reached.is_empty() { 0 } else { 64 } {
            let byte = bytes[length - 1] + last;
            if reached.iter().any(|&state| automaton.next(state, byte).is_some()) {
                out.extend(char::from_u32(run + u32::from(last)));
            }
        }
    }
    ClassUnicode::new(out.into_iter().map(|c| ClassUnicodeRange::new(c, c)))
}
