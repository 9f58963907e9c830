#![doc = include_str!("../README.md")]

mod amortised;
mod cells;
mod columns;
mod config;
#[cfg(feature = "model")]
pub mod family;
mod flow;
mod folder;
mod glow;
mod kind;
mod latent;
mod layer;
mod made;
mod maps;
mod noise;
mod number_map;
mod numbers;
mod ode;
mod picture;
mod planar;
mod report;
mod root;
mod sigmoids;
mod sylvester;
mod tarflow;

pub use cells::{Dequantisation, FeatureCells};
pub use columns::{Calibration, ConditionalFlow};
pub use config::{Base, NormalizingFlowConfig, Order};
pub use flow::{GivenFlow, NormalizingFlow};
pub use folder::{FAMILIES, GLOW_FAMILY, TARFLOW_FAMILY};
pub use glow::{GivenGlow, Glow, GlowConfig};
pub use kind::{ContinuousConfig, FlowKind};
pub use latent::LatentFlow;
pub use number_map::{NumberMap, SplineConfig, SplineTails};
pub use picture::Pixels;
pub use report::InverseReport;
pub use tarflow::{GivenTarFlow, TarFlow, TarFlowConfig};
