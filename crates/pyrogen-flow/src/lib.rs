#![doc = include_str!("../README.md")]

mod amortised;
mod capability;
mod config;
mod exact;
#[cfg(feature = "model")]
pub mod family;
mod flow;
mod folder;
mod glow;
mod kind;
mod layer;
mod made;
mod number_map;
mod numbers;
mod ode;
mod planar;
mod report;
mod root;
mod sigmoids;
mod sylvester;

pub use config::{NormalizingFlowConfig, Order};
pub use flow::{GivenFlow, NormalizingFlow};
pub use folder::{FAMILIES, GLOW_FAMILY};
pub use glow::{GivenGlow, Glow, GlowConfig};
pub use kind::{ContinuousConfig, FlowKind};
pub use number_map::{NumberMap, SplineConfig};
pub use report::InverseReport;
