//! The windows of a picture that a convolution's kernel covers, as rows of a matrix.
//!
//! Pictures are first laid out with the channels last and their padding around them: a line of a
//! window is then one run of memory, whatever the stride.

use std::cell::RefCell;

use crate::gemm::{Matrix, product};
use crate::ground::Ground;
use crate::parallel::{kernels, vectorised};

/// Sizes of a convolution of one picture `[channels, height, width]` to
/// `[outputs, out_height, out_width]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Windows {
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    pub(crate) outputs: usize,
    pub(crate) out_size: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    pub(crate) dilation: [usize; 2],
}

impl Windows {
    /// Elements of the picture.
    pub(crate) fn picture(&self) -> usize {
        self.channels * self.size[0] * self.size[1]
    }

    /// Places of the result.
    pub(crate) fn places(&self) -> usize {
        self.out_size[0] * self.out_size[1]
    }

    /// Elements of the result.
    pub(crate) fn result(&self) -> usize {
        self.outputs * self.places()
    }

    /// Elements of a window.
    pub(crate) fn window(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Height and width of the picture with its padding, and at least as far as the windows go.
    fn padded(&self) -> [usize; 2] {
        let side = |a: usize| {
            let reach = (self.out_size[a].max(1) - 1) * self.stride[a];
            let reach = reach + (self.kernel[a] - 1) * self.dilation[a] + 1;
            reach.max(self.size[a] + self.padding[a])
        };
        [side(0), side(1)]
    }

    /// Where a padded picture lies.
    fn ground(&self) -> Ground {
        Ground {
            channels: self.channels,
            size: self.size,
            padding: self.padding,
            whole: self.padded(),
            stride: self.channels,
        }
    }

    /// The kernels `[outputs, channels, kh, kw]` in the order of the windows,
    /// `[outputs, kh, kw, channels]`.
    pub(crate) fn kernels(&self, w: &[f32]) -> Vec<f32> {
        let area = self.kernel[0] * self.kernel[1];
        let mut out = vec![0.0; w.len()];
        for (w, out) in w.chunks(self.window()).zip(out.chunks_mut(self.window())) {
            for (c, w) in w.chunks(area).enumerate() {
                for (k, &v) in w.iter().enumerate() {
                    out[k * self.channels + c] = v;
                }
            }
        }
        out
    }

    /// The inverse of [`kernels`](Self::kernels).
    pub(crate) fn weights(&self, kernels: &[f32]) -> Vec<f32> {
        let area = self.kernel[0] * self.kernel[1];
        let mut out = vec![0.0; kernels.len()];
        for (u, out) in kernels.chunks(self.window()).zip(out.chunks_mut(self.window())) {
            for (k, u) in u.chunks(self.channels).enumerate() {
                for (c, &v) in u.iter().enumerate() {
                    out[c * area + k] = v;
                }
            }
        }
        out
    }

    /// Results of the pictures of a group, moved by `bias`: the products of windows and kernels.
    ///
    /// `x` and `y` hold the pictures one after the other.
    pub(crate) fn correlate(
        &self,
        kernels: &[f32],
        bias: Option<&[f32]>,
        x: &[f32],
        y: &mut [f32],
        space: &mut Space,
    ) {
        let all = y.len() / self.result() * self.places();
        let (window, outputs) = (self.window(), self.outputs);
        let [rows, values, padded] = space.take([window * all, outputs * all, self.ground().len()]);
        self.read(x, rows, padded);
        let kernels = Matrix::new(kernels, outputs, window, window);
        product(values, all, false, kernels, Matrix::new(rows, all, window, window).t());
        vectorised::<Write, _>((self, &*values, bias, y, all));
    }

    /// The transpose of [`correlate`](Self::correlate), each channel moved by `bias`.
    pub(crate) fn scatter(
        &self,
        kernels: &[f32],
        bias: Option<&[f32]>,
        y: &[f32],
        x: &mut [f32],
        space: &mut Space,
    ) {
        let all = y.len() / self.result() * self.places();
        let (window, outputs) = (self.window(), self.outputs);
        let [rows, values, padded] = space.take([window * all, outputs * all, self.ground().len()]);
        vectorised::<Gather, _>((self, y, &mut *values, all));
        let kernels = Matrix::new(kernels, outputs, window, window);
        product(rows, window, false, Matrix::new(values, outputs, all, all).t(), kernels);
        self.add(rows, bias, x, padded);
    }

    /// Adds the gradient of the kernels, in the order of the windows.
    pub(crate) fn kernel_grad(&self, y: &[f32], x: &[f32], sum: &mut [f32], space: &mut Space) {
        let all = y.len() / self.result() * self.places();
        let (window, outputs) = (self.window(), self.outputs);
        let [rows, values, padded] = space.take([window * all, outputs * all, self.ground().len()]);
        self.read(x, rows, padded);
        vectorised::<Gather, _>((self, y, &mut *values, all));
        let rows = Matrix::new(rows, all, window, window);
        product(sum, window, true, Matrix::new(values, outputs, all, all), rows);
    }

    /// Results `[output, example and place]` to `[example, output, place]`, moved by the bias.
    #[inline(always)]
    fn write((op, values, bias, y, all): WriteArgs) {
        let places = op.places();
        for (i, y) in y.chunks_mut(op.result()).enumerate() {
            for (o, y) in y.chunks_mut(places).enumerate() {
                let values = &values[o * all + i * places..][..places];
                let bias = bias.map_or(0.0, |bias| bias[o]);
                for (y, v) in y.iter_mut().zip(values) {
                    *y = v + bias;
                }
            }
        }
    }

    /// Results `[example, output, place]` to `[output, example and place]`.
    #[inline(always)]
    fn gather((op, y, values, all): (&Self, &[f32], &mut [f32], usize)) {
        let places = op.places();
        for (i, y) in y.chunks(op.result()).enumerate() {
            for (o, y) in y.chunks(places).enumerate() {
                values[o * all + i * places..][..places].copy_from_slice(y);
            }
        }
    }

    /// Writes the windows of pictures.
    fn read(&self, x: &[f32], rows: &mut [f32], padded: &mut [f32]) {
        let ground = self.ground();
        ground.clear(padded);
        let own = self.places() * self.window();
        for (x, rows) in x.chunks(self.picture()).zip(rows.chunks_mut(own)) {
            ground.lay(x, padded);
            vectorised::<Read, _>((self, &*padded, rows));
        }
    }

    /// Writes the windows of a padded picture.
    #[inline(always)]
    fn read_windows((op, padded, rows): (&Self, &[f32], &mut [f32])) {
        let ([_, width], (count, run)) = (op.padded(), op.runs());
        for (place, row) in rows.chunks_exact_mut(op.window()).enumerate() {
            for (k, out) in row.chunks_exact_mut(run).enumerate() {
                let from = op.start(place, k, count, width);
                out.copy_from_slice(&padded[from..from + run]);
            }
        }
    }

    /// Adds windows to pictures that start at the bias.
    fn add(&self, rows: &[f32], bias: Option<&[f32]>, x: &mut [f32], padded: &mut [f32]) {
        let own = self.places() * self.window();
        for (x, rows) in x.chunks_mut(self.picture()).zip(rows.chunks(own)) {
            padded.fill(0.0);
            vectorised::<Add, _>((self, rows, &mut *padded));
            self.ground().lift(padded, bias, x);
        }
    }

    /// Adds windows to a padded picture.
    #[inline(always)]
    fn add_windows((op, rows, padded): (&Self, &[f32], &mut [f32])) {
        let ([_, width], (count, run)) = (op.padded(), op.runs());
        for (place, row) in rows.chunks_exact(op.window()).enumerate() {
            for (k, values) in row.chunks_exact(run).enumerate() {
                let from = op.start(place, k, count, width);
                for (p, v) in padded[from..from + run].iter_mut().zip(values) {
                    *p += v;
                }
            }
        }
    }

    /// Runs of memory in a line of a window, and the length of one.
    #[inline(always)]
    fn runs(&self) -> (usize, usize) {
        match self.dilation[1] {
            1 => (1, self.kernel[1] * self.channels),
            _ => (self.kernel[1], self.channels),
        }
    }

    /// Where run `k` of a place's window starts in the padded picture.
    #[inline(always)]
    fn start(&self, place: usize, k: usize, count: usize, width: usize) -> usize {
        let (i, j) = (place / self.out_size[1], place % self.out_size[1]);
        let y = i * self.stride[0] + k / count * self.dilation[0];
        let x = j * self.stride[1] + k % count * self.dilation[1];
        (y * width + x) * self.channels
    }
}

/// Sizes, the products, the bias, the results and the places of the group.
type WriteArgs<'a> = (&'a Windows, &'a [f32], Option<&'a [f32]>, &'a mut [f32], usize);

kernels! {
    ['a] Read: Windows::read_windows, (&'a Windows, &'a [f32], &'a mut [f32]) => ();
    ['a] Gather: Windows::gather, (&'a Windows, &'a [f32], &'a mut [f32], usize) => ();
    ['a] Add: Windows::add_windows, (&'a Windows, &'a [f32], &'a mut [f32]) => ();
    ['a] Write: Windows::write, WriteArgs<'a> => ();
}

/// Memory for the matrices of a group, used again by the next one and by the next convolution.
#[derive(Default)]
pub(crate) struct Space {
    values: Vec<f32>,
}

thread_local! {
    static SPACE: RefCell<Space> = RefCell::default();
}

impl Space {
    /// Lends this thread's memory.
    ///
    /// # Panics
    /// If `work` borrows it again.
    pub(crate) fn lend<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        SPACE.with_borrow_mut(work)
    }

    /// Parts of these lengths, with any values in them.
    pub(crate) fn take<const N: usize>(&mut self, lengths: [usize; N]) -> [&mut [f32]; N] {
        let all = lengths.iter().sum();
        if self.values.len() < all {
            self.values.resize(all, 0.0);
        }
        let mut rest = &mut self.values[..];
        lengths.map(|length| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
            rest = after;
            part
        })
    }
}
