//! Features of pictures from convolutions with random weights.

use burn::tensor::module::{adaptive_avg_pool2d, avg_pool2d, conv2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions};
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use pyrogen_core::parallel::batches;
use pyrogen_core::{Noise, Seed};

use crate::extractor::read_pixels;
use crate::features::read;
use crate::resize::resize_area;
use crate::{FeatureExtractor, Features, MetricError};

/// Channels of each stage.
const CHANNELS: [usize; 4] = [16, 32, 64, 64];
/// Stages of pictures that are seen at the small and at the large size.
const STAGES: [(usize, usize); 2] = [(32, 3), (64, 4)];
/// Pictures up to this side are seen at the small size.
const SMALL: usize = 48;
/// Height and width of a filter.
const KERNEL: usize = 3;
/// Squares along a side whose mean colours are features, and those of the first stage.
const COLOURS: usize = 4;
const QUARTERS: usize = 2;
/// Pictures that a core works on at once.
const BATCH: usize = 32;

/// Convolutions with fixed random weights: features of pictures of any kind, without training.
///
/// ```text
/// s_0 = x resized to 32 x 32 (64 x 64 where a side is above 48)
/// s_k = relu(conv(pool(s_(k-1)), w_k))       3 x 3, no padding; the mean of 2 x 2 before each but the first
/// features: means of s_0 over 4 x 4 squares; of s_1 over 2 x 2 squares, of the others over the picture;
///           the standard deviation of each channel of s_1, s_2, ... over the picture
/// ```
///
/// There are 3 stages of 16, 32 and 64 channels, at 64 x 64 a fourth of 64. Each filter is normal and of
/// norm 1; those of the first stage have a mean of 0 in each channel, so that they see edges, not brightness.
/// The weights are the same for ever: they are drawn from a seed that belongs to the name.
///
/// Such features tell colours and where they are, edges, textures and their mixture. They know nothing of
/// objects: a network that was trained on pictures like these tells more. The book's chapter on scoring has what
/// was measured.
///
/// # Shapes
/// Images are `[n, channels, height, width]` with values from 0 to 1. Other sizes are resized by area averaging,
/// whatever the ratio of their sides: detail that is finer than a 64th of a side is not seen.
///
/// # Numerics
/// f32 on the device; features are widened to f64.
///
/// # References
/// Saxe et al. 2011, "On random weights and unsupervised feature learning"; Naeem et al. 2020, section 4.1,
/// who compare samples in networks with random weights.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_metrics::{FeatureExtractor, RandomConvolutions};
///
/// let device = Device::flex();
/// let network = RandomConvolutions::new(3, [32, 32], &device);
/// assert_eq!((network.name(), network.dim()), ("random-conv-3x32-v1", 320));
/// let features = network.features(Tensor::zeros([2, 3, 32, 32], &device))?;
/// assert_eq!((features.rows(), features.cols()), (2, 320));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug)]
pub struct RandomConvolutions {
    name: String,
    channels: usize,
    /// Height and width that the filters see.
    side: usize,
    /// The filters of each stage, `[to, from, 3, 3]`.
    weights: Vec<Tensor<4>>,
    device: Device,
}

impl RandomConvolutions {
    /// The network for pictures of so many channels and about this height and width.
    ///
    /// # Panics
    /// If `channels` is 0.
    pub fn new(channels: usize, [height, width]: [usize; 2], device: &Device) -> Self {
        assert!(channels > 0, "RandomConvolutions: expected a channel or more, got 0");
        let device = device.clone().inner();
        let (side, stages) = STAGES[usize::from(height.max(width) > SMALL)];
        let name = format!("random-conv-{channels}x{side}-v1");
        let noise = Noise::new(Seed(0)).fork(&name);
        let mut from = channels;
        let mut weights = Vec::with_capacity(stages);
        for (k, &to) in CHANNELS[..stages].iter().enumerate() {
            let filters = filters(to, from, k == 0, &mut noise.fork_index(k as u64));
            let data = TensorData::new(filters, [to, from, KERNEL, KERNEL]);
            weights.push(Tensor::from_data(data, &device));
            from = to;
        }
        Self { name, channels, side, weights, device }
    }

