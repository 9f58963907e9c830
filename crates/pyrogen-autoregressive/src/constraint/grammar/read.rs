//! A grammar's notation as definitions, before names are looked up.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::lex::{Lexeme, lexemes};
use super::{common, wrong};
use crate::ConstraintError;
use crate::constraint::pattern::{known, message, text};

/// Brackets within each other.
const BRACKETS: usize = 50;

/// What a definition says.
#[derive(Debug, Clone)]
pub(super) enum Syntax {
    /// A rule or terminal, and the line of its use.
    Name(String, usize),
    /// A terminal without a name, and its line.
    Terminal(Hir, usize),
    Sequence(Vec<Syntax>),
    Choice(Vec<Syntax>),
    Repeat(Box<Syntax>, u32, Option<u32>),
}

/// `name: body`.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) body: Syntax,
}

/// A grammar as it is written.
#[derive(Debug, Default)]
pub(super) struct Notation {
    pub(super) definitions: Vec<Definition>,
    /// Each `%ignore`, with its line.
    pub(super) ignored: Vec<(Syntax, usize)>,
}

/// Whether a name is that of a terminal.
pub(super) fn is_terminal(name: &str) -> bool {
    name.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase())
}

pub(super) fn read(text: &str) -> Result<Notation, ConstraintError> {
    let mut reader = Reader { lexemes: lexemes(text)?, at: 0, open: Vec::new() };
    let mut notation = Notation::default();
    while reader.at < reader.lexemes.len() {
        let line = reader.line();
        match reader.next() {
            Lexeme::LineEnd => {}
            Lexeme::Directive(name) => reader.directive(&name, line, &mut notation)?,
            Lexeme::Mark("?" | "!") => {}
            Lexeme::Name(name) => {
                let name = named(name, line)?;
                let body = reader.definition()?;
                notation.definitions.push(Definition { name, line, body });
            }
            other => return wrong(line, format!("a rule or terminal begins here, not {other}")),
        }
    }
    Ok(notation)
}

/// A name in lower case or upper case.
fn named(name: String, line: usize) -> Result<String, ConstraintError> {
    let letters = name.trim_start_matches('_');
    let mixed = letters.contains(|c: char| c.is_ascii_lowercase())
        && letters.contains(|c: char| c.is_ascii_uppercase());
    match mixed || !letters.starts_with(|c: char| c.is_ascii_alphabetic()) {
        false => Ok(name),
        true => wrong(
            line,
            format!("`{name}` is no name: rules are in lower case, terminals in UPPER CASE"),
        ),
    }
}

struct Reader {
    lexemes: Vec<(Lexeme, usize)>,
    at: usize,
    /// The brackets that are open, and their lines.
    open: Vec<(&'static str, usize)>,
}

impl Reader {
    fn line(&self) -> usize {
        self.lexemes.get(self.at).or(self.lexemes.last()).map_or(1, |(_, line)| *line)
    }

    fn peek(&self) -> &Lexeme {
        self.lexemes.get(self.at).map_or(&Lexeme::LineEnd, |(lexeme, _)| lexeme)
    }

    fn next(&mut self) -> Lexeme {
        let lexeme = self.peek().clone();
        self.at += 1;
        lexeme
    }

    fn takes(&mut self, mark: &'static str) -> bool {
        let found = *self.peek() == Lexeme::Mark(mark);
        self.at += usize::from(found);
        found
    }

    /// An error at the next lexeme.
    fn unexpected<T>(&self, expected: &str) -> Result<T, ConstraintError> {
        let got = self.peek();
        let message = match self.open.last() {
            Some((mark, line)) => {
                format!("{expected}, got {got} (the `{mark}` of line {line} is open)")
            }
            None => format!("{expected}, got {got}"),
        };
        wrong(self.line(), message)
    }

    fn line_end(&mut self) -> Result<(), ConstraintError> {
        match self.peek() {
            Lexeme::LineEnd => {
                self.at += 1;
                Ok(())
            }
            _ => self.unexpected("expected the end of the line"),
        }
    }

