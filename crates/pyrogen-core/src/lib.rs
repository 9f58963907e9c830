#![doc = include_str!("../README.md")]

mod adversarial;
mod batch;
pub mod bijection;
mod capability;
mod condition;
pub mod config;
pub mod distribution;
mod error;
mod event;
pub mod folder;
mod hidden;
pub mod init;
pub mod latent;
mod likelihood;
mod noise;
mod objective;
pub mod parallel;
mod rate_distortion;
mod real;
pub mod special;
mod text_stream;

pub use adversarial::{Adversarial, Player, Watch};
pub use batch::{Batch, Examples, Unreadable};
pub use capability::{
    Decode, DecoderOutput, Denoise, Describe, Encode, ExactFlow, Inpaint, Posterior, Rank, Sample,
    SampleOptions, Score, ScoreGiven, ScoreMethod, ScoreOptions, Vary,
};
pub use condition::Condition;
pub use error::{
    ConfigError, FolderError, ModelError, NumericalError, ParameterError, RequestError,
};
pub use event::{flatten, unflatten};
pub use hidden::HiddenMatrix;
pub use likelihood::{Counts, Likelihood, LikelihoodKind, Unit};
pub use noise::{Draws, Noise, Seed, normal_quantile};
pub use objective::{Loss, LossTerm, Objective, TermFactors};
pub use rate_distortion::RateDistortion;
#[doc(hidden)]
pub use real::in_tensor_arithmetic;
pub use text_stream::TextStream;
