//! One file a family.

mod gradient;
pub mod ladder_vae;
pub mod vae;
pub mod vq_vae;
