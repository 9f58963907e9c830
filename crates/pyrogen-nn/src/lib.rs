#![doc = include_str!("../README.md")]

mod activation;
mod bound;
mod conv;
pub mod forward;
mod labels;
mod layer_norm;
mod layers;
mod lstm;
mod mlp;
mod network;

pub use activation::Activation;
pub use bound::soft_bound;
pub use conv::{ConvConfig, ConvDecoder, ConvEncoder};
pub use labels::one_hot;
pub use layer_norm::LayerNorm;
pub use layers::{conv_transpose2d, conv2d, linear};
pub use lstm::Lstm;
pub use mlp::{Mlp, MlpConfig};
pub use network::{EventDecoder, EventEncoder, Network};

/// Tensor operations with fast forms for the CPU.
pub use pyrogen_ops as ops;
