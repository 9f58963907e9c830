//! Convolutions on the host, a group of pictures at a time.

use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use rayon::prelude::*;

use crate::host::{Array, HostOp};
use crate::parallel::{kernels, vectorised};
use crate::sums;
use crate::windows::{Space, Windows};
use crate::winograd::Tiles;

/// Places of the results that one matrix product serves at least: small pictures go together.
const PLACES: usize = 256;

/// The same for tiles of 2x2 places.
const TILES: usize = 128;

/// Parts of the batch whose weights' gradients are summed apart.
const PARTS: usize = 8;

/// A convolution, or with the same windows its transpose.
#[derive(Debug, Clone)]
pub(super) struct Conv {
    pub(super) windows: Windows,
    pub(super) transposed: bool,
}

pub(super) fn windows(x: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Windows {
    let [_, channels, height, width] = x;
    let [outputs, into, kh, kw] = weight;
    assert!(channels == into, "conv2d: pictures {x:?} do not fit the weight {weight:?}");
    let kernel = [kh, kw];
    let size = [height, width];
    let out_size = [0, 1].map(|a| {
        let covered = options.dilation[a] * (kernel[a] - 1) + 1;
        let (before, after) = options.padding[a];
        let padded = size[a] + before + after;
        assert!(padded >= covered, "conv2d: the kernel {kernel:?} exceeds the picture {x:?}");
        (padded - covered) / options.stride[a] + 1
    });
    Windows {
        channels,
        size,
        outputs,
        out_size,
        kernel,
        stride: options.stride,
        padding: options.padding.map(|(before, _)| before),
        dilation: options.dilation,
    }
}

pub(super) fn transposed(
    x: [usize; 4],
    weight: [usize; 4],
    options: &ConvTransposeOptions<2>,
) -> Windows {
    let [_, into, height, width] = x;
    let [outputs, channels, kh, kw] = weight;
    assert!(into == outputs, "conv_transpose2d: pictures {x:?} do not fit the weight {weight:?}");
    let kernel = [kh, kw];
    let out_size = [height, width];
    let size = [0, 1].map(|a| {
        let most = (out_size[a] - 1) * options.stride[a]
            + options.dilation[a] * (kernel[a] - 1)
            + options.padding_out[a]
            + 1;
        most.checked_sub(2 * options.padding[a])
            .unwrap_or_else(|| panic!("conv_transpose2d: padding leaves nothing of {x:?}"))
    });
    Windows {
        channels,
        size,
        outputs,
        out_size,
        kernel,
        stride: options.stride,
        padding: options.padding,
        dilation: options.dilation,
    }
}

/// Pictures that go together.
fn group(windows: &Windows, batch: usize) -> usize {
    PLACES.div_ceil(windows.places().max(1)).min(batch.div_ceil(2)).max(1)
}

/// [`group`] for tiles.
fn tile_group(tiles: &Tiles, batch: usize) -> usize {
    TILES.div_ceil(tiles.count().max(1)).min(batch.div_ceil(2)).max(1)
}

/// Fills `y`.
fn correlate(op: &Windows, w: &Array, bias: Option<&Array>, x: &Array, y: &mut [f32]) {
    let batch = x.dims()[0];
    if let Some(tiles) = Tiles::of(op) {
        return tiled(&tiles, &tiles.kernels(w.values()), bias, x, y);
    }
    let kernels = op.kernels(w.values());
    let n = group(op, batch);
    let parts = y.par_chunks_mut((n * op.result()).max(1));
    parts.zip(x.values().par_chunks((n * op.picture()).max(1))).for_each(|(y, x)| {
        Space::lend(|space| op.correlate(&kernels, bias.map(Array::values), x, y, space));
    });
}

fn tiled(tiles: &Tiles, kernels: &[f32], bias: Option<&Array>, x: &Array, y: &mut [f32]) {
    let n = tile_group(tiles, x.dims()[0]);
    let [picture, result] = tiles.lengths().map(|length| (n * length).max(1));
    let parts = y.par_chunks_mut(result).zip(x.values().par_chunks(picture));
    parts.for_each(|(y, x)| {
        Space::lend(|space| tiles.correlate(kernels, bias.map(Array::values), x, y, space));
    });
}

/// Fills `x`.
fn scatter(op: &Windows, w: &Array, bias: Option<&Array>, y: &Array, x: &mut [f32]) {
    if let Some(tiles) = Tiles::of(op) {
        return tiled(&tiles.back(), &tiles.kernels_back(w.values()), bias, y, x);
    }
    let kernels = op.kernels(w.values());
    let n = group(op, y.dims()[0]);
    let parts = x.par_chunks_mut((n * op.picture()).max(1));
    parts.zip(y.values().par_chunks((n * op.result()).max(1))).for_each(|(x, y)| {
        Space::lend(|space| op.scatter(&kernels, bias.map(Array::values), y, x, space));
    });
}

fn weight_grad(op: &Windows, y: &Array, x: &Array, batch: usize, dims: &[usize]) -> Array {
    let pairs = op.outputs * op.channels;
    if let Some(tiles) = Tiles::of(op) {
        let n = tile_group(&tiles, batch);
        let sums = over_parts(op, y, x, n, 16 * pairs, |y, x, sum, space| {
            tiles.add_products(y, x, sum, space);
        });
        return Array::new(tiles.weight_grad(&sums), dims);
    }
    let n = group(op, batch);
    let dw = over_parts(op, y, x, n, op.outputs * op.window(), |y, x, sum, space| {
        op.kernel_grad(y, x, sum, space);
    });
    Array::new(op.weights(&dw), dims)
}

/// The sum over the batch of what `add` adds for each group of `n` pictures.
fn over_parts(
    op: &Windows,
    y: &Array,
    x: &Array,
    n: usize,
    length: usize,
    add: impl Fn(&[f32], &[f32], &mut [f32], &mut Space) + Sync,
) -> Vec<f32> {
    let [result, picture] = [op.result(), op.picture()].map(|length| length.max(1));
    let batch = y.values().len() / result;
    let part = batch.div_ceil(PARTS).next_multiple_of(n).max(1);
    let ys = y.values().par_chunks(part * result);
    let sums: Vec<Vec<f32>> = ys
        .zip(x.values().par_chunks(part * picture))
        .map(|(y, x)| {
            let mut sum = vec![0.0; length];
            let groups = y.chunks(n * result).zip(x.chunks(n * picture));
            Space::lend(|space| groups.for_each(|(y, x)| add(y, x, &mut sum, space)));
            sum
        })
        .collect();
    let mut total = vec![0.0; length];
    for part in sums {
        total.iter_mut().zip(part).for_each(|(t, s)| *t += s);
    }
    total
}

/// The sum over all but the channels.
fn bias_grad(dy: &Array) -> Array {
    let [channels, size] = [dy.dims()[1], dy.dims()[2..].iter().product()];
    let sums = (0..channels).into_par_iter().map(|c| {
        let planes = dy.values().chunks(size).skip(c).step_by(channels);
        planes.map(vectorised::<Total, _>).sum::<f64>() as f32
    });
    Array::new(sums.collect(), &[channels])
}

kernels! {
    ['a] Total: sums::total, &'a [f32] => f64;
}

/// Inputs of an operation with `N` arrays: the pictures, the weight, perhaps a bias.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    x: Array,
    weight: Array,
}

fn split<const N: usize>(inputs: [Array; N]) -> (Kept, Option<Array>) {
    let mut inputs = inputs.into_iter();
    let (x, weight) = (inputs.next().expect("pictures"), inputs.next().expect("a weight"));
    (Kept { x, weight }, inputs.next())
}

impl Conv {
    /// The operation, or `back` its transpose, which takes gradients of results to those of inputs.
    /// Fills `out`.
    fn run(&self, back: bool, w: &Array, bias: Option<&Array>, x: &Array, out: &mut [f32]) {
        if self.transposed == back {
            correlate(&self.windows, w, bias, x, out);
        } else {
            scatter(&self.windows, w, bias, x, out);
        }
    }

    /// The lengths of the result for a batch.
    fn dims(&self, batch: usize) -> [usize; 4] {
        let op = &self.windows;
        let (channels, [height, width]) =
            if self.transposed { (op.channels, op.size) } else { (op.outputs, op.out_size) };
        [batch, channels, height, width]
    }
}

impl<const N: usize> HostOp<N> for Conv {
    type Saved = Option<Kept>;

    fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Self::Saved) {
        let (kept, bias) = split(inputs);
        let dims = self.dims(kept.x.dims()[0]);
        let mut y = Array::to_fill(&dims);
        self.run(false, &kept.weight, bias.as_ref(), &kept.x, y.owned());
        (y, track.then_some(kept))
    }

    fn backward(&self, saved: Self::Saved, dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
        let Kept { x, weight } = saved.expect("a tracked forward pass");
        let (results, pictures) = if self.transposed { (&x, &dy) } else { (&dy, &x) };
        let mut grads = std::array::from_fn(|i| {
            (wanted[i] && i > 0).then(|| match i {
                1 => weight_grad(&self.windows, results, pictures, x.dims()[0], weight.dims()),
                _ => bias_grad(&dy),
            })
        });
        if wanted[0] {
            // In the memory of the pictures, which the weight's gradient was the last to need.
            let mut dx = x.refill();
            self.run(true, &weight, None, &dy, dx.owned());
            grads[0] = Some(dx);
        }
        dy.leave();
        grads
    }
}
