//! Batch normalisation by the batch's own statistics, with the rectifier that follows it.

use burn::tensor::Tensor;

use crate::device;
#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host, read};
use crate::normalise_device::{After, Normalise, Over};

/// What [`batch_norm`] gives.
#[derive(Debug, Clone)]
pub struct BatchNormalised<const D: usize> {
    /// The normalised numbers.
    pub output: Tensor<D>,
    /// The mean of each channel, `[channels]`, without a graph.
    pub mean: Tensor<1>,
    /// The variance of each channel, divided by the count, `[channels]`, without a graph.
    pub variance: Tensor<1>,
}

/// Normalises each channel over the batch and its positions, scales and shifts it, and applies a
/// leaky rectifier: `z = (x - mean) / sqrt(var + epsilon) * gamma + beta`, then `z` above zero and
/// `slope z` below. A slope of 1 leaves the rectifier out.
///
/// Scale and shift may be each example's own, as those of its class are.
///
/// # Shapes
/// `x` is `[batch, channels, ..]`, `gamma` and `beta` are `[1, channels]` or `[batch, channels]`.
///
/// # Panics
/// If the sizes do not fit.
///
/// # References
/// Ioffe and Szegedy 2015, algorithm 1.
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<2>,
    beta: Tensor<2>,
    epsilon: f64,
    slope: f64,
) -> BatchNormalised<D> {
    check(&x.dims(), gamma.dims(), beta.dims());
    #[cfg(feature = "flex")]
    if on_host(&x) {
        let (moments, device) = (host::moments(&read(&x)), x.device());
        let column = |k: usize| {
            let values: Vec<f32> = moments.iter().map(|m| m[k] as f32).collect();
            Tensor::from_floats(&values[..], &device)
        };
        let (mean, variance) = (column(0), column(1));
        let op = BatchNorm::new(moments, epsilon, slope, false);
        let output = apply(op, [x.into(), gamma.into(), beta.into()]);
        return BatchNormalised { output, mean, variance };
    }
    let (dims, channels) = (x.dims(), gamma.dims()[1]);
    let inputs = [
        x.reshape([dims[0], channels, dims[2..].iter().product()]),
        gamma.unsqueeze_dim(2),
        beta.unsqueeze_dim(2),
    ];
    let after = if slope == 1.0 { After::Nothing } else { After::LeakyRelu(slope) };
    let (output, saved) = device::apply(Normalise { over: Over::Batch, epsilon, after }, inputs);
    let [_, _, _, mean, variance] = saved.try_into().expect("inputs and moments");
    BatchNormalised {
        output: output.reshape(dims),
        mean: mean.reshape([channels]),
        variance: variance.reshape([channels]),
    }
}

/// [`batch_norm`] by statistics that are given, `[channels]` each, and count as constants: how a trained
/// model normalises.
///
/// # Panics
/// As [`batch_norm`]; if there is not one mean and one variance a channel.
pub fn batch_norm_by<const D: usize>(
    x: Tensor<D>,
    [mean, variance]: [Tensor<1>; 2],
    gamma: Tensor<2>,
    beta: Tensor<2>,
    epsilon: f64,
    slope: f64,
) -> Tensor<D> {
    let dims = x.dims();
    check(&dims, gamma.dims(), beta.dims());
    assert!(
        mean.dims() == [dims[1]] && variance.dims() == [dims[1]],
        "batch_norm: pictures {dims:?} do not fit means {:?} and variances {:?}",
        mean.dims(),
        variance.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) {
        let (mean, variance) = (read(&mean), read(&variance));
        let pairs = mean.values().iter().zip(variance.values());
        let moments = pairs.map(|(&m, &v)| [f64::from(m), f64::from(v)]).collect();
        let op = BatchNorm::new(moments, epsilon, slope, true);
        return apply(op, [x.into(), gamma.into(), beta.into()]);
    }
    let channels = |t: Tensor<1>| t.reshape([1, dims[1], 1]);
    let shaped = x.reshape([dims[0], dims[1], dims[2..].iter().product()]);
    let normal = (shaped - channels(mean)) / (channels(variance) + epsilon).sqrt();
    leaky(normal, gamma, beta, slope).reshape(dims)
}

fn check(dims: &[usize], gamma: [usize; 2], beta: [usize; 2]) {
    assert!(dims.len() >= 2, "batch_norm: expected [batch, channels, ..], got {dims:?}");
    let channels = dims[1];
    assert!(
        (gamma == [1, channels] || gamma == [dims[0], channels]) && beta == gamma,
        "batch_norm: pictures {dims:?} do not fit scales {gamma:?} and shifts {beta:?}"
    );
}

