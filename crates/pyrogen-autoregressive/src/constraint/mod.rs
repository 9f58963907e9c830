//! Constraints on what is written: a completion matches an expression, or a JSON schema.

mod automaton;
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
