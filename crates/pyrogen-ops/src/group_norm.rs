//! Group normalisation, with or without the activation that follows it.

use burn::tensor::Tensor;

use crate::device;
#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};
use crate::normalise_device::{After, Normalise, Over};

/// Normalises each group of channels of each example, then scales and shifts each channel:
/// `(x - mean) / sqrt(var + epsilon) * gamma + beta`.
///
/// `mean` and `var` (divided by the count) are over a group's channels and positions. One group
/// is layer normalisation of a picture, a group a channel instance normalisation.
///
/// # Shapes
/// `x` is `[batch, channels, ..]`, `gamma` and `beta` are `[channels]`.
///
/// # Panics
/// If the channels are not divisible by the groups or the sizes do not fit.
///
/// # References
/// Wu and He 2018, "Group normalization", eq. 1 to 4.
pub fn group_norm<const D: usize>(
    x: Tensor<D>,
    groups: usize,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    forward(x, groups, gamma, beta, epsilon, false)
}

/// [`group_norm`], then [`silu`](crate::silu()), in one pass.
///
/// # Panics
/// As [`group_norm`].
pub fn group_norm_silu<const D: usize>(
    x: Tensor<D>,
    groups: usize,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    forward(x, groups, gamma, beta, epsilon, true)
}

fn forward<const D: usize>(
    x: Tensor<D>,
    groups: usize,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    silu: bool,
) -> Tensor<D> {
    check(&x.dims(), groups, &gamma.dims(), &beta.dims());
    #[cfg(feature = "flex")]
    if on_host(&x) {
        let op = GroupNorm { groups, epsilon, silu };
        return apply(op, [x.into(), gamma.into(), beta.into()]);
    }
    let dims = x.dims();
    let [batch, channels] = [dims[0], dims[1]];
    let inputs = [
        x.reshape([batch, channels, dims[2..].iter().product()]),
        gamma.reshape([1, channels, 1]),
        beta.reshape([1, channels, 1]),
    ];
    let after = if silu { After::Silu } else { After::Nothing };
    let op = Normalise { over: Over::Groups(groups), epsilon, after };
    device::apply(op, inputs).0.reshape(dims)
}

fn check(dims: &[usize], groups: usize, gamma: &[usize], beta: &[usize]) {
    assert!(
        dims.len() >= 2 && groups > 0 && dims[1].is_multiple_of(groups),
        "group_norm: expected [batch, channels, ..] with channels divisible by {groups} groups, got {dims:?}"
    );
    let channels = [dims[1]];
    assert!(
        gamma == channels && beta == channels,
        "group_norm: expected gamma and beta of {channels:?}, got {gamma:?} and {beta:?}"
    );
}

#[cfg(feature = "flex")]
#[derive(Debug, Clone)]
struct GroupNorm {
    groups: usize,
    epsilon: f64,
    silu: bool,
}

/// What the gradient needs; mean and inverse deviation of each group.
#[cfg(feature = "flex")]
#[derive(Debug, Clone)]
struct Saved {
    x: Array,
    gamma: Array,
    beta: Array,
    moments: Vec<[f32; 2]>,
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use super::{Array, GroupNorm, HostOp, Saved};
    use crate::parallel::{kernels, vectorised};
    use crate::scalar::sigmoid;
    use crate::sums;

    /// Mean and inverse standard deviation.
    #[inline(always)]
    pub(crate) fn moments(x: &[f32], epsilon: f64) -> [f32; 2] {
        let n = x.len() as f64;
        let mean = sums::total(x) / n;
        let m = mean as f32;
        // Around the mean, so that a large mean costs no digits.
        let var = sums::sum(x.len(), |i| (x[i] - m) * (x[i] - m)) / n;
        [m, (1.0 / (var + epsilon).sqrt()) as f32]
    }

    impl HostOp<3> for GroupNorm {
        type Saved = Option<Saved>;

        fn forward(&self, [x, gamma, beta]: [Array; 3], track: bool) -> (Array, Self::Saved) {
            let (channels, size) =
                (x.dims()[1] / self.groups, x.dims()[2..].iter().product::<usize>());
            let mut y = Array::to_fill(x.dims());
            let group: usize = channels * size;
            let mut all = vec![[0.0; 2]; x.values().len().checked_div(group).unwrap_or(0)];
            let parts = y.owned().par_chunks_mut(group.max(1));
            let parts = parts.zip(x.values().par_chunks(group.max(1)));
            parts.zip(&mut all).enumerate().for_each(|(i, ((out, x), moments))| {
                let first = i % self.groups * channels;
                let gamma = &gamma.values()[first..first + channels];
                let beta = &beta.values()[first..first + channels];
                let slab = Slab { x, gamma, beta, moments: [0.0; 2], size };
                *moments = vectorised::<Forward, _>((slab, self.epsilon, self.silu, out));
            });
            (y, track.then_some(Saved { x, gamma, beta, moments: all }))
        }

