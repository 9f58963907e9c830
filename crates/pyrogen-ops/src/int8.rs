//! Matrices of whole numbers of eight bits, for inference.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

/// A matrix `W` `[d_in, d_out]` whose columns are whole numbers from -127 to 127 times a scale of their own:
/// `W[i, j] = scale[j] * value[j, i]`, with `scale[j] = max_i |W[i, j]| / 127`.
///
/// It takes a quarter of the memory of single precision. Values are made floating-point numbers as they are
/// read, a few columns at a time: inputs and sums stay in single precision.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_ops::Int8Matrix;
///
/// let device = Device::flex();
/// let weight = Tensor::<2>::from_floats([[1.0, -0.5], [0.25, 2.0]], &device);
/// let matrix = Int8Matrix::of_columns(weight);
/// let x = Tensor::<2>::from_floats([[1.0, 1.0]], &device);
/// let y = matrix.apply(x).into_data().to_vec::<f32>().unwrap();
/// assert!((y[0] - 1.25).abs() < 0.01 && (y[1] - 1.5).abs() < 0.01);
/// ```
#[derive(Debug, Clone)]
pub struct Int8Matrix {
    /// Column by column, `[d_out, d_in]`.
    values: Arc<Vec<i8>>,
    scales: Arc<Vec<f32>>,
    d_in: usize,
}

/// The largest whole number.
const MOST: f32 = 127.0;

impl Int8Matrix {
    /// Of a matrix `[d_in, d_out]`.
    pub fn of_columns(weight: Tensor<2>) -> Self {
        Self::of_rows(weight.transpose())
    }

    /// Of the transpose of a matrix, `[d_out, d_in]`: each row is a column of this one.
    ///
    /// # Numerics
    /// Numbers are rounded to the nearest. A row of zeros stays one; a value that is NaN becomes zero.
    pub fn of_rows(rows: Tensor<2>) -> Self {
        let [d_out, d_in] = rows.dims();
        let data: Vec<f32> = rows.into_data().iter::<f32>().collect();
        let (mut values, mut scales) = (Vec::with_capacity(data.len()), Vec::with_capacity(d_out));
        for row in data.chunks_exact(d_in.max(1)) {
            let largest = row.iter().fold(0f32, |most, v| most.max(v.abs()));
            let scale = largest / MOST;
            let factor = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            values.extend(row.iter().map(|v| (v * factor).round().clamp(-MOST, MOST) as i8));
            scales.push(scale);
        }
        Self { values: Arc::new(values), scales: Arc::new(scales), d_in }
    }

    /// `[d_in, d_out]`.
    pub fn dims(&self) -> [usize; 2] {
        [self.d_in, self.scales.len()]
    }

    /// Bytes that the matrix takes.
    pub fn bytes(&self) -> usize {
        self.values.len() + 4 * self.scales.len()
    }

    /// Some columns as they stand for, `[columns, d_in]`.
    ///
    /// # Panics
    /// If a column is out of range.
    pub fn columns(&self, columns: &[u32], device: &burn::tensor::Device) -> Tensor<2> {
        let mut out = Vec::with_capacity(columns.len() * self.d_in);
        for &column in columns {
            let (column, scale) = (column as usize, self.scales[column as usize]);
            let values = &self.values[column * self.d_in..][..self.d_in];
            out.extend(values.iter().map(|&v| f32::from(v) * scale));
        }
        Tensor::from_data(TensorData::new(out, [columns.len(), self.d_in]), device)
    }

