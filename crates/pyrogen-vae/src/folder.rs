//! Saving and loading.

use pyrogen_core::model_folder;

use crate::{LadderConfig, LadderVae, Vae, VaeConfig, VqConfig, VqVae};

/// The family's name of a [`Vae`] in model folders.
pub const FAMILY: &str = "vae";

/// The family's name of a [`LadderVae`] in model folders.
pub const LADDER_FAMILY: &str = "ladder-vae";

/// The family's name of a [`VqVae`] in model folders.
pub const VQ_FAMILY: &str = "vq-vae";

model_folder!(Vae, VaeConfig, FAMILY);
model_folder!(LadderVae, LadderConfig, LADDER_FAMILY);
model_folder!(VqVae, VqConfig, VQ_FAMILY);