    /// Features of pictures of the size that the filters see.
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let halves = AvgPoolOptions::new([2, 2]);
        let mut found = vec![adaptive_avg_pool2d(x.clone(), [COLOURS; 2]).flatten::<2>(1, 3)];
        let mut maps = x;
        for (k, weight) in self.weights.iter().enumerate() {
            if k > 0 {
                maps = avg_pool2d(maps, halves.clone());
            }
            let valid = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
            maps = relu(conv2d(maps, weight.clone(), None, valid));
            let squares = if k == 0 { QUARTERS } else { 1 };
            found.push(adaptive_avg_pool2d(maps.clone(), [squares; 2]).flatten::<2>(1, 3));
            let flat: Tensor<3> = maps.clone().flatten(2, 3);
            let apart = flat.clone() - flat.mean_dim(2);
            found.push(apart.square().mean_dim(2).sqrt().flatten::<2>(1, 2));
        }
        Tensor::cat(found, 1)
    }
}

/// Filters of norm 1, `[to, from, 3, 3]`; `centred` ones have a mean of 0 in each channel.
fn filters(to: usize, from: usize, centred: bool, noise: &mut Noise) -> Vec<f32> {
    let size = KERNEL * KERNEL;
    let mut values = noise.normal_vec(to * from * size);
    if centred {
        for plane in values.chunks_exact_mut(size) {
            let mean = plane.iter().sum::<f64>() / size as f64;
            plane.iter_mut().for_each(|v| *v -= mean);
        }
    }
    let norm = |filter: &[f64]| filter.iter().map(|v| v * v).sum::<f64>().sqrt();
    let unit = |filter: &[f64]| {
        let norm = norm(filter);
        filter.iter().map(|v| (v / norm) as f32).collect::<Vec<f32>>()
    };
    values.chunks_exact(from * size).flat_map(unit).collect()
}

impl FeatureExtractor for RandomConvolutions {
    fn name(&self) -> &str {
        &self.name
    }

    fn dim(&self) -> usize {
        let stages = &CHANNELS[..self.weights.len()];
        let means = stages.iter().sum::<usize>() + (QUARTERS * QUARTERS - 1) * CHANNELS[0];
        COLOURS * COLOURS * self.channels + means + stages.iter().sum::<usize>()
    }

