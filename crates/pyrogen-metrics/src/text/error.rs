//! What can be wrong with texts and with the options of their metrics.

/// A text metric that cannot be computed from what it was given.
///
/// Every message is one line that says what to do. Segments and streams count from 1 in messages, as
/// lines of files do, and from 0 in the fields.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// No segments at all.
    #[error("there are no segments; give at least one line of text")]
    NoSegments,
    /// No stream of references.
    #[error("there are no references; give at least one for each segment")]
    NoReferences,
    /// A stream of references with another number of segments than the hypotheses.
    #[error(
        "{hypotheses} hypotheses, but {references} references in stream {}; give as many of both",
        stream + 1
    )]
    Lengths {
        /// Number of hypotheses.
        hypotheses: usize,
        /// Which stream of references, counted from 0.
        stream: usize,
        /// Number of references in it.
        references: usize,
    },
    /// A segment for which every stream of references has nothing.
    #[error("segment {} has no reference; give it at least one, or take it out", segment + 1)]
    NoReference {
        /// The segment, counted from 0.
        segment: usize,
    },
    /// Too few texts to compare them with each other.
    #[error("self-bleu: compares texts with each other, needs at least 2, got {got}; give more")]
    TooFewTexts {
        /// Number of texts.
        got: usize,
    },
    /// Two systems that were not scored on the same segments.
    #[error("the baseline has {baseline} segments, the system {system}; score both on the same")]
    Systems {
        /// Segments of the baseline.
        baseline: usize,
        /// Segments of the system.
        system: usize,
    },
    /// An option outside its range.
    #[error("{metric}: `{option}` must be {expected}, got {got}")]
    Option {
        /// The metric.
        metric: &'static str,
        /// The option.
        option: &'static str,
        /// What is allowed.
        expected: String,
        /// What was found.
        got: String,
    },
    /// Samples that cannot be compared.
    #[error(transparent)]
    Features(#[from] crate::MetricError),
}

impl TextError {
    /// An error where an option is not what it must be.
    pub(crate) fn require(
        holds: bool,
        metric: &'static str,
        option: &'static str,
        expected: &str,
        got: impl std::fmt::Display,
    ) -> Result<(), Self> {
        if holds {
            return Ok(());
        }
        Err(Self::Option { metric, option, expected: expected.to_string(), got: got.to_string() })
    }
}
