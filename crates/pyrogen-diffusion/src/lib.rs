#![doc = include_str!("../README.md")]

mod bound;
mod config;
mod diffusers;
mod diffusion;
mod folder;
mod network;
mod prediction;
mod process;
mod sampling;
mod score;
mod told;

pub use config::DiffusionConfig;
pub use diffusers::load_unet;
pub use diffusion::{Diffusion, DiffusionDraws};
pub use folder::FAMILY;
pub use network::{EventNetwork, TimeNetwork};
pub use prediction::{Level, Prediction, Weighting};
pub use process::Process;
pub use sampling::{Guidance, SamplingConfig};

/// Samplers, schedules and noise levels.
pub use pyrogen_solve as solve;
