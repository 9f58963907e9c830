//! One file a family.

pub mod diffusion;
mod gradient;
pub mod ladder_vae;
pub mod stepwise;
pub mod vae;
pub mod vq_vae;
