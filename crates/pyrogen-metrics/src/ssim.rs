//! The structural similarity of pictures.

use rayon::prelude::*;

use crate::restored::mean;
use crate::{MetricError, MetricReport, Restored, Signature};

/// Its name.
const METRIC: &str = "ssim";

/// Pixels of the window to each side of its middle, and its standard deviation.
const REACH: usize = 5;
const SIGMA: f64 = 1.5;

/// Shares of the range that keep the quotients finite.
const K1: f64 = 0.01;
const K2: f64 = 0.03;

/// Structural similarities of restored pictures: 1 where they equal their originals, about 0 where
/// nothing agrees.
#[derive(Debug, Clone, PartialEq)]
pub struct Ssim {
    /// Of each picture.
    pub pictures: Vec<f64>,
    signature: Signature,
}

/// The structural similarity of each picture: the mean over its places and channels of
///
/// ```text
/// SSIM = (2 mean_a mean_b + c1) (2 cov_ab + c2)
///        / ((mean_a^2 + mean_b^2 + c1) (var_a + var_b + c2))
/// c1 = (0.01 range)^2    c2 = (0.03 range)^2
/// ```
///
/// with the moments in a window around each place, 11 by 11 pixels with weights of a normal law of
/// standard deviation 1.5.
///
/// At the border the picture goes on mirrored (its last line is not repeated), so that each place has
/// a whole window and small pictures have a value, too; that of torchmetrics. The authors' program
/// leaves out the five outer lines, which a picture of 8x8 has nothing left of.
///
/// # Errors
/// Pictures of fewer than six pixels a side, which cannot be mirrored that far.
///
/// # Numerics
/// In f64; variances are at least 0.
///
/// # References
/// Wang, Bovik, Sheikh and Simoncelli (2004), "Image quality assessment: from error visibility to
/// structural similarity", eqs. 13 to 17.
pub fn ssim(pictures: &Restored) -> Result<Ssim, MetricError> {
    let [_, _, height, width] = pictures.shape();
    if height.min(width) <= REACH {
        return Err(MetricError::Option {
            metric: METRIC,
            option: "height and width",
            expected: format!("at least {} pixels", REACH + 1),
            got: format!("{height}x{width}"),
        });
    }
    let window = Window::new([height, width]);
    let c = [K1, K2].map(|k| (k * pictures.range()).powi(2));
    let similarity = |[a, b]: &[&[f32]; 2]| -> f64 {
        let planes = a.chunks_exact(height * width).zip(b.chunks_exact(height * width));
        let of_planes: Vec<f64> = planes.map(|(a, b)| window.similarity(a, b, c)).collect();
        mean(&of_planes)
    };
    let signature = pictures
        .signature(METRIC)
        .with("window", format!("{}x{SIGMA}", 2 * REACH + 1))
        .with("border", "mirrored")
        .with_version();
    Ok(Ssim { pictures: pictures.pairs().par_iter().map(similarity).collect(), signature })
}

impl Ssim {
    /// The mean over the pictures.
    pub fn mean(&self) -> f64 {
        mean(&self.pictures)
    }

    /// The mean with its signature.
    pub fn report(&self) -> MetricReport {
        MetricReport::new(self.signature.clone(), &[(METRIC, self.mean())])
    }
}

/// Weighted means around each place of a plane.
struct Window {
    weights: Vec<f64>,
    /// The places that the window's lines and columns are at, line after line.
    rows: Vec<usize>,
    columns: Vec<usize>,
    size: [usize; 2],
}

impl Window {
    fn new([height, width]: [usize; 2]) -> Self {
        let at = |i: usize| (-0.5 * ((i as f64 - REACH as f64) / SIGMA).powi(2)).exp();
        let weights: Vec<f64> = (0..=2 * REACH).map(at).collect();
        let total: f64 = weights.iter().sum();
        Self {
            weights: weights.into_iter().map(|w| w / total).collect(),
            rows: mirrored(height),
            columns: mirrored(width),
            size: [height, width],
        }
    }

