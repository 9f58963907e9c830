#![doc = include_str!("../README.md")]

mod capability;
mod control;
mod error;
mod family;
mod model;
mod options;
mod registry;
mod request;
mod samples;
pub mod tensor;
#[cfg(feature = "train")]
pub mod train;

pub use capability::{
    Assign, Assignment, Capabilities, Complete, Figure, Finding, Generate, Given, Inspect, Latent,
    LatentKind, LatentSpace, Latents, Likely, Marginal, Query, Rank, Ranking, Stream, Vary,
};
pub use control::{Control, Progress};
pub use error::{Error, ErrorKind};
pub use family::{Ability, Family};
pub use model::{About, Model};
pub use options::{OptionSpec, Options};
pub use registry::Registry;
pub use request::Request;
pub use samples::Samples;
