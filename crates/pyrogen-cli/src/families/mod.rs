//! One file a family.

pub mod diffusion;
pub mod gan;
mod gradient;
pub mod ladder_vae;
mod players;
pub mod stepwise;
pub mod vae;
pub mod vq_vae;
