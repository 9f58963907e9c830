//! The nearest of some points.

use burn::tensor::{Int, Tensor};

#[cfg(feature = "flex")]
use crate::host::{on_host, read};

/// The number of the nearest of `points`, by Euclidean distance, for each row of `x`; the first of
/// equally near ones. It has no gradient.
///
/// # Shapes
/// `x` is `[n, d]`, `points` `[m, d]` with `m > 0`; the result is `[n]`.
///
/// # Numerics
/// Distances are compared as `|point|^2 - 2 x . point` in single precision: points that are nearer to
/// each other than its rounding may be taken for each other. A row whose distances are not numbers
/// gets one of the points.
///
/// # Panics
/// If the sizes do not fit, or there are no points.
pub fn nearest(x: Tensor<2>, points: Tensor<2>) -> Tensor<1, Int> {
    let ([_, d], [m, width]) = (x.dims(), points.dims());
    assert!(m > 0 && d == width, "nearest: rows of {d} do not fit points [{m}, {width}]");
    #[cfg(feature = "flex")]
    if on_host(&x) && on_host(&points) {
        return Tensor::from_data(host::nearest(&read(&x), &read(&points)), &x.device());
    }
    let points = points.detach();
    let norms = points.clone().square().sum_dim(1).transpose();
    let distances = norms - x.detach().matmul(points.transpose()) * 2.0;
    distances.argmin(1).squeeze_dim(1)
}

#[cfg(feature = "flex")]
mod host {
    use burn::tensor::TensorData;
    use rayon::prelude::*;

    use crate::gemm::{Matrix, product};
    use crate::host::Array;
    use crate::parallel::{kernels, vectorised};
    use crate::sums;

    /// Rows and points of a table of products, which stays in a core's own cache.
    const ROWS: usize = 64;
    const POINTS: usize = 512;

    /// The lanes of the widest vector.
    const LANES: usize = 16;

    pub(super) fn nearest(x: &Array, points: &Array) -> TensorData {
        let (n, d) = (x.dims()[0], x.dims()[1]);
        let halves: Vec<f32> = match d {
            0 => vec![0.0; points.dims()[0]],
            _ => points.values().chunks_exact(d).map(vectorised::<HalfSquare, _>).collect(),
        };
        let mut index = vec![0i32; n];
        index.par_chunks_mut(ROWS).enumerate().for_each(|(i, index)| {
            let x = &x.values()[i * ROWS * d..][..index.len() * d];
            search(x, points.values(), &halves, index);
        });
        TensorData::new(index, [n])
    }

    /// The nearest points of some rows, a table of points after the other.
    fn search(x: &[f32], points: &[f32], halves: &[f32], index: &mut [i32]) {
        let (rows, d) = (index.len(), points.len() / halves.len());
        let mut least = [f32::INFINITY; ROWS];
        let mut table = vec![0.0; rows * POINTS.min(halves.len())];
        for (from, halves) in halves.chunks(POINTS).enumerate().map(|(i, h)| (i * POINTS, h)) {
            let cols = halves.len();
            let part = Matrix::new(&points[from * d..], cols, d, d);
            product(&mut table, cols, false, Matrix::new(x, rows, d, d), part.t());
            for ((row, least), index) in table.chunks(cols).zip(&mut least).zip(&mut *index) {
                let (value, place) = vectorised::<Least, _>((row, halves));
                if value < *least {
                    (*least, *index) = (value, (from + place) as i32);
                }
            }
        }
    }

    kernels! {
        ['a] HalfSquare: half_square, &'a [f32] => f32;
        ['a] Least: least, (&'a [f32], &'a [f32]) => (f32, usize);
    }

    #[inline(always)]
    fn half_square(point: &[f32]) -> f32 {
        (sums::dot(point, point) / 2.0) as f32
    }

    /// The least of `halves - products`, and its place; the first of equals.
    #[inline(always)]
    fn least((products, halves): (&[f32], &[f32])) -> (f32, usize) {
        let mut values = [f32::INFINITY; LANES];
        let mut places = [0u32; LANES];
        let (products, rest) = products.as_chunks::<LANES>();
        let (halves, rest_halves) = halves.as_chunks::<LANES>();
        for (i, (p, h)) in products.iter().zip(halves).enumerate() {
            for l in 0..LANES {
                let value = h[l] - p[l];
                let less = value < values[l];
                values[l] = if less { value } else { values[l] };
                places[l] = if less { i as u32 } else { places[l] };
            }
        }
        let whole = products.len() * LANES;
        let lanes = (0..LANES).map(|l| (values[l], places[l] as usize * LANES + l));
        let others = rest.iter().zip(rest_halves).enumerate();
        let others = others.map(|(j, (p, h))| (h - p, whole + j));
        let first = |a: (f32, usize), b: (f32, usize)| {
            if b.0 < a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a }
        };
        lanes.chain(others).fold((f32::INFINITY, 0), first)
    }
}
