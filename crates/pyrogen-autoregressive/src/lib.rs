#![doc = include_str!("../README.md")]

mod batch;
mod constraint;
mod decode;
mod error;
#[cfg(feature = "model")]
pub mod family;
mod infill;
mod language;
mod lora;
mod measure;
pub mod pretrained;
mod recurrent;
pub mod sampling;
mod seq2seq;
mod text_model;
mod token;
mod transformer;

pub use batch::{Packed, TokenBatch, TokenWindows};
pub use constraint::Constraint;
pub use decode::{
    Beams, Candidate, Completion, Contrastive, DecodeSettings, Decoder, Drafted, Finish, Overflow,
    Pieces, Run,
};
pub use error::{ConstraintError, DecodeError, PretrainedError, TokenError};
pub use infill::Infill;
pub use language::{Dropout, LanguageModel, Start};
pub use lora::LoraConfig;
pub use measure::{Surprise, TextScore};
pub use pyrogen_core::TextStream;
pub use recurrent::{Cell, Recurrent, RecurrentConfig};
pub use seq2seq::{
    Conditioned, Cross, PairBatch, PairDropout, PairExamples, PairRows, Seq2Seq, Seq2SeqConfig,
    Seq2SeqText, Sources, State as ConditionedState,
};
pub use text_model::{GptText, RecurrentText, TextModel};
pub use token::{Bpe, Characters, SentencePiece, Tokenizer, TokenizerChoice, Words};
pub use transformer::{
    Cache, Feed, Gpt, GptConfig, Int8Gpt, Norm, Positions, Preset, RotaryConfig, RotaryScaling,
};

/// The families' names, as cards have them.
pub const FAMILY: &str = "gpt";
/// The name of the recurrent family.
pub const RECURRENT_FAMILY: &str = "lstm";
/// The name of the family of encoders with decoders.
pub const SEQ2SEQ_FAMILY: &str = "seq2seq";
