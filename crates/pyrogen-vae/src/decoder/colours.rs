//! Colour pictures whose channels depend on each other.

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use pyrogen_core::distribution::{ColourMixture, Distribution, Moments};

/// A [`ColourMixture`] for each pixel of flat pictures, independent over the pixels.
///
/// # Shapes
/// Values `[batch, 3 * pixels]`, all of red first; log-densities `[batch]`.
#[derive(Debug, Clone)]
pub struct ColoursDistribution {
    base: ColourMixture,
}

impl ColoursDistribution {
    pub(super) fn new(base: ColourMixture) -> Self {
        Self { base }
    }

    /// The distribution of the pixels, over `[batch, 3, pixels]`.
    pub fn pixels(&self) -> &ColourMixture {
        &self.base
    }
}

impl Distribution<2, 1> for ColoursDistribution {
    fn log_prob(&self, value: Tensor<2>) -> Tensor<1> {
        let [rows, features] = value.dims();
        let value = value.reshape([rows, 3, features / 3]);
        self.base.log_prob(value).sum_dim(1).squeeze_dim(1)
    }

    fn sample(&self, noise: &mut Noise) -> Tensor<2> {
        self.base.sample(noise).flatten(1, 2)
    }
}

impl Moments<2> for ColoursDistribution {
    fn mean(&self) -> Tensor<2> {
        self.base.mean().flatten(1, 2)
    }

    fn variance(&self) -> Tensor<2> {
        self.base.variance().flatten(1, 2)
    }
}
