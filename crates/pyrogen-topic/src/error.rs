//! What can be wrong with documents, settings and fits.

use pyrogen_core::ConfigError;

/// Documents, settings or a fit that cannot be used.
///
/// Documents, words and topics are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// No documents.
    #[error("there are no documents")]
    NoDocuments,
    /// More words than can be numbered.
    #[error("the documents have {tokens} words together, and may have {}", u32::MAX)]
    TooLarge {
        /// Number of words, repeated ones counted.
        tokens: u64,
    },
    /// Documents without a single word that the vocabulary has.
    #[error("all {documents} documents are empty: there is nothing to learn from")]
    AllEmpty {
        /// Number of documents.
        documents: usize,
    },
    /// A vocabulary that the limits have emptied.
    #[error(
        "no word is left of {found}: {stop} are stop words or too short, {rare} are in fewer \
         than {least} documents, {common} in more than {most}, of {documents} documents"
    )]
    EmptyVocabulary {
        /// Distinct words, and runs of words, that the documents have.
        found: usize,
        /// How many of them are stop words, numbers or too short.
        stop: usize,
        /// How many are in too few documents.
        rare: usize,
        /// How many are in too many documents.
        common: usize,
        /// In how many documents a word has to be.
        least: usize,
        /// In how many documents a word may be.
        most: usize,
        /// Number of documents.
        documents: usize,
    },
    /// A count that is not a whole number from 0 on.
    #[error("document {document}, word {word}: the count {value} is not a whole number from 0 on")]
    NotACount {
        /// The document.
        document: usize,
        /// The word.
        word: usize,
        /// The value.
        value: f64,
    },
    /// A word that the vocabulary does not have.
    #[error("document {document}: word {word} is not below {words}, the size of the vocabulary")]
    Word {
        /// The document.
        document: usize,
        /// The word.
        word: usize,
        /// Size of the vocabulary.
        words: usize,
    },
    /// Documents of another vocabulary than the model's.
    #[error("the model has {expected} words, the documents have a vocabulary of {got}")]
    Vocabulary {
        /// Words of the model.
        expected: usize,
        /// Words of the documents.
        got: usize,
    },
    /// A list of the wrong length.
    #[error("{what}: {expected} are needed, got {got}")]
    Length {
        /// Which list.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// A label, or a topic, that does not exist.
    #[error("{what} {got} is not below {count}")]
    OutOfRange {
        /// `label` or `topic`.
        what: &'static str,
        /// The number.
        got: usize,
        /// How many there are.
        count: usize,
    },
    /// A document that has words and no topic that it may use.
    #[error("document {document} has words but no label: give it one, or add a shared topic")]
    NoLabel {
        /// The document.
        document: usize,
    },
    /// A seed word that the vocabulary does not have.
    #[error("the seed word `{word}` of topic {topic} is not in the vocabulary")]
    SeedWord {
        /// The word.
        word: String,
        /// The topic.
        topic: usize,
    },
    /// Parameters that are no topic model.
    #[error("{what} {place} is {value}, and must be {expected}")]
    Parameter {
        /// What is wrong.
        what: &'static str,
        /// Where.
        place: usize,
        /// Its value.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// Numbers that left the finite range.
    #[error("{what} is {value} in pass {pass}")]
    NotFinite {
        /// What is not finite.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The pass, counted from 1.
        pass: u64,
    },
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
