//! Layers with weights from a noise stream, for what `pyrogen-nn` has no constructor for.

use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, GroupNorm, GroupNormConfig, PaddingConfig2d};
use burn::tensor::Device;
use pyrogen::core::{Noise, init};
use pyrogen_nn::LayerNorm;

pub use pyrogen::nn::linear;

/// A convolution with a square kernel.
pub fn conv(
    channels: [usize; 2],
    [kernel, stride, padding]: [usize; 3],
    noise: &mut Noise,
    device: &Device,
) -> Conv2d {
    let config = Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding));
    pyrogen::nn::conv2d(&config, noise, device)
}

/// A transposed convolution with a square kernel.
pub fn conv_transpose(
    channels: [usize; 2],
    [kernel, stride, padding]: [usize; 3],
    noise: &mut Noise,
    device: &Device,
) -> ConvTranspose2d {
    let config = ConvTranspose2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding([padding; 2]);
    pyrogen::nn::conv_transpose2d(&config, noise, device)
}

/// Group norm with gain 1 and bias 0.
pub fn group_norm(groups: usize, channels: usize, device: &Device) -> GroupNorm {
    GroupNormConfig::new(groups, channels).init(device)
}

/// Layer norm with gain 1 and bias 0.
pub fn layer_norm(width: usize, device: &Device) -> LayerNorm {
    LayerNorm::new(width, device)
}

/// An embedding with normal entries of standard deviation 0.02.
pub fn embedding(tokens: usize, width: usize, noise: &mut Noise, device: &Device) -> Embedding {
    let mut layer = EmbeddingConfig::new(tokens, width).init(device);
    layer.weight = init::normal([tokens, width], 0.02, noise, device);
    layer
}