    /// What stands behind a name: its priority, a colon and the body.
    fn definition(&mut self) -> Result<Syntax, ConstraintError> {
        if *self.peek() == Lexeme::Mark("{") {
            return wrong(self.line(), "templates are not known");
        }
        if self.takes(".") {
            let Lexeme::Number(_) = self.peek() else {
                return self.unexpected("expected a priority");
            };
            self.at += 1;
        }
        if !self.takes(":") {
            return self.unexpected("expected `:`");
        }
        let body = self.choice()?;
        self.line_end()?;
        Ok(body)
    }

    fn directive(
        &mut self,
        name: &str,
        line: usize,
        notation: &mut Notation,
    ) -> Result<(), ConstraintError> {
        match name {
            "%ignore" => notation.ignored.push((self.choice()?, line)),
            "%import" => self.import(line, notation)?,
            _ => return wrong(line, format!("`{name}` is not known")),
        }
        self.line_end()
    }

    fn name(&mut self) -> Result<String, ConstraintError> {
        let Lexeme::Name(name) = self.peek().clone() else {
            return self.unexpected("expected a name");
        };
        self.at += 1;
        Ok(name)
    }

    /// `common.NAME`, `common.NAME -> OTHER`, `common (NAME, OTHER)`.
    fn import(&mut self, line: usize, notation: &mut Notation) -> Result<(), ConstraintError> {
        if *self.peek() != Lexeme::Name("common".into()) {
            return self.unexpected("`%import` knows `common` alone: expected that name");
        }
        self.at += 1;
        let mut names = Vec::new();
        if self.takes("(") {
            while !self.takes(")") {
                let name = self.name()?;
                names.push((name.clone(), name));
                if !self.takes(",") && *self.peek() != Lexeme::Mark(")") {
                    return self.unexpected("expected `,` or `)`");
                }
            }
        } else {
            if !self.takes(".") {
                return self.unexpected("expected `.`");
            }
            let name = self.name()?;
            let other = if self.takes("->") { self.name()? } else { name.clone() };
            names.push((name, other));
        }
        for (name, other) in names {
            let Some(pattern) = common::pattern(&name) else {
                return wrong(line, format!("`common.{name}` is not known"));
            };
            let name = named(other, line)?;
            if !is_terminal(&name) {
                return wrong(line, format!("`{name}` is a terminal: write it in upper case"));
            }
            let body = Syntax::Terminal(known(pattern), line);
            notation.definitions.push(Definition { name, line, body });
        }
        Ok(())
    }

    /// Alternatives with `|` between them.
    fn choice(&mut self) -> Result<Syntax, ConstraintError> {
        let mut parts = vec![self.sequence()?];
        while self.takes("|") {
            parts.push(self.sequence()?);
        }
        Ok(match parts.len() {
            1 => parts.swap_remove(0),
            _ => Syntax::Choice(parts),
        })
    }

    /// Items one after the other, perhaps with a name for the whole.
    fn sequence(&mut self) -> Result<Syntax, ConstraintError> {
        let mut items = Vec::new();
        while !matches!(self.peek(), Lexeme::Mark("|" | ")" | "]" | "->") | Lexeme::LineEnd) {
            items.push(self.item()?);
        }
        if self.takes("->") {
            self.name()?;
        }
        Ok(match items.len() {
            1 => items.swap_remove(0),
            _ => Syntax::Sequence(items),
        })
    }

    /// One thing, and how often.
    fn item(&mut self) -> Result<Syntax, ConstraintError> {
        let one = self.one()?;
        let (least, most) = match self.peek() {
            Lexeme::Mark("?") => (0, Some(1)),
            Lexeme::Mark("*") => (0, None),
            Lexeme::Mark("+") => (1, None),
            Lexeme::Mark("~") => {
                self.at += 1;
                let least = self.count()?;
                let most = if self.takes("..") { self.count()? } else { least };
                if most < least {
                    return wrong(self.line(), format!("`~ {least}..{most}` is no range"));
                }
                return Ok(Syntax::Repeat(Box::new(one), least, Some(most)));
            }
            _ => return Ok(one),
        };
        self.at += 1;
        Ok(Syntax::Repeat(Box::new(one), least, most))
    }

    fn count(&mut self) -> Result<u32, ConstraintError> {
        let Lexeme::Number(number) = *self.peek() else {
            return self.unexpected("expected a number of repetitions");
        };
        let Ok(count) = u32::try_from(number) else {
            return self.unexpected("expected a smaller number of repetitions, of 0 or more");
        };
        self.at += 1;
        Ok(count)
    }

