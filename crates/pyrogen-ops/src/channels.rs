//! Numbers a channel on pictures, and pictures of twice the size.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// Adds a number to each channel of each example.
///
/// # Shapes
/// `x` is `[batch, channels, height, width]`, `shift` `[batch, channels]`.
///
/// # Panics
/// If the sizes do not fit.
pub fn add_channels(x: Tensor<4>, shift: Tensor<2>) -> Tensor<4> {
    let [batch, channels, ..] = x.dims();
    assert!(
        shift.dims() == [batch, channels],
        "add_channels: pictures {:?} do not fit a shift {:?}",
        x.dims(),
        shift.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::AddChannels, [x.into(), shift.into()]);
    }
    x + shift.reshape([batch, channels, 1, 1])
}

/// Pictures of about twice the size, each place shown up to four times: `y[i, j] = x[i / 2, j / 2]`.
///
/// # Shapes
/// `x` is `[batch, channels, height, width]`, the result has `size`: twice height and width, or one
/// less where an odd size is to be restored.
///
/// # Panics
/// If `size` is another.
pub fn upsample_nearest(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let fits = |from: usize, to: usize| to.div_ceil(2) == from;
    assert!(
        fits(height, size[0]) && fits(width, size[1]),
        "upsample_nearest: pictures {:?} do not grow to {size:?}",
        x.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::Upsample { size }, [x.into()]);
    }
    let doubled = x.reshape([batch, channels, height, 1, width, 1]);
    let doubled = doubled.expand([batch, channels, height, 2, width, 2]);
    let doubled = doubled.reshape([batch, channels, 2 * height, 2 * width]);
    doubled.slice([0..batch, 0..channels, 0..size[0], 0..size[1]])
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use crate::host::{Array, HostOp};
    use crate::parallel::{kernels, vectorised};
    use crate::sums;

    /// Elements of the pictures that a thread takes at a time, about.
    const PIECE: usize = 1 << 14;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct AddChannels;

    impl HostOp<2> for AddChannels {
        type Saved = Vec<usize>;

        fn forward(&self, [x, shift]: [Array; 2], _track: bool) -> (Array, Vec<usize>) {
            let dims = x.dims().to_vec();
            let size = (dims[2] * dims[3]).max(1);
            let mut x = x.own();
            let count = PIECE.div_ceil(size);
            let parts = x.owned().par_chunks_mut(count * size);
            parts.zip(shift.values().par_chunks(count)).for_each(|(x, shift)| {
                vectorised::<Add, _>((x, shift, size));
            });
            (x, dims)
        }

        fn backward(&self, dims: Vec<usize>, grad: Array, wanted: [bool; 2]) -> [Option<Array>; 2] {
            let size = (dims[2] * dims[3]).max(1);
            let shift = wanted[1].then(|| {
                let mut out = vec![0.0; dims[0] * dims[1]];
                let count = PIECE.div_ceil(size);
                let parts = out.par_chunks_mut(count);
                parts.zip(grad.values().par_chunks(count * size)).for_each(|(out, grad)| {
                    vectorised::<Totals, _>((out, grad, size));
                });
                Array::new(out, &dims[..2])
            });
            [Some(grad), shift]
        }
    }

    kernels! {
        ['a] Add: add, (&'a mut [f32], &'a [f32], usize) => ();
        ['a] Totals: totals, (&'a mut [f32], &'a [f32], usize) => ();
        ['a] Double: double, (&'a mut [f32], &'a [f32], [usize; 4]) => ();
        ['a] Halve: halve, (&'a mut [f32], &'a [f32], [usize; 4]) => ();
    }

    #[inline(always)]
    fn add((x, shift, size): (&mut [f32], &[f32], usize)) {
        for (x, shift) in x.chunks_exact_mut(size).zip(shift) {
            x.iter_mut().for_each(|x| *x += shift);
        }
    }

    #[inline(always)]
    fn totals((out, grad, size): (&mut [f32], &[f32], usize)) {
        for (o, grad) in out.iter_mut().zip(grad.chunks_exact(size)) {
            *o = sums::total(grad) as f32;
        }
    }

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Upsample {
        pub(super) size: [usize; 2],
    }

    impl Upsample {
        /// Runs a kernel on runs of channels: `from` is read, a new array of `dims` written.
        fn channels<K>(&self, from: &Array, dims: [usize; 4], sides: [usize; 4]) -> Array
        where
            K: for<'a> crate::parallel::Kernel<(&'a mut [f32], &'a [f32], [usize; 4]), Output = ()>,
        {
            let read = from.dims()[2] * from.dims()[3];
            let written = dims[2] * dims[3];
            let mut out = vec![0.0; dims.iter().product()];
            let count = PIECE.div_ceil(read.max(written).max(1));
            let parts = out.par_chunks_mut((count * written).max(1));
            parts.zip(from.values().par_chunks((count * read).max(1))).for_each(|(out, x)| {
                vectorised::<K, _>((out, x, sides));
            });
            Array::new(out, &dims)
        }
    }

    impl HostOp<1> for Upsample {
        type Saved = [usize; 4];

        fn forward(&self, [x]: [Array; 1], _track: bool) -> (Array, [usize; 4]) {
            let dims: [usize; 4] = x.dims().try_into().expect("four axes");
            let [batch, channels, height, width] = dims;
            let [tall, wide] = self.size;
            let sides = [height, width, tall, wide];
            (self.channels::<Double>(&x, [batch, channels, tall, wide], sides), dims)
        }

        fn backward(
            &self,
            dims: [usize; 4],
            grad: Array,
            _wanted: [bool; 1],
        ) -> [Option<Array>; 1] {
            let sides = [dims[2], dims[3], self.size[0], self.size[1]];
            [Some(self.channels::<Halve>(&grad, dims, sides))]
        }
    }

    #[inline(always)]
    fn double((out, x, [height, width, tall, wide]): (&mut [f32], &[f32], [usize; 4])) {
        let channels = out.chunks_exact_mut(tall * wide).zip(x.chunks_exact(height * width));
        for (out, x) in channels {
            for (i, row) in out.chunks_exact_mut(wide).enumerate() {
                let from = &x[i / 2 * width..][..width];
                for (pair, &v) in row.chunks_mut(2).zip(from) {
                    pair.fill(v);
                }
            }
        }
    }

    #[inline(always)]
    fn halve((out, grad, [height, width, tall, wide]): (&mut [f32], &[f32], [usize; 4])) {
        let channels = out.chunks_exact_mut(height * width).zip(grad.chunks_exact(tall * wide));
        for (out, grad) in channels {
            for (i, row) in grad.chunks_exact(wide).enumerate() {
                let to = &mut out[i / 2 * width..][..width];
                for (o, pair) in to.iter_mut().zip(row.chunks(2)) {
                    *o += pair.iter().sum::<f32>();
                }
            }
        }
    }
}
