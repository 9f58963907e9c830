//! From images to features.

use burn::tensor::Tensor;

use crate::features::read;
use crate::{Features, MetricError};

/// Values outside 0 to 1 by less than this come from rescaling in f32 and are let through.
const ROUNDING: f32 = 1e-4;

/// Turns images into the features that metrics compare.
///
/// # Shapes
/// Images are `[n, channels, height, width]` with values from 0 to 1 (up to 1e-4 of rounding).
pub trait FeatureExtractor {
    /// What the features are, with a version: it stands in every signature, and features of
    /// different names are not compared. Visible characters without `|`.
    fn name(&self) -> &str;

    /// Number of features of one image.
    fn dim(&self) -> usize;

    /// The features of each image, in order. Large sets are worked through in batches.
    ///
    /// # Errors
    /// Images of a shape that the extractor does not take, values outside 0 to 1, or none at all.
    fn features(&self, images: Tensor<4>) -> Result<Features, MetricError>;
}

/// The pixels themselves, row by row, widened to f64.
///
/// Distances between pixels say little about large images; they are a fair check for small ones
/// and need no network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_metrics::{FeatureExtractor, RawPixels};
///
/// let pixels = RawPixels::new(1, 8, 8);
/// assert_eq!((pixels.name(), pixels.dim()), ("pixels-1x8x8-v1", 64));
/// let features = pixels.features(Tensor::zeros([3, 1, 8, 8], &Device::flex()))?;
/// assert_eq!((features.rows(), features.cols()), (3, 64));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPixels {
    name: String,
    shape: [usize; 3],
}

impl RawPixels {
    /// Pixels of images of this shape.
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            name: format!("pixels-{channels}x{height}x{width}-v1"),
            shape: [channels, height, width],
        }
    }
}

impl FeatureExtractor for RawPixels {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        self.shape.iter().product()
    }

    fn features(&self, images: Tensor<4>) -> Result<Features, MetricError> {
        let got = images.dims();
        if got[1..] != self.shape {
            return Err(MetricError::Images {
                extractor: self.name.clone(),
                expected: format!("shape {:?}", self.shape),
                got,
            });
        }
        let (n, dim) = (got[0], self.dim());
        let pixels = read_pixels(&self.name, images, 0)?;
        let values = pixels.into_iter().map(f64::from).collect();
        Features::new(values, n, dim)?.named(self.name.clone())
    }
}

/// The values of images on the host; `first` is the number of the first image in messages.
pub(crate) fn read_pixels(
    extractor: &str,
    images: Tensor<4>,
    first: usize,
) -> Result<Vec<f32>, MetricError> {
    let [_, channels, height, width] = images.dims();
    let values: Vec<f32> = read(images)?;
    // NaN is in no range.
    let allowed = -ROUNDING..=1.0 + ROUNDING;
    match values.iter().position(|v| !allowed.contains(v)) {
        None => Ok(values),
        Some(at) => Err(MetricError::PixelRange {
            extractor: extractor.to_string(),
            image: first + at / (channels * height * width),
            value: values[at],
        }),
    }
}
