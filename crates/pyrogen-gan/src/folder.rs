//! Saving and loading.

use pyrogen_core::model_folder;

use crate::{Gan, GanConfig};

/// The family's name in model folders.
pub const FAMILY: &str = "gan";

model_folder!(Gan, GanConfig, FAMILY);
