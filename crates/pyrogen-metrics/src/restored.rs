//! Pictures beside what was made of them.

use crate::MetricError;
use crate::Signature;

/// Original pictures and what a model restored, enlarged or painted in their place: checked once,
/// for [`psnr`](crate::psnr()) and [`ssim`](crate::ssim()).
///
/// Values are on the host, picture by picture, `[n, channels, height, width]`. The range is the
/// difference between white and black: 1 for values from 0 to 1, 255 for bytes. Values may leave it.
///
/// ```
/// use pyrogen_metrics::{Restored, psnr, ssim};
///
/// let original: Vec<f32> = (0..64).map(|i| (i % 8) as f32 / 7.0).collect();
/// let darker: Vec<f32> = original.iter().map(|v| v - 0.1).collect();
/// let pictures = Restored::new(&original, &darker, [1, 1, 8, 8], 1.0)?;
/// assert!((psnr(&pictures).mean() - 20.0).abs() < 1e-5); // -10 log10 of 0.1 squared
/// assert!(ssim(&pictures)?.mean() > 0.8);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Restored<'a> {
    original: &'a [f32],
    restored: &'a [f32],
    shape: [usize; 4],
    range: f64,
}

impl<'a> Restored<'a> {
    /// Pictures of the shape `[n, channels, height, width]`.
    ///
    /// # Errors
    /// No pictures, another number of values than the shape has, a value that is not finite, or a
    /// range that is not a positive number.
    pub fn new(
        original: &'a [f32],
        restored: &'a [f32],
        shape: [usize; 4],
        range: f64,
    ) -> Result<Self, MetricError> {
        let values = shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side));
        let lengths = [original.len(), restored.len()];
        if lengths.contains(&0) || lengths.map(Some) != [values; 2] {
            return Err(MetricError::Restored { shape, got: lengths });
        }
        for (set, pixels) in [("original", original), ("restored", restored)] {
            if let Some(at) = pixels.iter().position(|v| !v.is_finite()) {
                let picture = at / (original.len() / shape[0]);
                return Err(MetricError::Pixel { set, picture, value: pixels[at] });
            }
        }
        if !(range.is_finite() && range > 0.0) {
            return Err(MetricError::Option {
                metric: "restored pictures",
                option: "range",
                expected: "a positive number".into(),
                got: range.to_string(),
            });
        }
        Ok(Self { original, restored, shape, range })
    }

    /// Number of pictures, channels, height and width.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// White less black.
    pub fn range(&self) -> f64 {
        self.range
    }

    /// The pictures one by one, each original with what was made of it.
    pub(crate) fn pairs(&self) -> Vec<[&'a [f32]; 2]> {
        let size = self.original.len() / self.shape[0];
        let both = self.original.chunks_exact(size).zip(self.restored.chunks_exact(size));
        both.map(|(a, b)| [a, b]).collect()
    }

    /// A signature of these pictures.
    pub(crate) fn signature(&self, metric: &str) -> Signature {
        let [n, channels, height, width] = self.shape;
        Signature::new(metric)
            .with("pictures", n)
            .with("shape", format!("{channels}x{height}x{width}"))
            .with("range", self.range)
    }
}

/// The mean of some numbers.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_are_no_pairs_of_pictures_is_an_error() {
        let values = [0.5; 8];
        let mut broken = values;
        broken[5] = f32::NAN;
        let says = |original: &[f32], restored: &[f32], shape, range| {
            Restored::new(original, restored, shape, range).unwrap_err().to_string()
        };
        let shape = [2, 1, 2, 2];
        assert_eq!(
            says(&values, &values[..4], shape, 1.0),
            "restored pictures: [n, channels, height, width] = [2, 1, 2, 2] needs as many values, \
             got 8 of the originals and 4 of the restored; give both whole"
        );
        assert!(says(&[], &[], [0, 1, 2, 2], 1.0).contains("got 0 of the originals"));
        assert!(says(&values, &values, [usize::MAX, 2, 2, 2], 1.0).contains("got 8"));
        let nan = says(&values, &broken, shape, 1.0);
        assert!(nan.contains("picture 1 of the restored set has the value NaN"), "{nan}");
        for range in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            let error = says(&values, &values, shape, range);
            assert!(error.contains("`range` must be a positive number"), "{error}");
        }
    }
}
