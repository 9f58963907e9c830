//! The windows of a picture that a convolution's kernel covers, as columns of a matrix.

use crate::gemm::{Matrix, product};

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

    /// Elements of a window: the rows of the matrix.
    pub(crate) fn rows(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// `y = w col(x)` for the pictures of a group, each result moved by `bias`.
    ///
    /// `x` and `y` hold the pictures one after the other.
    pub(crate) fn correlate(
        &self,
        w: &[f32],
        bias: Option<&[f32]>,
        x: &[f32],
        y: &mut [f32],
        space: &mut Space,
    ) {
        let places = self.places();
        let all = y.len() / self.result() * places;
        let (rows, outputs) = (self.rows(), self.outputs);
        let [columns, values] = space.take(rows * all, outputs * all);
        self.read(x, columns, all);
        let (w, columns) =
            (Matrix::new(w, outputs, rows, rows), Matrix::new(columns, rows, all, all));
        product(values, all, false, w, columns);
        for (i, y) in y.chunks_mut(self.result()).enumerate() {
            for (o, y) in y.chunks_mut(places).enumerate() {
                let values = &values[o * all + i * places..][..places];
                let bias = bias.map_or(0.0, |bias| bias[o]);
                y.iter_mut().zip(values).for_each(|(y, v)| *y = v + bias);
            }
        }
    }

    /// `x = picture(w^T y)`, the transpose of [`correlate`](Self::correlate), each channel moved by
    /// `bias`.
    pub(crate) fn scatter(
        &self,
        w: &[f32],
        bias: Option<&[f32]>,
        y: &[f32],
        x: &mut [f32],
        space: &mut Space,
    ) {
        let all = y.len() / self.result() * self.places();
        let (rows, outputs) = (self.rows(), self.outputs);
        let [columns, values] = space.take(rows * all, outputs * all);
        self.gather(y, values, all);
        let w = Matrix::new(w, outputs, rows, rows).t();
        product(columns, all, false, w, Matrix::new(values, outputs, all, all));
        match bias {
            None => x.fill(0.0),
            Some(bias) => {
                let channel = self.size[0] * self.size[1];
                let channels = x.chunks_mut(channel).zip(bias.iter().cycle());
                channels.for_each(|(x, &b)| x.fill(b));
            }
        }
        self.add(columns, x, all);
    }

    /// `dw += y col(x)^T`.
    pub(crate) fn weight_grad(&self, y: &[f32], x: &[f32], dw: &mut [f32], space: &mut Space) {
        let all = y.len() / self.result() * self.places();
        let (rows, outputs) = (self.rows(), self.outputs);
        let [columns, values] = space.take(rows * all, outputs * all);
        self.read(x, columns, all);
        self.gather(y, values, all);
        let columns = Matrix::new(columns, rows, all, all).t();
        product(dw, rows, true, Matrix::new(values, outputs, all, all), columns);
    }

    /// Results `[example, output, place]` to `[output, example and place]`.
    fn gather(&self, y: &[f32], values: &mut [f32], all: usize) {
        let places = self.places();
        for (i, y) in y.chunks(self.result()).enumerate() {
            for (o, y) in y.chunks(places).enumerate() {
                values[o * all + i * places..][..places].copy_from_slice(y);
            }
        }
    }

    /// Writes the windows of pictures; a matrix row has `all` places.
    fn read(&self, x: &[f32], columns: &mut [f32], all: usize) {
        let places = self.places();
        for (i, x) in x.chunks(self.picture()).enumerate() {
            self.each_row(|row, plane, offset| {
                let out = &mut columns[row * all + i * places..][..places];
                let x = &x[plane..plane + self.size[0] * self.size[1]];
                self.read_row(x, out, offset);
            });
        }
    }

    /// Adds windows to pictures.
    fn add(&self, columns: &[f32], x: &mut [f32], all: usize) {
        let places = self.places();
        for (i, x) in x.chunks_mut(self.picture()).enumerate() {
            self.each_row(|row, plane, offset| {
                let values = &columns[row * all + i * places..][..places];
                let x = &mut x[plane..plane + self.size[0] * self.size[1]];
                self.add_row(values, x, offset);
            });
        }
    }

    /// Calls `work` for each row of the matrix with the start of its channel's plane and the place
    /// in the kernel.
    fn each_row(&self, mut work: impl FnMut(usize, usize, [usize; 2])) {
        let [kh, kw] = self.kernel;
        let plane = self.size[0] * self.size[1];
        for row in 0..self.rows() {
            let (c, k) = (row / (kh * kw), row % (kh * kw));
            work(row, c * plane, [k / kw, k % kw]);
        }
    }

    /// The results along an axis whose window has this kernel element within the picture, and the
    /// position of the first.
    fn valid(&self, axis: usize, k: usize) -> (usize, usize, usize) {
        let (stride, shift) = (self.stride[axis], k * self.dilation[axis]);
        let (padding, size) = (self.padding[axis], self.size[axis]);
        let first = padding.saturating_sub(shift).div_ceil(stride);
        let end = (size + padding).saturating_sub(shift).div_ceil(stride);
        let end = end.min(self.out_size[axis]);
        let first = first.min(end);
        (first, end, (first * stride + shift).saturating_sub(padding))
    }

    fn read_row(&self, x: &[f32], out: &mut [f32], [ky, kx]: [usize; 2]) {
        let width = self.size[1];
        let (top, bottom, y0) = self.valid(0, ky);
        let (left, right, x0) = self.valid(1, kx);
        let out_width = self.out_size[1];
        out[..top * out_width].fill(0.0);
        out[bottom * out_width..].fill(0.0);
        for oy in top..bottom {
            let line = &x[(y0 + (oy - top) * self.stride[0]) * width..][..width];
            let out = &mut out[oy * out_width..][..out_width];
            out[..left].fill(0.0);
            out[right..].fill(0.0);
            let out = &mut out[left..right];
            if out.is_empty() {
                continue;
            }
            let line = &line[x0..];
            match self.stride[1] {
                1 => out.copy_from_slice(&line[..out.len()]),
                2 => out.iter_mut().zip(line.iter().step_by(2)).for_each(|(o, v)| *o = *v),
                s => out.iter_mut().zip(line.iter().step_by(s)).for_each(|(o, v)| *o = *v),
            }
        }
    }

    fn add_row(&self, values: &[f32], x: &mut [f32], [ky, kx]: [usize; 2]) {
        let width = self.size[1];
        let (top, bottom, y0) = self.valid(0, ky);
        let (left, right, x0) = self.valid(1, kx);
        let out_width = self.out_size[1];
        if left == right {
            return;
        }
        for oy in top..bottom {
            let line = &mut x[(y0 + (oy - top) * self.stride[0]) * width..][..width];
            let values = &values[oy * out_width + left..oy * out_width + right];
            let line = &mut line[x0..];
            match self.stride[1] {
                1 => line.iter_mut().zip(values).for_each(|(x, v)| *x += v),
                2 => line.iter_mut().step_by(2).zip(values).for_each(|(x, v)| *x += v),
                s => line.iter_mut().step_by(s).zip(values).for_each(|(x, v)| *x += v),
            }
        }
    }
}

/// Memory for the matrices of a group, used again by the next one.
#[derive(Default)]
pub(crate) struct Space {
    values: Vec<f32>,
}

impl Space {
    pub(crate) fn take(&mut self, first: usize, second: usize) -> [&mut [f32]; 2] {
        if self.values.len() < first + second {
            self.values.resize(first + second, 0.0);
        }
        let (a, rest) = self.values.split_at_mut(first);
        [a, &mut rest[..second]]
    }
}
