#![doc = include_str!("../README.md")]

mod capability;
mod condition;
mod config;
mod decoder;
#[cfg(feature = "model")]
pub mod family;
mod folder;
mod ladder;
mod numerics;
mod objective;
mod prior;
mod running;
mod score;
mod start;
mod vae;
mod vq;

pub use config::VaeConfig;
pub use decoder::{
    ColoursDistribution, Column, ColumnsDistribution, Decoder, DecoderDistribution, Levels, Scale,
};
pub use folder::{FAMILY, LADDER_FAMILY, VQ_FAMILY};
pub use ladder::{LadderConfig, LadderVae};
pub use objective::{BetaTc, Factor, Info, Kernel, TcEstimator, VaeObjective, Wae};
pub use prior::Prior;
pub use vae::Vae;
pub use vq::{CodeLearning, CodeReport, VqConfig, VqNetwork, VqVae};