        fn backward(
            &self,
            saved: Self::Saved,
            grad: Array,
            _wanted: [bool; 3],
        ) -> [Option<Array>; 3] {
            let saved = saved.expect("a tracked forward pass");
            let x = &saved.x;
            let all = x.dims()[1];
            let (channels, size) = (all / self.groups, x.dims()[2..].iter().product::<usize>());
            let group = channels * size;
            let mut grad = grad.own();
            let mut sums = vec![[0f64; 2]; x.dims()[0] * all];
            let slabs = grad.owned().par_chunks_mut(group.max(1));
            let slabs = slabs.zip(sums.par_chunks_mut(channels));
            slabs.enumerate().for_each(|(i, (dy, sums))| {
                let x = &x.values()[i * group..(i + 1) * group];
                let first = i % self.groups * channels;
                let gamma = &saved.gamma.values()[first..first + channels];
                let beta = &saved.beta.values()[first..first + channels];
                let slab = Slab { x, gamma, beta, moments: saved.moments[i], size };
                vectorised::<Backward, _>((slab, self.silu, dy, sums));
            });
            // Over the batch, in its order.
            let mut totals = vec![[0f64; 2]; all];
            for part in sums.chunks(all) {
                for (total, s) in totals.iter_mut().zip(part) {
                    total[0] += s[0];
                    total[1] += s[1];
                }
            }
            let column =
                |k: usize| Array::new(totals.iter().map(|t| t[k] as f32).collect(), &[all]);
            let grads = [Some(grad), Some(column(1)), Some(column(0))];
            saved.x.leave();
            grads
        }
    }

    /// One group of one example.
    struct Slab<'a> {
        x: &'a [f32],
        gamma: &'a [f32],
        beta: &'a [f32],
        moments: [f32; 2],
        size: usize,
    }

    kernels! {
        ['a] Forward: Slab::forward, (Slab<'a>, f64, bool, &'a mut [f32]) => [f32; 2];
        ['a] Backward: Slab::backward, (Slab<'a>, bool, &'a mut [f32], &'a mut [[f64; 2]]) => ();
    }

    impl Slab<'_> {
        /// Fills `out` and returns mean and inverse deviation.
        #[inline(always)]
        fn forward((slab, epsilon, silu, out): (Self, f64, bool, &mut [f32])) -> [f32; 2] {
            let moments = self::moments(slab.x, epsilon);
            let [mean, scale] = moments;
            for (c, (gamma, beta)) in slab.gamma.iter().zip(slab.beta).enumerate() {
                let (a, b) = (scale * gamma, beta - mean * scale * gamma);
                let range = c * slab.size..(c + 1) * slab.size;
                let pairs = out[range.clone()].iter_mut().zip(&slab.x[range]);
                if silu {
                    for (o, x) in pairs {
                        let z = a * x + b;
                        *o = z * sigmoid(z);
                    }
                } else {
                    for (o, x) in pairs {
                        *o = a * x + b;
                    }
                }
            }
            moments
        }

        /// Makes of `dy` the gradient of the input, and for each channel those of shift and scale.
        #[inline(always)]
        fn backward((slab, silu, dy, sums): (Self, bool, &mut [f32], &mut [[f64; 2]])) {
            let [mean, scale] = slab.moments;
            let n = slab.x.len() as f64;
            let [mut a, mut b] = [0f64; 2];
            for (c, sum) in sums.iter_mut().enumerate() {
                let range = c * slab.size..(c + 1) * slab.size;
                let x = &slab.x[range.clone()];
                let dz = &mut dy[range];
                if silu {
                    let (ga, be) = (scale * slab.gamma[c], slab.beta[c]);
                    for i in 0..dz.len() {
                        let z = (x[i] - mean) * ga + be;
                        let p = sigmoid(z);
                        dz[i] *= p + z * p * (1.0 - p);
                    }
                }
                *sum = [sums::total(dz), sums::sum(dz.len(), |i| dz[i] * ((x[i] - mean) * scale))];
                a += f64::from(slab.gamma[c]) * sum[0];
                b += f64::from(slab.gamma[c]) * sum[1];
            }
            let (a, b) = ((a / n) as f32, (b / n) as f32);
            for c in 0..sums.len() {
                let range = c * slab.size..(c + 1) * slab.size;
                let gamma = slab.gamma[c];
                for (d, x) in dy[range.clone()].iter_mut().zip(&slab.x[range]) {
                    *d = scale * (gamma * *d - a - (x - mean) * scale * b);
                }
            }
        }
    }
}
#[cfg(feature = "flex")]
pub(crate) use host::moments;