/// Scales, shifts and rectifies normalised numbers.
fn leaky(normal: Tensor<3>, gamma: Tensor<2>, beta: Tensor<2>, slope: f64) -> Tensor<3> {
    let z = normal * gamma.unsqueeze_dim(2) + beta.unsqueeze_dim(2);
    if slope == 1.0 { z } else { crate::leaky_relu(z, slope) }
}

/// Mean and inverse deviation of each channel.
#[cfg(feature = "flex")]
#[derive(Debug, Clone)]
struct BatchNorm {
    moments: Vec<[f32; 2]>,
    slope: f32,
    /// Whether the moments are constants, and not those of the input.
    fixed: bool,
}

#[cfg(feature = "flex")]
impl BatchNorm {
    /// From means and variances.
    fn new(moments: Vec<[f64; 2]>, epsilon: f64, slope: f64, fixed: bool) -> Self {
        let scaled = |[mean, var]: [f64; 2]| [mean as f32, (1.0 / (var + epsilon).sqrt()) as f32];
        Self { moments: moments.into_iter().map(scaled).collect(), slope: slope as f32, fixed }
    }
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use super::{Array, BatchNorm, HostOp};
    use crate::parallel::{kernels, vectorised};
    use crate::sums;

    /// Mean and variance of each channel.
    pub(super) fn moments(x: &Array) -> Vec<[f64; 2]> {
        let (channels, size) = shape(x);
        let count = (x.values().len() / channels.max(1)) as f64;
        let example = (channels * size).max(1);
        let reduce = |means: &[f32], square: bool| -> Vec<f64> {
            let parts: Vec<Vec<f64>> = x
                .values()
                .par_chunks(example)
                .map(|x| {
                    let mut sums = vec![0.0; channels];
                    vectorised::<Sums, _>((x, means, square, sums.as_mut_slice()));
                    sums
                })
                .collect();
            // Over the batch, in its order.
            let mut totals = vec![0.0; channels];
            for part in parts {
                totals.iter_mut().zip(part).for_each(|(t, s)| *t += s);
            }
            totals.iter().map(|t| t / count).collect()
        };
        let means = reduce(&vec![0.0; channels], false);
        // Around the mean, so that a large mean costs no digits.
        let rounded: Vec<f32> = means.iter().map(|&m| m as f32).collect();
        let variances = reduce(&rounded, true);
        means.into_iter().zip(variances).map(|(m, v)| [m, v]).collect()
    }

    /// Channels, and positions of each.
    fn shape(x: &Array) -> (usize, usize) {
        (x.dims()[1], x.dims()[2..].iter().product())
    }

    /// The scales or shifts of an example.
    fn row(all: &Array, i: usize, channels: usize) -> &[f32] {
        let values = all.values();
        let start = if values.len() == channels { 0 } else { i * channels };
        &values[start..start + channels]
    }

    impl HostOp<3> for BatchNorm {
        type Saved = [Array; 3];

        fn forward(&self, [x, gamma, beta]: [Array; 3], _track: bool) -> (Array, Self::Saved) {
            let (channels, size) = shape(&x);
            let mut y = Array::to_fill(x.dims());
            let example = (channels * size).max(1);
            let parts = y.owned().par_chunks_mut(example).zip(x.values().par_chunks(example));
            parts.enumerate().for_each(|(i, (out, x))| {
                let slab = Slab {
                    x,
                    gamma: row(&gamma, i, channels),
                    beta: row(&beta, i, channels),
                    moments: &self.moments,
                    slope: self.slope,
                };
                vectorised::<Forward, _>((slab, out));
            });
            (y, [x, gamma, beta])
        }

        fn backward(
            &self,
            [x, gamma, beta]: Self::Saved,
            grad: Array,
            _wanted: [bool; 3],
        ) -> [Option<Array>; 3] {
            let (channels, size) = shape(&x);
            let example = (channels * size).max(1);
            let slab = |i: usize| Slab {
                x: &x.values()[i * example..(i + 1) * example],
                gamma: row(&gamma, i, channels),
                beta: row(&beta, i, channels),
                moments: &self.moments,
                slope: self.slope,
            };
            // Of each example and channel: the sums of dz and of dz times the normalised number.
            let mut grad = grad.own();
            let mut sums = vec![[0f64; 2]; x.values().len() / size.max(1)];
            let parts = grad.owned().par_chunks_mut(example).zip(sums.par_chunks_mut(channels));
            parts.enumerate().for_each(|(i, (dy, sums))| {
                vectorised::<Inward, _>((slab(i), dy, sums));
            });
            let count = (x.values().len() / channels.max(1)) as f64;
            let mut means = vec![[0f64; 2]; channels];
            let parts = if self.fixed { &[][..] } else { &sums[..] };
            for (i, part) in parts.chunks(channels).enumerate() {
                let gammas = row(&gamma, i, channels);
                for ((mean, s), &g) in means.iter_mut().zip(part).zip(gammas) {
                    mean[0] += f64::from(g) * s[0] / count;
                    mean[1] += f64::from(g) * s[1] / count;
                }
            }
            let means: Vec<[f32; 2]> = means.iter().map(|m| m.map(|v| v as f32)).collect();
            grad.owned().par_chunks_mut(example).enumerate().for_each(|(i, dx)| {
                vectorised::<Outward, _>((slab(i), means.as_slice(), dx));
            });
            let own = |k: usize| column(&sums, k, channels, gamma.values().len() != channels);
            let grads = [Some(grad), Some(own(1)), Some(own(0))];
            x.leave();
            grads
        }
    }

