//! The words and marks of a grammar's notation.

use std::fmt;

use super::wrong;
use crate::ConstraintError;

/// Marks, the longer ones before those that they begin with.
const MARKS: [&str; 17] =
    ["..", "->", ":", "|", "(", ")", "[", "]", "{", "}", "?", "*", "+", "~", ".", ",", "!"];

/// A word or mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// Of a rule or a terminal.
    Name(String),
    /// `%ignore` and its kind.
    Directive(String),
    Text {
        text: String,
        any_case: bool,
    },
    Pattern {
        pattern: String,
        flags: String,
    },
    Number(i64),
    Mark(&'static str),
    /// The end of a line that no `|` goes on from, outside of brackets.
    LineEnd,
}

impl fmt::Display for Lexeme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lexeme::Name(name) | Lexeme::Directive(name) => write!(f, "`{name}`"),
            Lexeme::Text { text, .. } => write!(f, "the text {text:?}"),
            Lexeme::Pattern { pattern, .. } => write!(f, "the pattern /{pattern}/"),
            Lexeme::Number(number) => write!(f, "the number {number}"),
            Lexeme::Mark(mark) => write!(f, "`{mark}`"),
            Lexeme::LineEnd => write!(f, "the end of the line"),
        }
    }
}

/// The words and marks of a text, with their lines.
pub(super) fn lexemes(text: &str) -> Result<Vec<(Lexeme, usize)>, ConstraintError> {
    let mut out: Vec<(Lexeme, usize)> = Vec::new();
    let (mut line, mut open, mut rest) = (1, 0usize, text);
    while let Some(first) = rest.chars().next() {
        if first == '\n' {
            out.extend((open == 0).then_some((Lexeme::LineEnd, line)));
            line += 1;
        }
        if first.is_whitespace() || first == '\u{feff}' {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if first == '#' || rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        let (lexeme, length) = lexeme(rest, first, line)?;
        match lexeme {
            Lexeme::Mark("(" | "[") => open += 1,
            Lexeme::Mark(")" | "]") => open = open.saturating_sub(1),
            Lexeme::Mark("|") => {
                while matches!(out.last(), Some((Lexeme::LineEnd, _))) {
                    out.pop();
                }
            }
            _ => {}
        }
        out.push((lexeme, line));
        rest = &rest[length..];
    }
    out.push((Lexeme::LineEnd, line));
    Ok(out)
}

/// The first word or mark of a text, and its length.
fn lexeme(rest: &str, first: char, line: usize) -> Result<(Lexeme, usize), ConstraintError> {
    let run = |from: usize, is: fn(char) -> bool| {
        rest[from..].find(|c| !is(c)).map_or(rest.len(), |length| from + length)
    };
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        let end = run(rest.len() - digits.len(), |c| c.is_ascii_digit());
        return match rest[..end].parse() {
            Ok(number) => Ok((Lexeme::Number(number), end)),
            Err(_) => wrong(line, format!("the number {} is too large", &rest[..end])),
        };
    }
    match first {
        '"' => return text(rest, line),
        '/' => return pattern(rest, line),
        '%' => {
            let end = run(1, |c| c.is_ascii_alphanumeric() || c == '_');
            return Ok((Lexeme::Directive(rest[..end].into()), end));
        }
        '_' | 'a'..='z' | 'A'..='Z' => {
            let end = run(0, |c| c.is_ascii_alphanumeric() || c == '_');
            return Ok((Lexeme::Name(rest[..end].into()), end));
        }
        _ => {}
    }
    match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
        Some(mark) => Ok((Lexeme::Mark(mark), mark.len())),
        None => wrong(line, format!("`{first}` is not known here")),
    }
}

/// Where a piece between two marks ends that a backslash protects within it.
fn closing(rest: &str, mark: char, what: &str, line: usize) -> Result<usize, ConstraintError> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return Ok(at),
            _ => {}
        }
    }
    wrong(line, format!("{what} does not end on its line"))
}

/// `"text"`, perhaps with `i`.
fn text(rest: &str, line: usize) -> Result<(Lexeme, usize), ConstraintError> {
    let end = closing(rest, '"', "a text", line)?;
    let mut text = String::new();
    let mut left = rest[1..end].chars();
    while let Some(c) = left.next() {
        text.push(if c == '\\' { escaped(&mut left, line)? } else { c });
    }
    let any_case = rest[end + 1..].starts_with('i');
    Ok((Lexeme::Text { text, any_case }, end + 1 + usize::from(any_case)))
}

/// The character that stands behind a backslash.
fn escaped(left: &mut std::str::Chars<'_>, line: usize) -> Result<char, ConstraintError> {
    let name = left.next().unwrap_or_default();
    let digits = match name {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        'f' => return Ok('\u{c}'),
        '\\' | '"' => return Ok(name),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let message = format!("`\\{name}` is not known in a text; a backslash is `\\\\`");
            return wrong(line, message);
        }
    };
    let number: String = left.take(digits).collect();
    let code = u32::from_str_radix(&number, 16).ok().filter(|_| number.len() == digits);
    match code.and_then(char::from_u32) {
        Some(c) => Ok(c),
        None => wrong(line, format!("`\\{name}{number}` is no character")),
    }
}

/// `/pattern/`, perhaps with flags.
fn pattern(rest: &str, line: usize) -> Result<(Lexeme, usize), ConstraintError> {
    let end = closing(rest, '/', "a pattern", line)?;
    let behind = &rest[end + 1..];
    let flags = behind.find(|c: char| !"imslux".contains(c)).map_or(behind, |n| &behind[..n]);
    let lexeme = Lexeme::Pattern { pattern: rest[1..end].into(), flags: flags.into() };
    Ok((lexeme, end + 1 + flags.len()))
}
