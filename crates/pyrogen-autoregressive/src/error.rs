//! What can go wrong with tokens, prompts and pretrained folders.

use std::path::PathBuf;

/// A tokenizer that cannot be made, or a text that it cannot write.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A character that the vocabulary does not have.
    #[error(
        "character {place} of the text is `{}` (U+{:04X}), which is not among the characters that \
         the model was trained on", character.escape_debug(), u32::from(*character)
    )]
    Unknown {
        /// The character.
        character: char,
        /// Its place, counted from 1.
        place: usize,
    },
    /// A word that the vocabulary does not have.
    #[error(
        "word {place} of the text is `{}`, which is not among the words that the model was trained on",
        word.escape_debug()
    )]
    UnknownWord {
        /// The word.
        word: String,
        /// Its place, counted from 1.
        place: usize,
    },
    /// A tokenizer's file that cannot be used.
    #[error("the tokenizer's file cannot be used: {message}")]
    File {
        /// What is wrong.
        message: String,
    },
    /// A size that byte pairs cannot have.
    #[error("byte pairs need 257 to 1048576 tokens, got {got}")]
    Size {
        /// What was asked for.
        got: usize,
    },
}

/// A constraint that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// A regular expression that cannot be used.
    #[error("the regular expression cannot be used: {message}")]
    Pattern {
        /// What is wrong.
        message: String,
    },
    /// A JSON schema that cannot be used.
    #[error("the JSON schema cannot be used: {place}: {message}")]
    Schema {
        /// Where in the schema.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A grammar that cannot be used.
    #[error("the grammar cannot be used: line {line}: {message}")]
    Grammar {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An expression or schema that admits nothing.
    #[error("the constraint admits nothing: no text can meet it")]
    Nothing,
    /// An automaton that becomes too large.
    #[error(
        "the constraint has more than {most} states: bound its repetitions more tightly, or make it \
         less deep"
    )]
    Size {
        /// The most states.
        most: usize,
    },
    /// A constraint that the tokens of the model cannot write.
    #[error("no text that the model's tokens can write meets the constraint")]
    Spelling,
    /// Too few tokens.
    #[error("the constraint needs {needed} tokens, and {most} may be written")]
    Tokens {
        /// The fewest tokens of a text that meets it.
        needed: usize,
        /// How many may be written.
        most: usize,
    },
}

/// A text that a model cannot go on from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A text that the tokenizer cannot write.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A constraint that cannot be met.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// A prompt that leaves no room.
    #[error(
        "the prompt has {tokens} tokens with its start, and the model reads {context}: shorten it, \
         or let the window slide"
    )]
    TooLong {
        /// Tokens of the prompt and the start.
        tokens: usize,
        /// The model's context.
        context: usize,
    },
    /// A source without tokens.
    #[error("the source is empty: give a text of a token or more")]
    NoSource,
    /// A source that the model cannot read whole.
    #[error(
        "the source has {tokens} tokens with its end, and the model reads {context}: shorten it, or \
         train a model with a larger `source_context`"
    )]
    LongSource {
        /// Tokens of the source and its end.
        tokens: usize,
        /// The model's context of sources.
        context: usize,
    },
    /// A target that the model cannot read whole.
    #[error(
        "the target has {tokens} tokens with its start, and the model reads {context}: shorten it, or \
         train a model with a larger `context`"
    )]
    LongTarget {
        /// Tokens of the target and its start.
        tokens: usize,
        /// The model's context of targets.
        context: usize,
    },
    /// A setting of the sampling chain that cannot be used.
    #[error("`{name}` must be {expected}, got {got}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was found.
        got: String,
    },
    /// Logits that are NaN, or none that is finite.
    #[error(
        "the model's logits are not numbers, or the sampling chain leaves no token; check the \
         weights, or the settings"
    )]
    NoToken,
}

/// A pretrained folder that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PretrainedError {
    /// The system refused.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A config that names what is not known here.
    #[error("{}: option `{option}` is {got}, expected {expected}", path.display())]
    Option {
        /// The config.
        path: PathBuf,
        /// The option.
        option: String,
        /// What is known.
        expected: String,
        /// What was found.
        got: String,
    },
    /// Files that contradict each other, or are damaged.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}
