//! The peak signal-to-noise ratio.

use crate::restored::mean;
use crate::{MetricError, MetricReport, Restored, Signature};

/// Its name.
const METRIC: &str = "psnr";

/// Peak signal-to-noise ratios of restored pictures, in decibels; more is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Psnr {
    /// Of each picture; infinite where it equals its original.
    pub pictures: Vec<f64>,
    /// Of all pixels of all pictures together. It is the mean over the pictures' errors before the
    /// logarithm, and so lower than [`mean`](Self::mean).
    pub pooled: f64,
    signature: Signature,
}

/// The peak signal-to-noise ratio of each picture, and of all together.
///
/// ```text
/// PSNR = 10 log10(range^2 / mean((original - restored)^2))
/// ```
///
/// # Units
/// Decibels. 20 is an error of a tenth of the range, 40 of a hundredth.
///
/// # Numerics
/// In f64.
///
/// # References
/// Huynh-Thu and Ghanbari (2008), "Scope of validity of PSNR in image/video quality assessment". The
/// pooled value is `peak_signal_noise_ratio` of torchmetrics as it is called without `dim`, the mean
/// over pictures the same with `dim=(1, 2, 3)`.
pub fn psnr(pictures: &Restored) -> Psnr {
    let errors: Vec<f64> = pictures.pairs().iter().map(|[a, b]| squared_error(a, b)).collect();
    let range = pictures.range();
    Psnr {
        pooled: decibels(mean(&errors), range),
        pictures: errors.into_iter().map(|error| decibels(error, range)).collect(),
        signature: pictures.signature(METRIC).with_version(),
    }
}

/// The peak signal-to-noise ratio that belongs to a mean squared error: for errors over a part of the
/// pixels.
///
/// ```
/// assert_eq!(pyrogen_metrics::decibels(0.01, 1.0), 20.0);
/// ```
pub fn decibels(mean_squared_error: f64, range: f64) -> f64 {
    20.0 * range.log10() - 10.0 * mean_squared_error.log10()
}

fn squared_error(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / a.len() as f64
}

impl Psnr {
    /// The mean over the pictures, as papers report it; infinite if one equals its original.
    pub fn mean(&self) -> f64 {
        mean(&self.pictures)
    }

    /// Both numbers with their signature: `psnr`, the mean, and `psnr_pooled`.
    ///
    /// # Errors
    /// A picture that equals its original: the mean is infinite then.
    pub fn report(&self) -> Result<MetricReport, MetricError> {
        if let Some(picture) = self.pictures.iter().position(|v| v.is_infinite()) {
            return Err(MetricError::Equal { picture });
        }
        let values = [(METRIC, self.mean()), ("psnr_pooled", self.pooled)];
        Ok(MetricReport::new(self.signature.clone(), &values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logarithms in f64.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn the_range_is_the_peak_and_equal_pictures_have_no_noise() {
        let (a, b) = ([0.0f32, 10.0, 20.0, 30.0], [1.0f32, 11.0, 20.0, 30.0]);
        let of = |range| psnr(&Restored::new(&a, &b, [2, 1, 1, 2], range).unwrap());
        let got = of(10.0);
        assert_eq!(got.pictures, [20.0, f64::INFINITY]);
        // Twice the range is 6.02 more.
        let more = of(20.0).pooled - got.pooled;
        assert!((more - 20.0 * 2f64.log10()).abs() < ROUNDING, "{more}");
        let error = got.report().unwrap_err().to_string();
        assert!(error.starts_with("psnr: picture 1 equals its original"), "{error}");
        let report = psnr(&Restored::new(&a[..2], &b[..2], [1, 1, 1, 2], 10.0).unwrap());
        let report = report.report().unwrap();
        assert_eq!((report.get("psnr"), report.get("psnr_pooled")), (Some(20.0), Some(20.0)));
        let signature = report.signature().to_string();
        assert!(signature.starts_with("psnr|pictures:1|shape:1x1x2|range:10|"), "{signature}");
    }
}
