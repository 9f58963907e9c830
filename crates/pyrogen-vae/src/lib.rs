#![doc = include_str!("../README.md")]

mod bounds;
mod capability;
mod config;
mod decoder;
mod folder;
mod running;
mod score;
mod vae;

pub use config::{Bound, Decoder, Scale, VaeConfig};
pub use decoder::DecoderDistribution;
pub use folder::FAMILY;
pub use vae::Vae;
