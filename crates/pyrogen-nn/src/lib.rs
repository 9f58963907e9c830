#![doc = include_str!("../README.md")]

mod activation;
mod bound;
mod conv;
mod labels;
mod layers;
mod mlp;
mod network;

pub use activation::Activation;
pub use bound::soft_bound;
pub use conv::{ConvConfig, ConvDecoder, ConvEncoder};
pub use labels::one_hot;
pub use layers::{conv_transpose2d, conv2d, linear};
pub use mlp::{Mlp, MlpConfig};
pub use network::{EventDecoder, EventEncoder, Network};
