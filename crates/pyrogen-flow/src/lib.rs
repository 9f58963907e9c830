#![doc = include_str!("../README.md")]

mod capability;
mod config;
#[cfg(feature = "model")]
pub mod family;
mod flow;
mod folder;
mod layer;
mod made;
mod numbers;
mod report;

pub use config::{FlowKind, NormalizingFlowConfig, NumberMap, Order, SplineConfig};
pub use flow::{GivenFlow, NormalizingFlow};
pub use folder::FAMILIES;
pub use report::InverseReport;