    /// The gradient of scales or shifts: each example's own, or the sum over the batch in its order.
    fn column(sums: &[[f64; 2]], k: usize, channels: usize, each: bool) -> Array {
        if each {
            let values: Vec<f32> = sums.iter().map(|s| s[k] as f32).collect();
            return Array::new(values, &[sums.len() / channels, channels]);
        }
        let mut totals = vec![0f64; channels];
        for part in sums.chunks(channels) {
            totals.iter_mut().zip(part).for_each(|(t, s)| *t += s[k]);
        }
        Array::new(totals.iter().map(|&t| t as f32).collect(), &[1, channels])
    }

    /// One example.
    struct Slab<'a> {
        x: &'a [f32],
        gamma: &'a [f32],
        beta: &'a [f32],
        moments: &'a [[f32; 2]],
        slope: f32,
    }

    kernels! {
        ['a] Sums: channel_sums, (&'a [f32], &'a [f32], bool, &'a mut [f64]) => ();
        ['a] Forward: Slab::forward, (Slab<'a>, &'a mut [f32]) => ();
        ['a] Inward: Slab::inward, (Slab<'a>, &'a mut [f32], &'a mut [[f64; 2]]) => ();
        ['a] Outward: Slab::outward, (Slab<'a>, &'a [[f32; 2]], &'a mut [f32]) => ();
    }

    /// Of one example the sum of each channel less its mean, or of the squares of that.
    #[inline(always)]
    fn channel_sums((x, means, square, sums): (&[f32], &[f32], bool, &mut [f64])) {
        let size = x.len() / sums.len().max(1);
        for (c, sum) in sums.iter_mut().enumerate() {
            let (x, m) = (&x[c * size..(c + 1) * size], means[c]);
            *sum = match square {
                true => sums::sum(size, |i| (x[i] - m) * (x[i] - m)),
                false => sums::total(x),
            };
        }
    }

    impl Slab<'_> {
        /// What a channel's numbers are multiplied with, and what is added.
        #[inline(always)]
        fn line(&self, c: usize) -> (f32, f32) {
            let [mean, scale] = self.moments[c];
            let a = scale * self.gamma[c];
            (a, self.beta[c] - mean * a)
        }

        #[inline(always)]
        fn forward((slab, out): (Self, &mut [f32])) {
            let size = slab.x.len() / slab.moments.len().max(1);
            for c in 0..slab.moments.len() {
                let range = c * size..(c + 1) * size;
                let (a, b) = slab.line(c);
                for (o, x) in out[range.clone()].iter_mut().zip(&slab.x[range]) {
                    let z = a * x + b;
                    *o = if z > 0.0 { z } else { slab.slope * z };
                }
            }
        }

        /// Makes of `dy` the gradient before the rectifier, and for each channel its sums.
        #[inline(always)]
        fn inward((slab, dy, sums): (Self, &mut [f32], &mut [[f64; 2]])) {
            let size = slab.x.len() / slab.moments.len().max(1);
            for (c, sum) in sums.iter_mut().enumerate() {
                let range = c * size..(c + 1) * size;
                let x = &slab.x[range.clone()];
                let dz = &mut dy[range];
                let ((a, b), [mean, scale]) = (slab.line(c), slab.moments[c]);
                for i in 0..dz.len() {
                    dz[i] = if a * x[i] + b > 0.0 { dz[i] } else { slab.slope * dz[i] };
                }
                *sum = [sums::total(dz), sums::sum(size, |i| dz[i] * ((x[i] - mean) * scale))];
            }
        }

        /// From there the gradient of the input, in place.
        #[inline(always)]
        fn outward((slab, means, dx): (Self, &[[f32; 2]], &mut [f32])) {
            let size = slab.x.len() / slab.moments.len().max(1);
            for (c, &[shift, tilt]) in means.iter().enumerate() {
                let range = c * size..(c + 1) * size;
                let [mean, scale] = slab.moments[c];
                let gamma = slab.gamma[c];
                for (d, x) in dx[range.clone()].iter_mut().zip(&slab.x[range]) {
                    *d = scale * (gamma * *d - shift - (x - mean) * scale * tilt);
                }
            }
        }
    }
}