    /// The mean over the places.
    fn similarity(&self, a: &[f32], b: &[f32], [c1, c2]: [f64; 2]) -> f64 {
        let of = |f: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            let values = a.iter().zip(b).map(|(a, b)| f(f64::from(*a), f64::from(*b)));
            self.means(&values.collect::<Vec<f64>>())
        };
        let (mean_a, mean_b) = (of(&|a, _| a), of(&|_, b| b));
        let (aa, bb, ab) = (of(&|a, _| a * a), of(&|_, b| b * b), of(&|a, b| a * b));
        let place = |i: usize| {
            let (a, b) = (mean_a[i], mean_b[i]);
            let variances = (aa[i] - a * a).max(0.0) + (bb[i] - b * b).max(0.0);
            let covariance = ab[i] - a * b;
            (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (variances + c2))
        };
        let all: Vec<f64> = (0..a.len()).map(place).collect();
        mean(&all)
    }

    /// Line by line, then column by column.
    fn means(&self, plane: &[f64]) -> Vec<f64> {
        let ([height, width], span) = (self.size, self.weights.len());
        let mut across = vec![0.0; plane.len()];
        let mut both = vec![0.0; plane.len()];
        for i in 0..height {
            for j in 0..width {
                let places = &self.columns[j * span..][..span];
                let values = self.weights.iter().zip(places);
                across[i * width + j] = values.map(|(w, &k)| w * plane[i * width + k]).sum();
            }
        }
        for i in 0..height {
            let places = &self.rows[i * span..][..span];
            for (w, &k) in self.weights.iter().zip(places) {
                for j in 0..width {
                    both[i * width + j] += w * across[k * width + j];
                }
            }
        }
        both
    }
}

/// For each place of a line the places of its window.
fn mirrored(side: usize) -> Vec<usize> {
    let inside = |at: usize| {
        // Counted from REACH before the line.
        let before = REACH.saturating_sub(at);
        let at = at.max(REACH) - REACH + before;
        if at < side { at } else { 2 * (side - 1) - at }
    };
    (0..side).flat_map(|i| (0..=2 * REACH).map(move |k| inside(i + k))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of 121 products of numbers up to 1.
    const ROUNDING: f64 = 1e-12;

    fn of(a: &[f32], b: &[f32], shape: [usize; 4]) -> Ssim {
        ssim(&Restored::new(a, b, shape, 1.0).unwrap()).unwrap()
    }

    #[test]
    fn lines_are_mirrored_without_their_ends() {
        let places = mirrored(6);
        assert_eq!(places[..11], [5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5]);
        assert_eq!(places[55..], [0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn equal_pictures_have_one_and_order_does_not_matter() {
        let a: Vec<f32> = (0..3 * 70).map(|i| (i * 37 % 19) as f32 / 18.0).collect();
        let b: Vec<f32> = a.iter().map(|v| 1.0 - v).collect();
        let shape = [1, 3, 7, 10];
        assert!((of(&a, &a, shape).mean() - 1.0).abs() < ROUNDING);
        let opposite = of(&a, &b, shape).mean();
        assert!(opposite < 0.0, "a negative is worse than nothing: {opposite}");
        assert!((opposite - of(&b, &a, shape).mean()).abs() < ROUNDING);
    }

    #[test]
    fn plain_pictures_differ_by_their_brightness_alone() {
        let (a, b) = ([0.2f32; 36], [0.6f32; 36]);
        let (x, y) = (f64::from(0.2f32), f64::from(0.6f32));
        let expected = (2.0 * x * y + 1e-4) / (x * x + y * y + 1e-4);
        let got = of(&a, &b, [1, 1, 6, 6]).mean();
        assert!((got - expected).abs() < ROUNDING, "{got}, {expected}");
    }

    #[test]
    fn pictures_that_are_too_small_are_an_error() {
        let error = ssim(&Restored::new(&[0.0; 40], &[0.0; 40], [1, 1, 5, 8], 1.0).unwrap());
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "ssim: `height and width` must be at least 6 pixels, got 5x8");
    }
}
