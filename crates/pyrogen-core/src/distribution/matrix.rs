//! Batched linear algebra whose gradients flow: Cholesky factors and triangular inverses.
//!
//! The host computes values in double precision. A matrix function's first-order expansion around its
//! argument, written in tensor operations, has the value and carries the gradient:
//!
//! ```text
//! L^-1            = M - M (L - L0) M                               M = L0^-1
//! cholesky(A)     = L0 + L0 phi(M (A - A0) M^T)
//! ```
//!
//! where `phi` takes the lower triangle with half the diagonal (Murray 2016, "Differentiation of the
//! Cholesky decomposition", eq. 10), and `L - L0` is zero in value.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use crate::ParameterError;
use crate::real::tensor;

/// The inverse of lower triangular matrices in the last two axes. What lies above the diagonal is
/// not read. A zero on the diagonal gives infinities.
pub(crate) fn lower_inverse<const X: usize>(factor: Tensor<X>) -> Tensor<X> {
    let at = plain(factor.clone());
    let inverse: Tensor<X> = on_host(&at, invert);
    if !factor.is_tracked() {
        return inverse;
    }
    let change = (factor - at).tril(0);
    inverse.clone() - inverse.clone().matmul(change).matmul(inverse)
}

/// The Cholesky factors of symmetric matrices in the last two axes. The lower triangle is read. A
/// matrix that is not positive definite gives NaN.
pub(crate) fn cholesky<const X: usize>(matrix: Tensor<X>) -> Tensor<X> {
    let at = plain(matrix.clone());
    let factor: Tensor<X> = on_host(&at, factorise);
    if !matrix.is_tracked() {
        return factor;
    }
    let inverse: Tensor<X> = on_host(&factor, invert);
    let transposed = inverse.clone().swap_dims(X - 2, X - 1);
    // The upper triangle is the lower's mirror image.
    let change = matrix - at;
    let lower = change.clone().tril(-1);
    let change = change.tril(0) + lower.swap_dims(X - 2, X - 1);
    let inner = inverse.matmul(change).matmul(transposed);
    let half = inner.clone().tril(0) + inner.tril(-1);
    factor.clone() + factor.matmul(half * 0.5)
}

/// How much two numbers across the diagonal may differ, as a share of the largest number.
const ASYMMETRY: f64 = 1e-5;

/// The Cholesky factors of symmetric positive-definite matrices, or which number of which pivot is not
/// so. The check reads the matrices from the device.
pub(crate) fn checked_cholesky<const X: usize>(
    distribution: &'static str,
    [parameter, pivot]: [&'static str; 2],
    matrix: Tensor<X>,
) -> Result<Tensor<X>, ParameterError> {
    let n = matrix.dims()[X - 1];
    assert_eq!(matrix.dims()[X - 2], n, "{distribution}: `{parameter}` is not square");
    let values: Vec<f64> = plain(matrix.clone()).into_data().iter().collect();
    let wrong = |parameter, expected, got, index| {
        Err(ParameterError { distribution, parameter, expected, got, index })
    };
    for (m, matrix) in values.chunks(n * n).enumerate() {
        let largest = matrix.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (k, &x) in matrix.iter().enumerate() {
            let across = matrix[k % n * n + k / n];
            if !x.is_finite() {
                return wrong(parameter, "finite", x, m * n * n + k);
            }
            if (x - across).abs() > ASYMMETRY * largest {
                return wrong(parameter, "symmetric", x, m * n * n + k);
            }
        }
        let mut work = matrix.to_vec();
        if let Some((i, rest)) = factorise_or(&mut work, n) {
            return wrong(pivot, "positive (a positive-definite matrix)", rest, m * n + i);
        }
    }
    Ok(cholesky(matrix))
}

/// The diagonals of matrices in the last two axes, `[.., n, 1]`.
pub(crate) fn diagonal<const X: usize>(matrix: Tensor<X>) -> Tensor<X> {
    let n = matrix.dims()[X - 1];
    let mut dims = [1; X];
    (dims[X - 2], dims[X - 1]) = (n, n);
    let mask = Tensor::<2, burn::tensor::Bool>::diag_mask([n, n], 0, &matrix.device());
    let mask = mask.reshape(dims).expand(matrix.dims());
    // True off the diagonal.
    matrix.mask_fill(mask, 0.0).sum_dim(X - 1)
}

/// Without the graph.
fn plain<const X: usize>(x: Tensor<X>) -> Tensor<X> {
    if x.device().is_autodiff() { Tensor::from_inner(x.inner()) } else { x }
}

/// A function of each matrix on the host, in place.
fn on_host<const X: usize>(x: &Tensor<X>, f: fn(&mut [f64], usize)) -> Tensor<X> {
    let (dims, device, dtype) = (x.dims(), x.device(), x.dtype());
    let n = dims[X - 1];
    assert_eq!(dims[X - 2], n, "a matrix of {} x {n} is not square", dims[X - 2]);
    let x = if device.is_autodiff() { x.clone().inner() } else { x.clone() };
    let mut values: Vec<f64> = x.into_data().iter().collect();
    if n > 0 {
        values.par_chunks_mut(n * n).for_each(|matrix| f(matrix, n));
    }
    let data = TensorData::new(values, dims.to_vec());
    tensor(if dtype == DType::F64 { data } else { data.convert_dtype(dtype) }, &device)
}

/// Cholesky's factor of one matrix, row by row; the upper triangle is cleared.
pub(crate) fn factorise(a: &mut [f64], n: usize) {
    factorise_or(a, n);
}

/// The same, and the first pivot that is not positive: its number and its value.
fn factorise_or(a: &mut [f64], n: usize) -> Option<(usize, f64)> {
    let mut wrong = None;
    for i in 0..n {
        for j in 0..=i {
            let products: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - products;
            // Below, what is left is the rounding of the sum.
            let least = 4.0 * f64::EPSILON * (a[i * n + j].abs() + products.abs());
            // NaN is no pivot either.
            if i == j && rest.partial_cmp(&least) != Some(std::cmp::Ordering::Greater) {
                wrong = wrong.or(Some((i, rest)));
            }
            a[i * n + j] = match i == j {
                true if rest > least => rest.sqrt(),
                true => f64::NAN,
                false => rest / a[j * n + j],
            };
        }
        a[i * n + i + 1..(i + 1) * n].fill(0.0);
    }
    wrong
}

/// The inverse of one lower triangular matrix, column by column.
pub(crate) fn invert(l: &mut [f64], n: usize) {
    let mut inverse = vec![0.0; n * n];
    for j in 0..n {
        inverse[j * n + j] = 1.0 / l[j * n + j];
        for i in j + 1..n {
            let sum: f64 = (j..i).map(|k| l[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = -sum / l[i * n + i];
        }
    }
    l.copy_from_slice(&inverse);
}
