#![doc = include_str!("../README.md")]

mod capability;
pub mod conformance;
mod control;
pub mod drawing;
mod error;
mod family;
pub mod host;
mod how_many;
mod model;
mod options;
mod registry;
mod request;
mod samples;
pub mod tensor;
#[cfg(feature = "train")]
pub mod train;

pub use capability::{
    Assign, Assignment, Capabilities, Complete, Detailed, Figure, Finding, Generate, Given,
    Inspect, Latent, LatentKind, LatentSpace, Latents, Likely, Marginal, Query, Rank, Ranking,
    Stream, Vary,
};
pub use control::{Control, Progress};
pub use error::{Error, ErrorKind};
pub use family::{Ability, Family};
pub use how_many::HowMany;
pub use model::{About, Model};
pub use options::{OptionSpec, Options};
pub use registry::Registry;
pub use request::Request;
pub use samples::{Samples, count};
