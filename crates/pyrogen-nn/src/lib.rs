#![doc = include_str!("../README.md")]

mod activation;
mod batch_norm;
mod bound;
mod cache;
mod conv;
mod dit;
pub mod forward;
mod gru;
mod labels;
mod layer_norm;
mod layers;
mod lstm;
mod mlp;
mod network;
mod time;
mod time_mlp;
pub mod unet;

pub use activation::Activation;
pub use batch_norm::BatchNorm;
pub use bound::soft_bound;
pub use cache::KeyValueCache;
pub use conv::{ConvConfig, ConvDecoder, ConvEncoder};
pub use dit::{Dit, DitBlock, DitConfig};
pub use gru::Gru;
pub use labels::one_hot;
pub use layer_norm::LayerNorm;
pub use layers::{conv_transpose2d, conv2d, group_norm, linear};
pub use lstm::Lstm;
pub use mlp::{Mlp, MlpConfig};
pub use network::{EventDecoder, EventEncoder, Network};
pub use time::{TimeEmbedding, TimeEncoding};
pub use time_mlp::{TimeMlp, TimeMlpConfig};
pub use unet::{UNet, UNetConfig};

/// Tensor operations with fast forms for the CPU.
pub use pyrogen_ops as ops;