    /// `x W` along the last axis. It has no gradient.
    ///
    /// # Shapes
    /// `x` is `[.., d_in]`, the result `[.., d_out]`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    pub fn apply<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let [d_in, d_out] = self.dims();
        let dims = x.dims();
        assert_eq!(dims[D - 1], d_in, "Int8Matrix: inputs {dims:?} for a matrix of {d_in} rows");
        #[cfg(feature = "flex")]
        if crate::host::on_host(&x) {
            let mut dims = dims;
            dims[D - 1] = d_out;
            let array = host::product(&crate::host::read(&x), &self.values, &self.scales);
            return Tensor::<2>::from_primitive::<burn::backend::Flex>(array.0).reshape(dims);
        }
        let all: Vec<u32> = (0..d_out as u32).collect();
        let weight = self.columns(&all, &x.device()).transpose();
        burn::tensor::module::linear(x, weight, None)
    }
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use crate::host::Array;
    use crate::parallel::{kernels, vectorised};

    /// Rows of inputs up to which whole numbers are read again for each; for more they become a table of
    /// floating-point numbers first. The sums are the same ones: what a row gives does not depend on the
    /// rows beside it.
    const FEW: usize = 3;

    /// Columns that one thread works on, of which a table stays in its cache.
    const COLUMNS: usize = 64;

    /// Columns that are worked out together, so that a number of the inputs is read once for all.
    const TOGETHER: usize = 4;

    /// Partial sums of a column.
    const LANES: usize = 16;

    /// `[rows, d_out]`.
    pub(super) fn product(x: &Array, values: &[i8], scales: &[f32]) -> Array {
        let ([rows, d_in], d_out) = (x.rows(), scales.len());
        // Column by column, and then turned: threads write what is theirs.
        let mut turned = vec![0f32; rows * d_out];
        if turned.is_empty() || d_in == 0 {
            return Array::new(turned, &[rows, d_out]);
        }
        turned.par_chunks_mut(COLUMNS * rows).enumerate().for_each(|(i, out)| {
            let count = out.len() / rows;
            let values = &values[i * COLUMNS * d_in..][..count * d_in];
            let scales = &scales[i * COLUMNS..][..count];
            vectorised::<Columns, _>((out, x.values(), values, scales));
        });
        if rows == 1 {
            return Array::new(turned, &[1, d_out]);
        }
        let mut out = vec![0f32; rows * d_out];
        out.par_chunks_mut(d_out).enumerate().for_each(|(row, out)| {
            out.iter_mut().enumerate().for_each(|(j, out)| *out = turned[j * rows + row]);
        });
        Array::new(out, &[rows, d_out])
    }

    kernels! {
        ['a] Columns: columns, (&'a mut [f32], &'a [f32], &'a [i8], &'a [f32]) => ();
    }

    /// Some columns: `[columns, rows]`.
    #[inline(always)]
    fn columns((out, x, values, scales): (&mut [f32], &[f32], &[i8], &[f32])) {
        let rows = out.len() / scales.len();
        if rows <= FEW {
            return dots(out, x, values, scales);
        }
        let table: Vec<f32> = values.iter().map(|&v| f32::from(v)).collect();
        dots(out, x, &table, scales);
    }

    #[inline(always)]
    fn dots<T: Copy + Into<f32>>(out: &mut [f32], x: &[f32], values: &[T], scales: &[f32]) {
        let (d_in, rows) = (values.len() / scales.len(), out.len() / scales.len());
        let columns = values.chunks(TOGETHER * d_in).zip(out.chunks_mut(TOGETHER * rows));
        for ((values, out), scales) in columns.zip(scales.chunks(TOGETHER)) {
            for (row, x) in x.chunks_exact(d_in).enumerate() {
                if scales.len() == TOGETHER {
                    let sums = sums::<T, TOGETHER>(x, values);
                    for c in 0..TOGETHER {
                        out[c * rows + row] = sums[c] * scales[c];
                    }
                } else {
                    for (c, scale) in scales.iter().enumerate() {
                        let [sum] = sums::<T, 1>(x, &values[c * d_in..][..d_in]);
                        out[c * rows + row] = sum * scale;
                    }
                }
            }
        }
    }

    /// The sums of products with columns, each in an order that does not depend on the others or on the
    /// processor.
    #[inline(always)]
    fn sums<T: Copy + Into<f32>, const N: usize>(x: &[f32], values: &[T]) -> [f32; N] {
        let d_in = x.len();
        let mut lanes = [[0f32; LANES]; N];
        let whole = d_in / LANES * LANES;
        for from in (0..whole).step_by(LANES) {
            let x = &x[from..from + LANES];
            for (c, lanes) in lanes.iter_mut().enumerate() {
                let values = &values[c * d_in + from..][..LANES];
                for l in 0..LANES {
                    let value: f32 = values[l].into();
                    lanes[l] += x[l] * value;
                }
            }
        }
        let mut out = [0f32; N];
        for c in 0..N {
            let mut rest = 0f32;
            for i in whole..d_in {
                let value: f32 = values[c * d_in + i].into();
                rest += x[i] * value;
            }
            let mut width = LANES / 2;
            while width > 0 {
                for l in 0..width {
                    lanes[c][l] += lanes[c][l + width];
                }
                width /= 2;
            }
            out[c] = lanes[c][0] + rest;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host, largest_difference};

    use super::*;

    fn normal<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        Noise::new(Seed(seed)).normal(shape, &device())
    }

    /// Sums of up to 300 products in single precision, in another order.
    const REORDERED: f64 = 2e-5;

    #[test]
    fn it_is_the_product_with_the_rounded_matrix() {
        for (rows, d_in, d_out) in
            [(1, 1, 1), (1, 70, 300), (3, 33, 65), (4, 64, 64), (5, 70, 130), (300, 31, 7)]
        {
            let matrix = Int8Matrix::of_columns(normal([d_in, d_out], 1));
            assert_eq!(matrix.dims(), [d_in, d_out]);
            assert_eq!(matrix.bytes(), d_in * d_out + 4 * d_out);
            let x: Tensor<2> = normal([rows, d_in], 2);
            let all: Vec<u32> = (0..d_out as u32).collect();
            let rounded = matrix.columns(&all, &device()).transpose();
            let off = largest_difference(matrix.apply(x.clone()), x.matmul(rounded));
            assert!(off < REORDERED, "{rows} {d_in} {d_out}: {off}");
        }
    }

    #[test]
    fn each_column_is_off_by_half_a_step_at_most() {
        let weight: Tensor<2> = normal([40, 9], 3) * normal::<2>([1, 9], 4).exp();
        let matrix = Int8Matrix::of_columns(weight.clone());
        let back = matrix.columns(&[0, 1, 2, 3, 4, 5, 6, 7, 8], &device()).transpose();
        let largest = host(weight.clone().abs().max_dim(0));
        for (k, (a, b)) in host(weight).into_iter().zip(host(back)).enumerate() {
            let step = largest[k % 9] / 127.0;
            assert!((a - b).abs() <= 0.5001 * step, "{k}");
        }
    }

    #[test]
    fn zeros_stay_and_rows_do_not_depend_on_their_number() {
        let zero = Int8Matrix::of_columns(Tensor::zeros([5, 3], &device()));
        assert_eq!(host(zero.apply(normal::<2>([2, 5], 1))), [0.0; 6]);
        let matrix = Int8Matrix::of_columns(normal([64, 80], 5));
        let x: Tensor<2> = normal([40, 64], 6);
        let all = matrix.apply(x.clone());
        for rows in [1, 2, 3, 4, 6, 12] {
            let part = matrix.apply(x.clone().narrow(0, 0, rows));
            assert_eq!(host(part), host(all.clone().narrow(0, 0, rows)), "{rows}");
        }
        let three: Tensor<3> = x.clone().reshape([4, 10, 64]);
        assert_eq!(host(matrix.apply(three)), host(all));
    }
}
