//! How much the examples of a batch differ.

use burn::tensor::Tensor;

/// Keeps the square root's slope finite where all examples agree.
const SMALLEST: f64 = 1e-8;

/// The maps with one more channel, everywhere the mean over channels and places of the standard
/// deviation over the batch (divided by the count): a discriminator sees from it that a generator
/// makes the same example again and again.
///
/// The batch is one group; where it is shared by workers each has its own.
///
/// # Shapes
/// `[batch, channels, height, width]` to `[batch, channels + 1, height, width]`.
///
/// # Numerics
/// The variance has 1e-8 added.
///
/// # References
/// Karras et al. 2018, "Progressive growing of GANs", section 3.
pub fn minibatch_deviation(x: Tensor<4>) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let centred = x.clone() - x.clone().mean_dim(0);
    let deviation = (centred.square().mean_dim(0) + SMALLEST).sqrt().mean();
    let channel = deviation.reshape([1, 1, 1, 1]).expand([batch, 1, height, width]);
    Tensor::cat(vec![x, channel], 1)
}
