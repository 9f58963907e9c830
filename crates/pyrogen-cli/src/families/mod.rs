//! One file a family.

mod gradient;
pub mod vae;
