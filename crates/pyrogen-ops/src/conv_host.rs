//! Convolutions on the host, a group of pictures at a time.

use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use rayon::prelude::*;

use crate::host::{Array, HostOp};
use crate::parallel::vectorised;
use crate::sums;
use crate::windows::{Space, Windows};

/// Places of the results that one matrix product serves at least: small pictures go together.
const PLACES: usize = 256;

/// Parts of the batch whose weights' gradients are summed apart.
const PARTS: usize = 8;

/// A convolution.
#[derive(Debug, Clone)]
pub(super) struct Conv(pub(super) Windows);

/// A transposed convolution; the windows are those of the convolution that it transposes.
#[derive(Debug, Clone)]
pub(super) struct Transposed(pub(super) Windows);

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

fn correlate(
    op: &Windows,
    w: &Array,
    bias: Option<&Array>,
    x: &Array,
    out_dims: [usize; 4],
) -> Array {
    let mut y = vec![0.0; out_dims.iter().product()];
    let n = group(op, out_dims[0]);
    let parts = y.par_chunks_mut((n * op.result()).max(1));
    parts.zip(x.values().par_chunks((n * op.picture()).max(1))).for_each_init(
        Space::default,
        |space, (y, x)| {
            vectorised(|| op.correlate(w.values(), bias.map(Array::values), x, y, space));
        },
    );
    Array::new(y, &out_dims)
}

fn scatter(
    op: &Windows,
    w: &Array,
    bias: Option<&Array>,
    y: &Array,
    out_dims: [usize; 4],
) -> Array {
    let mut x = vec![0.0; out_dims.iter().product()];
    let n = group(op, out_dims[0]);
    let parts = x.par_chunks_mut((n * op.picture()).max(1));
    parts.zip(y.values().par_chunks((n * op.result()).max(1))).for_each_init(
        Space::default,
        |space, (x, y)| {
            vectorised(|| op.scatter(w.values(), bias.map(Array::values), y, x, space));
        },
    );
    Array::new(x, &out_dims)
}

fn weight_grad(op: &Windows, y: &Array, x: &Array, batch: usize, dims: &[usize]) -> Array {
    let n = group(op, batch);
    let part = batch.div_ceil(PARTS).next_multiple_of(n).max(1);
    let (ys, xs) =
        (y.values().par_chunks(part * op.result()), x.values().par_chunks(part * op.picture()));
    let sums: Vec<Vec<f32>> = ys
        .zip(xs)
        .map(|(y, x)| {
            let (mut dw, mut space) = (vec![0.0; op.outputs * op.rows()], Space::default());
            let groups = y.chunks(n * op.result()).zip(x.chunks(n * op.picture()));
            vectorised(|| groups.for_each(|(y, x)| op.weight_grad(y, x, &mut dw, &mut space)));
            dw
        })
        .collect();
    let mut total = vec![0.0; op.outputs * op.rows()];
    for part in sums {
        total.iter_mut().zip(part).for_each(|(t, s)| *t += s);
    }
    Array::new(total, dims)
}

/// The sum over all but the channels.
fn bias_grad(dy: &Array) -> Array {
    let [channels, size] = [dy.dims()[1], dy.dims()[2..].iter().product()];
    let sums = (0..channels).into_par_iter().map(|c| {
        let planes = dy.values().chunks(size).skip(c).step_by(channels);
        vectorised(|| planes.map(sums::total).sum::<f64>() as f32)
    });
    Array::new(sums.collect(), &[channels])
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

fn picture_dims(op: &Windows, batch: usize) -> [usize; 4] {
    [batch, op.channels, op.size[0], op.size[1]]
}

fn result_dims(op: &Windows, batch: usize) -> [usize; 4] {
    [batch, op.outputs, op.out_size[0], op.out_size[1]]
}

impl<const N: usize> HostOp<N> for Conv {
    type Saved = Option<Kept>;

    fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Self::Saved) {
        let (kept, bias) = split(inputs);
        let dims = result_dims(&self.0, kept.x.dims()[0]);
        let y = correlate(&self.0, &kept.weight, bias.as_ref(), &kept.x, dims);
        (y, track.then_some(kept))
    }

    fn backward(&self, saved: Self::Saved, dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
        let Kept { x, weight } = saved.expect("a tracked forward pass");
        let (op, batch) = (&self.0, x.dims()[0]);
        std::array::from_fn(|i| {
            wanted[i].then(|| match i {
                0 => scatter(op, &weight, None, &dy, picture_dims(op, batch)),
                1 => weight_grad(op, &dy, &x, batch, weight.dims()),
                _ => bias_grad(&dy),
            })
        })
    }
}

impl<const N: usize> HostOp<N> for Transposed {
    type Saved = Option<Kept>;

    fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Self::Saved) {
        let (kept, bias) = split(inputs);
        let dims = picture_dims(&self.0, kept.x.dims()[0]);
        let y = scatter(&self.0, &kept.weight, bias.as_ref(), &kept.x, dims);
        (y, track.then_some(kept))
    }

    fn backward(&self, saved: Self::Saved, dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
        let Kept { x, weight } = saved.expect("a tracked forward pass");
        let (op, batch) = (&self.0, x.dims()[0]);
        std::array::from_fn(|i| {
            wanted[i].then(|| match i {
                0 => correlate(op, &weight, None, &dy, result_dims(op, batch)),
                1 => weight_grad(op, &x, &dy, batch, weight.dims()),
                _ => bias_grad(&dy),
            })
        })
    }
}
