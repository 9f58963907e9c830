#![doc = include_str!("../README.md")]

mod error;
mod finite;
mod flow;
mod guidance;
mod inpaint;
mod levels;
mod log_density;
mod mixture;
mod pairing;
mod path;
mod sampler;
mod schedule;
mod threshold;
mod to_noise;

pub use error::SolveError;
pub use flow::{FlowSolver, FlowStep, Solution, Times, Tolerance};
pub use guidance::{Guidance, classifier_guidance};
pub use inpaint::{Repaint, inpaint};
pub use levels::{Levels, Spacing};
pub use log_density::{Density, Divergence, LogDensity};
pub use mixture::GaussianMixture;
pub use pairing::{Pairing, assign};
pub use path::FlowPath;
pub use sampler::{Sampler, Step};
pub use schedule::{BetaSchedule, NoiseSchedule};
pub use threshold::DynamicThreshold;
pub use to_noise::to_noise;
