//! Saving and loading.

use pyrogen_core::model_folder;

use crate::{Diffusion, DiffusionConfig, FlowConfig, FlowMatching};

/// The family's name of a [`Diffusion`] model in model folders.
pub const FAMILY: &str = "diffusion";

/// The family's name of a [`FlowMatching`] model in model folders.
pub const FLOW_FAMILY: &str = "flow-matching";

model_folder!(Diffusion, DiffusionConfig, FAMILY);
model_folder!(FlowMatching, FlowConfig, FLOW_FAMILY);
