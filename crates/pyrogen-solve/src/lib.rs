#![doc = include_str!("../README.md")]

mod error;
mod finite;
mod levels;
mod mixture;
mod sampler;
mod schedule;

pub use error::SolveError;
pub use levels::{Levels, Spacing};
pub use mixture::GaussianMixture;
pub use sampler::{Sampler, Step};
pub use schedule::{BetaSchedule, NoiseSchedule};