    fn features(&self, images: Tensor<4>) -> Result<Features, MetricError> {
        let got = images.dims();
        let [n, channels, height, width] = got;
        if channels != self.channels || height == 0 || width == 0 {
            return Err(MetricError::Images {
                extractor: self.name.clone(),
                expected: format!("{} channels and at least one pixel", self.channels),
                got,
            });
        }
        let side = [self.side; 2];
        let batches = batches(n, BATCH, &self.device, |rows| {
            let pixels = images.clone().slice_dim(0, rows.clone());
            let pixels = read_pixels(&self.name, pixels, rows.start)?;
            let seen: Vec<f32> = match [height, width] == side {
                true => pixels,
                false => pixels
                    .chunks_exact(height * width)
                    .flat_map(|plane| resize_area(plane, [height, width], side))
                    .collect(),
            };
            let data = TensorData::new(seen, [rows.len(), channels, self.side, self.side]);
            read::<f64, 2>(self.forward(Tensor::from_data(data, &self.device)))
        });
        let values = batches.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        Features::new(values, n, self.dim())?.named(self.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of about a hundred products in f32, in another order.
    const F32: f64 = 2e-5;

    /// The features of one picture by loops in f64.
    fn slowly(network: &RandomConvolutions, picture: &[f32], side: usize) -> Vec<f64> {
        type Maps = Vec<Vec<Vec<f64>>>;
        let mean =
            |map: &Vec<Vec<f64>>, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
                let count = (rows.len() * cols.len()) as f64;
                rows.flat_map(|y| cols.clone().map(move |x| (y, x)))
                    .map(|(y, x)| map[y][x])
                    .sum::<f64>()
                    / count
            };
        let squares = |maps: &Maps, count: usize| -> Vec<f64> {
            let side = maps[0].len();
            assert_eq!(side % count, 0);
            let step = side / count;
            let span = |i: usize| i * step..(i + 1) * step;
            let of = |map| {
                (0..count * count).map(move |at| mean(map, span(at / count), span(at % count)))
            };
            maps.iter().flat_map(of).collect()
        };
        let at = |c: usize, y: usize, x: usize| f64::from(picture[(c * side + y) * side + x]);
        let row = |c, y| (0..side).map(|x| at(c, y, x)).collect::<Vec<f64>>();
        let mut maps: Maps =
            (0..network.channels).map(|c| (0..side).map(|y| row(c, y)).collect()).collect();
        let mut found = squares(&maps, 4);
        for (k, weight) in network.weights.iter().enumerate() {
            if k > 0 {
                let half = |map: &Vec<Vec<f64>>| -> Vec<Vec<f64>> {
                    let small = map.len() / 2;
                    let one = |y: usize, x: usize| mean(map, 2 * y..2 * y + 2, 2 * x..2 * x + 2);
                    (0..small).map(|y| (0..small).map(|x| one(y, x)).collect()).collect()
                };
                maps = maps.iter().map(half).collect();
            }
            let [to, from, ..] = weight.dims();
            let w: Vec<f32> = weight.clone().into_data().iter::<f32>().collect();
            let small = maps[0].len() - 2;
            let one = |o: usize, y: usize, x: usize| {
                let mut sum = 0.0;
                for (i, map) in maps.iter().enumerate() {
                    for (at, w) in w[(o * from + i) * 9..][..9].iter().enumerate() {
                        sum += f64::from(*w) * map[y + at / 3][x + at % 3];
                    }
                }
                sum.max(0.0)
            };
            maps = (0..to)
                .map(|o| (0..small).map(|y| (0..small).map(|x| one(o, y, x)).collect()).collect())
                .collect();
            found.extend(squares(&maps, if k == 0 { 2 } else { 1 }));
            for map in &maps {
                let centre = mean(map, 0..small, 0..small);
                let square = map.iter().flatten().map(|v| (v - centre).powi(2)).sum::<f64>();
                found.push((square / (small * small) as f64).sqrt());
            }
        }
        found
    }

    #[test]
    fn features_are_those_of_plain_loops() {
        let device = Device::flex();
        for (channels, side) in [(1, 32), (3, 32), (1, 64)] {
            let network = RandomConvolutions::new(channels, [side, side], &device);
            let pixels = Noise::new(Seed(3)).uniform_vec(2 * channels * side * side);
            let pixels: Vec<f32> = pixels.into_iter().map(|v| v as f32).collect();
            let data = TensorData::new(pixels.clone(), [2, channels, side, side]);
            let features = network.features(Tensor::from_data(data, &device)).unwrap();
            assert_eq!(features.cols(), network.dim());
            for (i, picture) in pixels.chunks_exact(channels * side * side).enumerate() {
                let expected = slowly(&network, picture, side);
                assert_eq!(expected.len(), network.dim());
                for (a, b) in features.row(i).iter().zip(&expected) {
                    assert!((a - b).abs() < F32, "{a} for {b}");
                }
            }
        }
    }

    #[test]
    fn weights_are_the_same_for_ever() {
        let network = RandomConvolutions::new(1, [28, 28], &Device::flex());
        let first: Vec<f32> = network.weights[0].clone().into_data().iter::<f32>().collect();
        for filter in first.chunks_exact(9) {
            let (sum, norm) =
                (filter.iter().sum::<f32>(), filter.iter().map(|v| v * v).sum::<f32>());
            assert!(sum.abs() < 1e-5 && (norm - 1.0).abs() < 1e-5, "{sum} {norm}");
        }
        // Written down once: another draw would be another embedding under the same name.
        assert_eq!(first[..3], PINNED);
    }

    const PINNED: [f32; 3] = [0.200_277_33, 0.331_997_07, -0.273_916_1];

    #[test]
    fn pictures_of_other_sizes_are_seen_and_others_refused() {
        let device = Device::flex();
        for (size, name) in [
            ([1, 1], "random-conv-1x32-v1"),
            ([48, 20], "random-conv-1x32-v1"),
            ([49, 20], "random-conv-1x64-v1"),
            ([130, 70], "random-conv-1x64-v1"),
        ] {
            let network = RandomConvolutions::new(1, size, &device);
            let images = Tensor::full([3, 1, size[0], size[1]], 0.25, &device);
            let features = network.features(images).unwrap();
            assert_eq!((features.name(), features.rows()), (name, 3));
            // One colour everywhere: no edge.
            let row = features.row(0);
            assert!(row[..16].iter().all(|v| (v - 0.25).abs() < F32));
            assert!(row[16..].iter().all(|v| v.abs() < F32), "{row:?}");
        }
        let network = RandomConvolutions::new(3, [32, 32], &device);
        let wrong = network.features(Tensor::zeros([1, 1, 32, 32], &device)).unwrap_err();
        assert!(wrong.to_string().contains("3 channels"), "{wrong}");
        let bright = network.features(Tensor::full([1, 3, 32, 32], 2.0, &device)).unwrap_err();
        assert!(matches!(bright, MetricError::PixelRange { .. }), "{bright}");
    }
}
