//! How much the examples of a batch differ.

use burn::tensor::Tensor;

use crate::dual::Dual;

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
    with_deviation(Dual::plain(x)).value
}

/// [`minibatch_deviation`], and its derivative along a direction.
pub(crate) fn with_deviation(x: Dual<4>) -> Dual<4> {
    let Dual { value, tangent } = x;
    let [batch, _, height, width] = value.dims();
    let channel =
        |number: Tensor<1>| number.reshape([1, 1, 1, 1]).expand([batch, 1, height, width]);
    let centred = value.clone() - value.clone().mean_dim(0);
    let deviation = (centred.clone().square().mean_dim(0) + SMALLEST).sqrt();
    let tangent = tangent.map(|t| {
        let rise = (centred * t.clone()).mean_dim(0) / deviation.clone();
        Tensor::cat(vec![t, channel(rise.mean())], 1)
    });
    Dual { value: Tensor::cat(vec![value, channel(deviation.mean())], 1), tangent }
}
