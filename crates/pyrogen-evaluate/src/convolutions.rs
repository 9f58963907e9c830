//! Pictures in the features of random convolutions.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::Seed;
use pyrogen_data::{Data, Modality};
use pyrogen_metrics::{FeatureExtractor, Features, MetricError, RandomConvolutions};
use sha2::{Digest, Sha256};

use crate::embedding::wrong_items;

/// Real pictures that the scales are taken from at most.
const FITTED: usize = 2000;

/// A feature that varies less than this share of the median of all features is divided by that share: it
/// would else be mostly rounding.
const FLOOR: f64 = 0.1;

/// The features of [`RandomConvolutions`], each divided by its standard deviation over real pictures, so that
/// faint textures count as much as bright areas. The name has the hash of the scales.
#[derive(Debug, Clone)]
pub struct ConvolutionEmbedding {
    network: Arc<RandomConvolutions>,
    scales: Vec<f64>,
    name: String,
}

impl ConvolutionEmbedding {
    /// The embedding for pictures like these, real ones: random 2000 of them where there are more.
    ///
    /// # Errors
    /// Items that are no pictures, or pixels that are not finite.
    pub fn fit(real: &Data, device: &Device) -> Result<Self, MetricError> {
        let shape = real.raw_rows().map(|rows| rows.event_shape().to_vec());
        let Some(&[channels, height, width]) =
            shape.as_deref().filter(|_| real.modality() == Modality::Pictures)
        else {
            return Err(wrong_items("pictures", real));
        };
        let network = RandomConvolutions::new(channels, [height, width], device);
        let raw = pictures(&network, &real.take_random(FITTED, Seed(0)), device)?;
        let scales = scales(&raw);
        let name = format!("{}:{}", network.name(), hash(&scales));
        Ok(Self { network: Arc::new(network), scales, name })
    }

    /// The name, with the hash of what was fitted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Features of pictures, which may have another size.
    ///
    /// # Errors
    /// Items that are no pictures, or of other channels, or pixels that are not finite.
    pub fn features(&self, items: &Data, device: &Device) -> Result<Features, MetricError> {
        let raw = pictures(&self.network, items, device)?;
        let scaled = |(v, scale): (&f64, &f64)| v / scale;
        let values = raw.values().iter().zip(self.scales.iter().cycle()).map(scaled).collect();
        Features::new(values, raw.rows(), raw.cols())?.named(self.name.clone())
    }
}

/// Features as the network gives them.
fn pictures(
    network: &RandomConvolutions,
    items: &Data,
    device: &Device,
) -> Result<Features, MetricError> {
    let rows = items.dataset().ok_or_else(|| wrong_items("pictures", items))?;
    let &[channels, height, width] = rows.event_shape() else {
        return Err(wrong_items("pictures", items));
    };
    let unit = rows.layout().to_unit(rows.values());
    let images = TensorData::new(unit, [rows.len(), channels, height, width]);
    network.features(Tensor::<4>::from_data(images, device))
}

