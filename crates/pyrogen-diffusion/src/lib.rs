#![doc = include_str!("../README.md")]

mod bound;
mod capability;
mod conditional;
mod config;
mod diffusers;
mod diffusion;
#[cfg(feature = "model")]
pub mod family;
mod flow;
mod flow_config;
mod folder;
mod network;
mod partial;
mod prediction;
mod process;
mod reflow;
mod sampling;
mod score;

pub use config::DiffusionConfig;
pub use diffusers::{LoadedUNet, load_unet};
pub use diffusion::{Diffusion, DiffusionDraws};
pub use flow::{FlowDraws, FlowMatching};
pub use flow_config::{FlowConfig, FlowSampling, FlowTimes};
pub use folder::{FAMILY, FLOW_FAMILY};
pub use network::{EventNetwork, TimeNetwork};
pub use partial::Inpainting;
pub use prediction::{Level, Prediction, Weighting};
pub use process::Process;
pub use reflow::{PairBatch, Pairs, Reflow, ReflowDraws};
pub use sampling::SamplingConfig;

/// Samplers, schedules, noise levels and solvers.
pub use pyrogen_solve as solve;
