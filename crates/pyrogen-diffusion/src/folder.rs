//! Saving and loading.

use pyrogen_core::model_folder;

use crate::{Diffusion, DiffusionConfig};

/// The family's name of a [`Diffusion`] model in model folders.
pub const FAMILY: &str = "diffusion";

model_folder!(Diffusion, DiffusionConfig, FAMILY);
