//! Constraints on what is written: a completion matches an expression, a JSON schema or a grammar.

mod automaton;
mod grammar;
mod guide;
mod pattern;
mod scalar;
mod schema;

use std::sync::Arc;

use automaton::Automaton;
pub(crate) use guide::Guide;

use crate::ConstraintError;

/// What a completion has to match, from its first character to its last.
///
/// Before each token, those are left out behind which no match can be written any more, in the tokens
/// that are left. So every completion matches, also one that ends with the most tokens.
///
/// ```
/// use pyrogen_autoregressive::Constraint;
///
/// let date = Constraint::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}")?;
/// assert!(date.matches("2026-11-27") && !date.matches("2026-11-27."));
/// assert!(Constraint::regex("[a&&b]").is_err());
/// # Ok::<(), pyrogen_autoregressive::ConstraintError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    automaton: Arc<Automaton>,
}

impl Constraint {
    /// A regular expression, in the syntax of the crate `regex`. It holds for the whole completion, with
    /// and without `^` and `$`.
    ///
    /// # Errors
    /// A pattern that cannot be read, matches nothing, looks at what stands around a place (`\b`), or
    /// is too large.
    pub fn regex(pattern: &str) -> Result<Self, ConstraintError> {
        Self::of(&pattern::parse(pattern)?)
    }

    /// The JSON values that a JSON schema describes.
    ///
    /// They are written on one line, with properties in the schema's order and at most one space behind
    /// a comma or colon. Numbers have 15 digits before and behind the point and two in the exponent at
    /// most. Definitions that refer to themselves, and values that the schema leaves open, are at
    /// most `depth` levels deep. What is written always satisfies the schema; not every value that
    /// does can be written: properties that the schema does not name are left out.
    ///
    /// Known are `type`, `enum`, `const`, `anyOf`, `oneOf` of parts that exclude each other, `$ref` within
    /// the schema; `properties`, `required`, `additionalProperties`; `items`, `prefixItems`, `minItems`,
    /// `maxItems`; `minLength`, `maxLength`, `pattern`, `format` (`date`, `time`, `date-time`, `uuid`);
    /// `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` of integers. Any other keyword is an
    /// error that names it, but for those that describe alone (`title`, `description` and their kind).
    ///
    /// # Errors
    /// A text that is no JSON, a keyword that is not known, or a schema that nothing satisfies.
    pub fn json_schema(schema: &str, depth: usize) -> Result<Self, ConstraintError> {
        Self::of(&schema::compile(schema, depth)?)
    }

    /// The texts of a grammar, in a subset of Lark's notation.
    ///
    /// | notation | texts |
    /// |---|---|
    /// | `rule: a b \| c`, `TERMINAL: ..` | rules in lower case, terminals in upper case; lines that begin with `\|` go on |
    /// | `"text"`, `"text"i`, `"a".."z"` | as it is written, in any case, one character of a range |
    /// | `/pattern/`, with `i`, `s` and `u` behind | a regular expression, in the syntax of the crate `regex`, without `^`, `$`, `\b` and `*?` |
    /// | `( )`, `[ ]`, `?`, `*`, `+`, `~ 3`, `~ 2..4` | groups, what may be left out, repetitions |
    /// | `%ignore TERMINAL` | what may stand before each terminal of a rule and at the end, any number of times |
    /// | `%import common.INT` | the terminals of Lark's common grammar: numbers, words, strings, blanks, comments |
    /// | `//` and `#` | comments |
    ///
    /// The completion is a text of the rule `start`. `?rule`, `!rule`, priorities and `-> name` are read; they
    /// change nothing of the texts. A terminal is any text that its definition matches: it need not be the
    /// longest, and `"if"` may stand directly before a name. A stretch that is ignored is as long as it can
    /// be: what follows begins with no character that could go on with it. Templates, `%declare`,
    /// `%override`, `%extend` and other imports are errors.
    ///
    /// Rules that have themselves at their left or right end, directly or through others, are exact wherever
    /// that recursion is a repetition:
    ///
    /// ```text
    /// a: x a | b                  is  x* b
    /// a: a z | b                  is  b z*
    /// a: x a | a z | a y a | b    is  u (y u)*   with u = x* b z*
    /// ```
    ///
    /// Any other rule stands within itself at most `depth` times: brackets are at most so deep.
    /// Alternatives that would need more are left out. So every completion is a text of the grammar; texts
    /// that are deeper are not written.
    ///
    /// # Errors
    /// A grammar that cannot be read, with the line and what is wrong there; one that becomes too
    /// large at this depth.
    ///
    /// # References
    /// Arden 1961, "Delayed logic and finite state machines": the repetition that solves an equation.
    ///
    /// # Examples
    /// ```
    /// use pyrogen_autoregressive::Constraint;
    ///
    /// let sums = r#"
    ///     start: start ("+" | "-") product | product
    ///     product: product ("*" | "/") factor | factor
    ///     factor: NUMBER | "-" factor | "(" start ")"
    ///     NUMBER: /[0-9]{1,3}/
    /// "#;
    /// let constraint = Constraint::grammar(sums, 2)?;
    /// assert!(constraint.matches("1+2*3-4/-5") && constraint.matches("((1+2)*(3-4))"));
    /// assert!(!constraint.matches("1+") && !constraint.matches("(((1)))"));
    /// # Ok::<(), pyrogen_autoregressive::ConstraintError>(())
    /// ```
    pub fn grammar(grammar: &str, depth: usize) -> Result<Self, ConstraintError> {
        Self::of(&grammar::compile(grammar, depth)?)
    }

    fn of(hir: &regex_syntax::hir::Hir) -> Result<Self, ConstraintError> {
        Ok(Self { automaton: Arc::new(Automaton::of(hir)?) })
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let end = text.bytes().try_fold(0, |state, byte| self.automaton.next(state, byte));
        end.is_some_and(|state| self.automaton.accepts(state))
    }

    pub(crate) fn guide(
        &self,
        tokenizer: &crate::Tokenizer,
        ending: &[u32],
    ) -> Result<Guide, ConstraintError> {
        Guide::new(self.automaton.clone(), tokenizer, ending)
    }
}

#[cfg(test)]
mod tests;
