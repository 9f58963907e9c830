//! Regular expressions, and what they match within a JSON string.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use crate::ConstraintError;

/// An expression in the syntax of the crate `regex`.
pub(super) fn parse(pattern: &str) -> Result<Hir, ConstraintError> {
    let wrong = |e: regex_syntax::Error| ConstraintError::Pattern {
        message: format!("`{pattern}`: {}", message(&e)),
    };
    regex_syntax::Parser::new().parse(pattern).map_err(wrong)
}

/// What is wrong with an expression.
pub(super) fn message(error: &regex_syntax::Error) -> String {
    // The last line says what is wrong, those before point at the place.
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string()
}

/// A pattern of this file, which is known to be one.
pub(super) fn known(pattern: &str) -> Hir {
    regex_syntax::Parser::new().parse(pattern).expect("a pattern that is written here")
}

/// Between `least` and `most` times.
pub(super) fn repeated(sub: Hir, least: usize, most: Option<usize>) -> Hir {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (min, max) = (number(least), most.map(number));
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}

/// A text alone.
pub(super) fn text(text: &str) -> Hir {
    Hir::literal(text.as_bytes())
}

/// The contents of JSON strings that hold a match of a pattern anywhere, or at their beginning or
/// end where the pattern says so.
///
/// # Errors
/// A pattern that cannot be read, or looks around a place that is not its beginning or end.
pub(super) fn within_string(pattern: &str) -> Result<Hir, ConstraintError> {
    let any = || repeated(known("(?s:.)"), 0, None);
    let mut parts = Vec::new();
    for part in branches(&parse(pattern)?) {
        let mut items = items(&part);
        let anchored =
            |item: Option<&Hir>, look| item.is_some_and(|item| *item.kind() == HirKind::Look(look));
        let begins = anchored(items.first(), Look::Start);
        if begins {
            items.remove(0);
        }
        let ends = anchored(items.last(), Look::End);
        if ends {
            items.pop();
        }
        let mut whole = Vec::new();
        whole.extend((!begins).then(any));
        whole.append(&mut items);
        whole.extend((!ends).then(any));
        parts.push(encoded(&Hir::concat(whole), pattern)?);
    }
    Ok(Hir::alternation(parts))
}

/// The alternatives of an expression.
fn branches(hir: &Hir) -> Vec<Hir> {
    match hir.kind() {
        HirKind::Alternation(parts) => parts.iter().flat_map(branches).collect(),
        HirKind::Capture(capture) => branches(&capture.sub),
        _ => vec![hir.clone()],
    }
}

/// What stands one after the other in an expression.
fn items(hir: &Hir) -> Vec<Hir> {
    match hir.kind() {
        HirKind::Concat(parts) => parts.clone(),
        HirKind::Empty => Vec::new(),
        _ => vec![hir.clone()],
    }
}

/// The same expression of characters as a JSON string writes them.
fn encoded(hir: &Hir, pattern: &str) -> Result<Hir, ConstraintError> {
    let wrong = |what: &str| ConstraintError::Pattern { message: format!("`{pattern}`: {what}") };
    let all = |parts: &[Hir]| -> Result<Vec<Hir>, ConstraintError> {
        parts.iter().map(|part| encoded(part, pattern)).collect()
    };
    Ok(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => {
            let characters = std::str::from_utf8(&literal.0).map_err(|_| wrong("is no UTF-8"))?;
            text(&characters.chars().map(written).collect::<String>())
        }
        HirKind::Class(Class::Unicode(class)) => of_class(class),
        HirKind::Class(Class::Bytes(class)) => {
            of_class(&class.to_unicode_class().ok_or_else(|| wrong("is no UTF-8"))?)
        }
        HirKind::Look(_) => return Err(wrong("looks around a place within it")),
        HirKind::Repetition(r) => {
            let sub = Box::new(encoded(&r.sub, pattern)?);
            Hir::repetition(Repetition { min: r.min, max: r.max, greedy: r.greedy, sub })
        }
        HirKind::Capture(capture) => encoded(&capture.sub, pattern)?,
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
    })
}

/// A character as a JSON string writes it.
fn written(character: char) -> String {
    let quoted = serde_json::to_string(&character).expect("a character is a JSON string");
    quoted[1..quoted.len() - 1].to_string()
}

fn of_class(class: &ClassUnicode) -> Hir {
    let mut plain = class.clone();
    let ranges = [('\0', '\x1f'), ('"', '"'), ('\\', '\\')];
    let special = ranges.map(|(from, to)| ClassUnicodeRange::new(from, to));
    plain.difference(&ClassUnicode::new(special));
    let mut special = ClassUnicode::new(special);
    special.intersect(class);
    let each = special.iter().flat_map(|range| range.start()..=range.end());
    let mut parts: Vec<Hir> = each.map(|character| text(&written(character))).collect();
    parts.push(Hir::class(Class::Unicode(plain)));
    Hir::alternation(parts)
}
