//! Decompositions on all cores whose results do not depend on how many there are.
//!
//! faer splits its work by the degree of parallelism that it is given, and where it splits a sum the
//! last digits follow. Its own convenience functions take the number of threads for the degree; here
//! the degree is fixed, and the threads that there are share the pieces.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
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

/// Adds the lower triangle of `rows^T rows` to a square matrix.
pub(crate) fn add_gram(target: &mut Mat<f64>, rows: MatRef<f64>) {
    let (n, d) = (rows.nrows(), rows.ncols());
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    let par = pieces(n * d * d);
    settled(|| {
        let (left, target) = (rows.transpose(), target.as_mut());
        triangular::matmul(target, lower, Accum::Add, left, whole, rows, whole, 1.0, par);
    });
}

/// The upper triangular `R` with `R^T R = A`, from the lower triangle of `A`; none where `A` is not
/// positive definite up to rounding.
pub(crate) fn cholesky_factor(mut a: Mat<f64>) -> Option<Mat<f64>> {
    let n = a.nrows();
    let par = pieces(n * n * n);
    let mut buffer = MemBuffer::new(cholesky_in_place_scratch::<f64>(n, par, Default::default()));
    settled(|| {
        let stack = MemStack::new(&mut buffer);
        cholesky_in_place(a.as_mut(), Default::default(), par, stack, Default::default())
    })
    .ok()?;
    Some(Mat::from_fn(n, n, |i, j| if i <= j { a[(j, i)] } else { 0.0 }))
}

/// The eigenvalues of a symmetric matrix, of which the lower triangle is read; none where the
/// iteration did not converge.
pub(crate) fn symmetric_eigenvalues(a: MatRef<f64>) -> Option<Vec<f64>> {
    let n = a.nrows();
    let par = pieces(n * n * n);
    let no = ComputeEigenvectors::No;
    let scratch = self_adjoint_evd_scratch::<f64>(n, no, par, Default::default());
    let mut buffer = MemBuffer::new(scratch);
    let mut values = Diag::<f64>::zeros(n);
    settled(|| {
        let stack = MemStack::new(&mut buffer);
        self_adjoint_evd(a, values.as_mut(), None, par, stack, Default::default())
    })
    .ok()?;
    Some(values.column_vector().iter().copied().collect())
}

/// The eigenvalues of a symmetric matrix, the smallest first, and their eigenvectors as columns; the
/// lower triangle is read; none where the iteration did not converge.
pub(crate) fn symmetric_eigenvectors(a: MatRef<f64>) -> Option<(Vec<f64>, Mat<f64>)> {
    let n = a.nrows();
    let par = pieces(n * n * n);
    let yes = ComputeEigenvectors::Yes;
    let scratch = self_adjoint_evd_scratch::<f64>(n, yes, par, Default::default());
    let mut buffer = MemBuffer::new(scratch);
    let mut values = Diag::<f64>::zeros(n);
    let mut vectors = Mat::zeros(n, n);
    settled(|| {
        let stack = MemStack::new(&mut buffer);
        let to = Some(vectors.as_mut());
        self_adjoint_evd(a, values.as_mut(), to, par, stack, Default::default())
    })
    .ok()?;
    Some((values.column_vector().iter().copied().collect(), vectors))
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
                let mut gram = Mat::zeros(301, 301);
                add_gram(&mut gram, a.as_ref());
                let factors =
                    [triangular_factor(a.clone()), cholesky_factor(gram.clone()).unwrap()];
                let singular = singular_values(a.as_ref()).unwrap();
                (target, factors, singular, symmetric_eigenvalues(gram.as_ref()).unwrap())
            })
        };
        let (one, four) = (on(1), on(4));
        assert!(one.0 == four.0, "product");
        assert!(one.1 == four.1, "triangular factors");
        assert_eq!(one.2, four.2, "singular values");
        assert_eq!(one.3, four.3, "eigenvalues");
    }

    #[test]
    fn a_gram_matrix_has_the_squares_of_the_singular_values() {
        let a = normal(90, 40);
        let mut gram = Mat::zeros(40, 40);
        add_gram(&mut gram, a.get(..50, ..));
        add_gram(&mut gram, a.get(50.., ..));
        let eigenvalues = symmetric_eigenvalues(gram.as_ref()).unwrap();
        let mut singular = singular_values(a.as_ref()).unwrap();
        singular.reverse();
        assert!(eigenvalues.iter().zip(&singular).all(|(e, s)| (e - s * s).abs() < ROUNDING));
        let r = cholesky_factor(gram).unwrap();
        assert!((r.transpose() * &r - a.transpose() * &a).norm_max() < ROUNDING);
        assert!(
            cholesky_factor(Mat::from_fn(2, 2, |i, j| if i == j { 0.5 } else { 1.0 })).is_none()
        );
    }

    #[test]
    fn eigenvectors_belong_to_their_eigenvalues() {
        let mut gram = Mat::zeros(30, 30);
        add_gram(&mut gram, normal(50, 30).as_ref());
        let (values, vectors) = symmetric_eigenvectors(gram.as_ref()).unwrap();
        assert_eq!(values, symmetric_eigenvalues(gram.as_ref()).unwrap());
        let whole = Mat::from_fn(30, 30, |i, j| gram[(i.max(j), i.min(j))]);
        let scaled = Mat::from_fn(30, 30, |i, j| vectors[(i, j)] * values[j]);
        assert!((&whole * &vectors - scaled).norm_max() < ROUNDING);
        assert!(
            (vectors.transpose() * &vectors - Mat::<f64>::identity(30, 30)).norm_max() < ROUNDING
        );
        assert!(values.is_sorted());
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
