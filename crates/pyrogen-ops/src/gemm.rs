//! Products of matrices in parts of arrays, on the calling thread.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::parallel::{kernels, vectorised};

/// A matrix in an array: rows `stride` apart, or with [`t`](Self::t) columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a>(MatRef<'a, f32>);

impl<'a> Matrix<'a> {
    /// `rows` times `cols` values in row-major order, the rows `stride` apart.
    ///
    /// # Panics
    /// If the array is too short.
    pub(crate) fn new(values: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        let needed = span(rows, cols, stride);
        Self(MatRef::from_row_major_slice_with_stride(&values[..needed], rows, cols, stride))
    }

    /// Some of the rows.
    pub(crate) fn rows(self, from: usize, count: usize) -> Self {
        Self(self.0.subrows(from, count))
    }

    /// Some of the columns.
    pub(crate) fn columns(self, from: usize, count: usize) -> Self {
        Self(self.0.subcols(from, count))
    }

    /// The transpose of the same values.
    pub(crate) fn t(self) -> Self {
        Self(self.0.transpose())
    }
}

fn span(rows: usize, cols: usize, stride: usize) -> usize {
    if rows == 0 { 0 } else { (rows - 1) * stride + cols }
}

/// `out = a b`, or `out += a b`, for an `out` whose rows are `stride` apart.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn product(out: &mut [f32], stride: usize, add: bool, a: Matrix, b: Matrix) {
    let (rows, cols) = (a.0.nrows(), b.0.ncols());
    let out = &mut out[..span(rows, cols, stride)];
    // As the product of the transposes: faer 0.24's constructor for row-major parts that are
    // written to (`from_row_major_slice_with_stride_mut`) takes rows for columns.
    let out = MatMut::from_column_major_slice_with_stride_mut(out, cols, rows, stride);
    let accumulate = if add { Accum::Add } else { Accum::Replace };
    matmul(out, accumulate, b.0.transpose(), a.0.transpose(), 1.0, Par::Seq);
    settle();
}

/// Rows of a result that one thread works out.
const ROWS: usize = 64;

/// `out = a b` on all threads.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn large_product(out: &mut [f32], a: Matrix, b: Matrix) {
    let (rows, cols) = (a.0.nrows(), b.0.ncols());
    assert_eq!(out.len(), rows * cols, "large_product: another size");
    let piece = ROWS.max(rows.div_ceil(16)) * cols;
    out.par_chunks_mut(piece.max(1)).enumerate().for_each(|(i, out)| {
        let (from, count) = (i * piece / cols, out.len() / cols);
        product(out, cols, false, a.rows(from, count), b);
    });
}

/// Clears the upper halves of this thread's vector registers.
///
/// faer 0.24's product for x86-64 returns with them in use, and from then on plain floating-point
/// functions of the thread take about thirty times as long, until compiled vector code leaves them
/// clear on its way out.
#[inline(never)]
fn settle() {
    let ones = std::hint::black_box([1f32; 32]);
    let mut sums = [0f32; 32];
    vectorised::<Add, _>((&mut sums, &ones));
    std::hint::black_box(sums);
}

kernels! {
    ['a] Add: add, (&'a mut [f32; 32], &'a [f32; 32]) => ();
}

#[inline(always)]
fn add((sums, values): (&mut [f32; 32], &[f32; 32])) {
    for (s, x) in sums.iter_mut().zip(values) {
        *s += x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 + 11) % 23) as f32 - 11.0).collect()
    }

    #[test]
    fn strided_and_transposed_products_are_the_sums_they_stand_for() {
        let (m, k, n, stride) = (5, 7, 6, 9);
        let (a, b) = (values(k * m), values(k * stride));
        let mut out = values(m * stride);
        let before = out.clone();
        let (left, right) = (Matrix::new(&a, k, m, m).t(), Matrix::new(&b, k, n, stride));
        product(&mut out, stride, true, left, right);
        for i in 0..m {
            for j in 0..stride {
                let sum: f32 = (0..k).map(|l| a[l * m + i] * b[l * stride + j]).sum();
                let expected = before[i * stride + j] + if j < n { sum } else { 0.0 };
                assert_eq!(out[i * stride + j], expected, "{i} {j}");
            }
        }
    }
}