    fn one(&mut self) -> Result<Syntax, ConstraintError> {
        let line = self.line();
        let found = match self.peek().clone() {
            Lexeme::Name(name) => Syntax::Name(named(name, line)?, line),
            Lexeme::Pattern { pattern, flags } => {
                Syntax::Terminal(expression(&pattern, &flags, line)?, line)
            }
            Lexeme::Text { text, any_case } => return self.literal(text, any_case, line),
            Lexeme::Mark("(") => return self.bracket("(", ")", line),
            Lexeme::Mark("[") => return self.bracket("[", "]", line),
            _ => return self.unexpected("expected a name, a text, a pattern or a bracket"),
        };
        self.at += 1;
        if *self.peek() == Lexeme::Mark("{") {
            return wrong(self.line(), "templates are not known");
        }
        Ok(found)
    }

    fn bracket(
        &mut self,
        mark: &'static str,
        end: &'static str,
        line: usize,
    ) -> Result<Syntax, ConstraintError> {
        self.at += 1;
        self.open.push((mark, line));
        if self.open.len() > BRACKETS {
            return wrong(line, format!("more than {BRACKETS} brackets within each other"));
        }
        let inside = self.choice()?;
        if !self.takes(end) {
            return self.unexpected(&format!("expected `{end}`"));
        }
        self.open.pop();
        Ok(match mark {
            "[" => Syntax::Repeat(Box::new(inside), 0, Some(1)),
            _ => inside,
        })
    }

    /// `"text"` or `"a".."z"`.
    fn literal(
        &mut self,
        from: String,
        any_case: bool,
        line: usize,
    ) -> Result<Syntax, ConstraintError> {
        self.at += 1;
        if !self.takes("..") {
            let flags = if any_case { "i" } else { "" };
            let hir = match any_case {
                true => expression(&regex_syntax::escape(&from), flags, line)?,
                false => text(&from),
            };
            return Ok(Syntax::Terminal(hir, line));
        }
        let Lexeme::Text { text: to, any_case: other } = self.peek().clone() else {
            return self.unexpected("expected a text of one character");
        };
        self.at += 1;
        let one = |text: &str| {
            let mut letters = text.chars();
            letters.next().filter(|_| letters.next().is_none())
        };
        match (one(&from), one(&to)) {
            (Some(from), Some(to)) if from <= to && !any_case && !other => {
                let class = ClassUnicode::new([ClassUnicodeRange::new(from, to)]);
                Ok(Syntax::Terminal(Hir::class(Class::Unicode(class)), line))
            }
            _ => wrong(line, format!("{from:?}..{to:?} is no range from one character to another")),
        }
    }
}

/// An expression in the syntax of the crate `regex`, with flags.
fn expression(pattern: &str, flags: &str, line: usize) -> Result<Hir, ConstraintError> {
    if let Some(flag) = flags.chars().find(|flag| !"isu".contains(*flag)) {
        return wrong(line, format!("the flag `{flag}` of /{pattern}/ is not known"));
    }
    let mut parser = ParserBuilder::new();
    parser.case_insensitive(flags.contains('i')).dot_matches_new_line(flags.contains('s'));
    let hir = match parser.build().parse(pattern) {
        Ok(hir) => hir,
        Err(e) => return wrong(line, format!("/{pattern}/: {}", message(&e))),
    };
    if is_lazy(&hir) {
        let message = format!(
            "/{pattern}/: `*?` and its kind are not known here: say what may not stand within"
        );
        return wrong(line, message);
    }
    match hir.properties().look_set().iter().next() {
        None => Ok(hir),
        Some(Look::Start | Look::End) => {
            wrong(line, format!("/{pattern}/: `^` and `$` are not known here"))
        }
        Some(look) => {
            wrong(line, format!("/{pattern}/: `{}` looks around its place", look.as_char()))
        }
    }
}

/// Whether a repetition takes as few as it can: what it matches depends on what follows.
fn is_lazy(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => !repetition.greedy || is_lazy(&repetition.sub),
        HirKind::Capture(capture) => is_lazy(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(is_lazy),
        _ => false,
    }
}