/// The standard deviation of each column, or the floor.
fn scales(features: &Features) -> Vec<f64> {
    let n = features.rows() as f64;
    let deviation = |j: usize| {
        let column = || features.values().iter().skip(j).step_by(features.cols());
        let mean = column().sum::<f64>() / n;
        (column().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    let found: Vec<f64> = (0..features.cols()).map(deviation).collect();
    let mut sorted = found.clone();
    sorted.sort_by(f64::total_cmp);
    let floor = FLOOR * sorted[sorted.len() / 2];
    // Pictures that are all the same have no deviation.
    let floor = if floor > 0.0 { floor } else { 1.0 };
    found.into_iter().map(|scale| scale.max(floor)).collect()
}

fn hash(scales: &[f64]) -> String {
    let mut hash = Sha256::new();
    // Rounding differs from device to device.
    scales.iter().for_each(|scale| hash.update(format!("{scale:.3e} ")));
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Noise;
    use pyrogen_data::{Dataset, Layout};
    use pyrogen_metrics::frechet;

    use super::*;

    /// Grey pictures of 16 x 16, 256 levels: bars of one of two directions at a place of their own, with
    /// `noise` on each pixel; a share of `across` has the second direction.
    fn bars(n: usize, across: f64, noise: f64, seed: u64) -> Data {
        let mut draws = Noise::new(Seed(seed));
        let (places, pixels) = (draws.uniform_vec(2 * n), draws.normal_vec(n * 256));
        let pixel = |(k, z): (usize, &f64)| {
            let (i, y, x) = (k / 256, k / 16 % 16, k % 16);
            let along = if places[2 * i] < across { y } else { x };
            let distance = (along as f64 - 2.0 - 12.0 * places[2 * i + 1]).abs();
            ((if distance < 2.0 { 200.0 } else { 30.0 }) + noise * z).clamp(0.0, 255.0).round()
                as f32
        };
        let values = pixels.iter().enumerate().map(pixel).collect();
        let layout = Layout { event: vec![1, 16, 16], levels: Some(256), ..Layout::default() };
        Data::from_dataset(Dataset::from_rows(values, None, layout).unwrap())
    }

    /// Pictures with the mean and the covariance of pixels of others, and nothing else of them: mixtures of
    /// random pairs, which blend their bars.
    fn blends(of: &Data, n: usize) -> Data {
        let rows = of.dataset().unwrap();
        let mean: Vec<f32> = (0..256)
            .map(|j| rows.values().iter().skip(j).step_by(256).sum::<f32>() / rows.len() as f32)
            .collect();
        let (a, b) = (
            Noise::new(Seed(5)).permutation(rows.len()),
            Noise::new(Seed(6)).permutation(rows.len()),
        );
        let value = |i: usize, j: usize| {
            let (p, q) = (rows.row(a[i])[j] - mean[j], rows.row(b[i])[j] - mean[j]);
            mean[j] + (p + q) * std::f32::consts::FRAC_1_SQRT_2
        };
        let values = (0..n * 256).map(|k| value(k / 256, k % 256).clamp(0.0, 255.0)).collect();
        Data::from_dataset(Dataset::from_rows(values, None, rows.layout().clone()).unwrap())
    }

    #[test]
    fn worse_pictures_are_farther_away() {
        let device = Device::flex();
        // Directions are unbalanced, nine to one.
        let real = bars(400, 0.1, 6.0, 1);
        let embedding = ConvolutionEmbedding::fit(&real, &device).unwrap();
        let features = |data: &Data| embedding.features(data, &device).unwrap();
        let own = features(&real);
        let distance = |data: &Data| frechet(&own, &features(data)).unwrap().distance();
        let ceiling = distance(&bars(400, 0.1, 6.0, 2));
        // Known amounts of noise, of a wrong mixture, of repeated pictures.
        let noisy = [12.0, 25.0, 60.0].map(|noise| distance(&bars(400, 0.1, noise, 2)));
        let mixed = [0.3, 0.6, 1.0].map(|across| distance(&bars(400, across, 6.0, 2)));
        let few = [40, 10, 2].map(|k| {
            let rows: Vec<usize> = (0..400).map(|i| i % k).collect();
            distance(&bars(400, 0.1, 6.0, 2).select(&rows))
        });
        for distances in [noisy, mixed, few] {
            assert!(ceiling < distances[0], "{ceiling} {distances:?}");
            assert!(distances.is_sorted(), "{distances:?}");
        }
        // Blends of pictures have the same pixels in the mean and in the square, and are no bars.
        let blended = blends(&bars(400, 0.1, 6.0, 2), 400);
        assert!(distance(&blended) > 3.0 * ceiling, "{} {ceiling}", distance(&blended));
    }

    #[test]
    fn the_name_says_what_was_fitted_and_order_does_not_matter() {
        let device = Device::flex();
        let real = bars(60, 0.5, 6.0, 1);
        let backwards = real.select(&(0..60).rev().collect::<Vec<_>>());
        let name =
            |data: &Data| ConvolutionEmbedding::fit(data, &device).unwrap().name().to_string();
        assert!(name(&real).starts_with("random-conv-1x32-v1:"), "{}", name(&real));
        assert_eq!(name(&real), name(&backwards));
        assert_ne!(name(&real), name(&bars(60, 0.5, 20.0, 1)));
        // One picture many times: nothing varies.
        let same = real.select(&[0; 20]);
        let features = ConvolutionEmbedding::fit(&same, &device).unwrap().features(&same, &device);
        assert_eq!(features.unwrap().rows(), 20);
        let points = Data::from_dataset(Dataset::from_parts(vec![1.0], vec![1], None).unwrap());
        let error = ConvolutionEmbedding::fit(&points, &device).unwrap_err();
        assert!(error.to_string().contains("pictures"), "{error}");
    }
}
