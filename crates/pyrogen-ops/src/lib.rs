#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(all(feature = "autodiff", any(feature = "flex", feature = "gpu"))),
    allow(dead_code, reason = "no backend takes gradients of one's own")
)]

mod attention;
mod attention_device;
mod attention_grouped;
mod batch_norm;
mod channels;
mod conv;
mod cross_entropy;
mod density;
mod device;
mod elementwise;
mod gated;
mod group_norm;
mod head_norm;
mod int8;
mod layer_norm;
mod linear;
mod lstm;
mod nearest;
mod normalise_device;
mod orthogonalise;
mod rms_norm;
mod rotary;
mod softmax;
mod spline;
mod sum;

#[cfg(feature = "flex")]
mod gemm;
#[cfg(feature = "flex")]
mod ground;
#[cfg(feature = "flex")]
mod host;
#[cfg(feature = "flex")]
mod parallel;
#[cfg(feature = "flex")]
mod product;
#[cfg(feature = "flex")]
mod scalar;
#[cfg(feature = "flex")]
mod spare;
#[cfg(feature = "flex")]
mod sums;
#[cfg(feature = "flex")]
mod tiles;
#[cfg(feature = "flex")]
mod windows;
#[cfg(feature = "flex")]
mod winograd;

pub use attention::{attention, cached_attention, self_attention};
pub use attention_grouped::AttentionHeads;
pub use batch_norm::{BatchNormalised, batch_norm, batch_norm_by};
pub use channels::{add_channels, upsample_nearest};
pub use conv::{conv_transpose2d, conv2d};
pub use cross_entropy::cross_entropy;
pub use density::{gamma_log_density, log_softmax_at, normal_log_density, whitened_square};
pub use elementwise::{
    Elementwise, exp, gelu, gelu_tanh, leaky_relu, sigmoid, silu, softplus, tanh,
};
pub use gated::gated_silu;
pub use group_norm::{group_norm, group_norm_silu};
pub use head_norm::query_key_norm;
pub use int8::Int8Matrix;
pub use layer_norm::layer_norm;
pub use linear::{LinearMap, linear, matmul};
pub use lstm::{LstmWeights, lstm};
pub use nearest::nearest;
pub use orthogonalise::orthogonalise;
pub use rms_norm::rms_norm;
pub use rotary::Rotation;
pub use softmax::{log_softmax, softmax};
pub use spline::{SplineShape, spline};
pub use sum::sum;
