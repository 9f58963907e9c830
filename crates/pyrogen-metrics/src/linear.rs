//! Decompositions on all cores whose results do not depend on how many there are.
//!
//! faer splits its work by the degree of parallelism that it is given, and where it splits a sum the
//! last digits follow. Its own convenience functions take the number of threads for the degree; here
//! the degree is fixed, and the threads that there are share the pieces.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Accum, Mat, MatMut, MatRef, Par};

use crate::registers::settled;

/// Pieces that a large operation is cut into.
const DEGREE: usize = 16;

/// Operations below this many multiplications stay on one thread.
const LARGE: usize = 1 << 24;

fn pieces(multiplications: usize) -> Par {
    if multiplications < LARGE { Par::Seq } else { Par::rayon(DEGREE) }
}

/// `a b`.
pub(crate) fn product(target: MatMut<f64>, a: MatRef<f64>, b: MatRef<f64>) {
    let par = pieces(a.nrows() * a.ncols() * b.ncols());
    settled(|| matmul(target, Accum::Replace, a, b, 1.0, par));
}

/// The upper triangular factor `R` of `A = QR`, square, for at least as many rows as columns.
pub(crate) fn triangular_factor(mut a: Mat<f64>) -> Mat<f64> {
    let (m, n) = (a.nrows(), a.ncols());
    let par = pieces(m * n * n);
    let block = recommended_block_size::<f64>(m, n);
    let mut householder = Mat::zeros(block, n);
    let mut buffer =
        MemBuffer::new(qr_in_place_scratch::<f64>(m, n, block, par, Default::default()));
    settled(|| {
        let stack = MemStack::new(&mut buffer);
        qr_in_place(a.as_mut(), householder.as_mut(), par, stack, Default::default());
    });
    Mat::from_fn(n, n, |i, j| if i <= j { a[(i, j)] } else { 0.0 })
}

/// The singular values, the largest first; none where the iteration did not converge.
pub(crate) fn singular_values(a: MatRef<f64>) -> Option<Vec<f64>> {
    let (m, n) = (a.nrows(), a.ncols());
    let size = m.min(n);
    let par = pieces(m * n * size);
    let no = ComputeSvdVectors::No;
    let scratch = svd_scratch::<f64>(m, n, no, no, par, Default::default());
    let mut buffer = MemBuffer::new(scratch);
    let mut values = Diag::<f64>::zeros(size);
    settled(|| {
        let stack = MemStack::new(&mut buffer);
        svd(a, values.as_mut(), None, None, par, stack, Default::default())
    })
    .ok()?;
    Some(values.column_vector().iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use rayon::ThreadPoolBuilder;

    use super::*;

    fn normal(rows: usize, cols: usize) -> Mat<f64> {
        let values = Noise::new(Seed(3)).normal_vec(rows * cols);
        Mat::from_fn(rows, cols, |i, j| values[i * cols + j])
    }

    /// Relative to entries of size 10 to 30, over sums of some hundred roundings.
    const ROUNDING: f64 = 1e-11;

    #[test]
    fn the_number_of_threads_changes_nothing() {
        // Large enough for several pieces, and not a multiple of anything.
        let (a, b) = (normal(603, 301), normal(301, 307));
        let on = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut target = Mat::zeros(603, 307);
                product(target.as_mut(), a.as_ref(), b.as_ref());
                (target, triangular_factor(a.clone()), singular_values(a.as_ref()).unwrap())
            })
        };
        let (one, four) = (on(1), on(4));
        assert!(one.0 == four.0, "product");
        assert!(one.1 == four.1, "triangular factor");
        assert_eq!(one.2, four.2);
    }

    #[test]
    fn they_are_what_they_are_called() {
        let a = normal(90, 40);
        let r = triangular_factor(a.clone());
        let (left, right) = (r.transpose() * &r, a.transpose() * &a);
        assert!((left - right).norm_max() < ROUNDING);
        let values = singular_values(a.as_ref()).unwrap();
        let expected = a.singular_values().unwrap();
        assert!(values.iter().zip(&expected).all(|(a, b)| (a - b).abs() < ROUNDING));
        assert!(values.is_sorted_by(|a, b| a >= b));
    }
}
