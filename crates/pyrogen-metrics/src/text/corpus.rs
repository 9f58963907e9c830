//! Hypotheses with their references.

use super::TextError;

/// Hypotheses, and streams of references to them: one a segment in each stream, or none.
///
/// ```
/// use pyrogen_metrics::text::{Corpus, ReferenceCount};
///
/// let corpus = Corpus::new(&["a cat", "a dog"], &[["the cat", "the dog"], ["one cat", "one dog"]])?;
/// assert_eq!(corpus.reference_count(), ReferenceCount::Fixed(2));
///
/// let second = [Some("one cat"), None];
/// let corpus = Corpus::with_missing(&["a cat", "a dog"], &[[Some("the cat"), Some("the dog")], second])?;
/// assert_eq!(corpus.reference_count(), ReferenceCount::Variable);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus<'a> {
    hypotheses: Vec<&'a str>,
    /// Stream by stream.
    references: Vec<Vec<Option<&'a str>>>,
    count: ReferenceCount,
}

/// How many references a segment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceCount {
    /// The same number for all.
    Fixed(usize),
    /// Not the same for all.
    Variable,
}

impl std::fmt::Display for ReferenceCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(count) => count.fmt(f),
            Self::Variable => f.write_str("var"),
        }
    }
}

impl<'a> Corpus<'a> {
    /// A corpus in which every segment has a reference in each stream. An empty reference is one.
    ///
    /// # Errors
    /// No segments, no streams, or a stream with another number of segments.
    pub fn new<S: AsRef<str>, R: AsRef<[T]>, T: AsRef<str> + 'a>(
        hypotheses: &'a [S],
        references: &'a [R],
    ) -> Result<Self, TextError> {
        let stream = |r: &'a R| r.as_ref().iter().map(|text| Some(text.as_ref())).collect();
        Self::checked(hypotheses, references.iter().map(stream).collect())
    }

    /// A corpus in which a stream may have no reference to a segment.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a segment without any reference.
    pub fn with_missing<S: AsRef<str>, R: AsRef<[Option<&'a str>]>>(
        hypotheses: &'a [S],
        references: &[R],
    ) -> Result<Self, TextError> {
        Self::checked(hypotheses, references.iter().map(|r| r.as_ref().to_vec()).collect())
    }

    fn checked<S: AsRef<str>>(
        hypotheses: &'a [S],
        references: Vec<Vec<Option<&'a str>>>,
    ) -> Result<Self, TextError> {
        if hypotheses.is_empty() {
            return Err(TextError::NoSegments);
        }
        if references.is_empty() {
            return Err(TextError::NoReferences);
        }
        let expected = hypotheses.len();
        if let Some(stream) = references.iter().position(|r| r.len() != expected) {
            return Err(TextError::Lengths {
                hypotheses: expected,
                stream,
                references: references[stream].len(),
            });
        }
        let counts = (0..expected).map(|i| references.iter().filter(|r| r[i].is_some()).count());
        let (mut least, mut most) = (usize::MAX, 0);
        for (segment, count) in counts.enumerate() {
            if count == 0 {
                return Err(TextError::NoReference { segment });
            }
            (least, most) = (least.min(count), most.max(count));
        }
        let count =
            if least == most { ReferenceCount::Fixed(most) } else { ReferenceCount::Variable };
        let hypotheses = hypotheses.iter().map(AsRef::as_ref).collect();
        Ok(Self { hypotheses, references, count })
    }

    /// Number of segments.
    pub fn len(&self) -> usize {
        self.hypotheses.len()
    }

    /// Never: a corpus has at least one segment.
    pub fn is_empty(&self) -> bool {
        self.hypotheses.is_empty()
    }

    /// How many references the segments have.
    pub fn reference_count(&self) -> ReferenceCount {
        self.count
    }

    /// A hypothesis.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn hypothesis(&self, segment: usize) -> &'a str {
        self.hypotheses[segment]
    }

    /// The references to a segment, in the order of the streams.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn references(&self, segment: usize) -> impl Iterator<Item = &'a str> {
        self.references.iter().filter_map(move |stream| stream[segment])
    }
}
