//! Small dense matrices, row-major: what covariances of a few columns need.

/// The lower Cholesky factor of a symmetric matrix; none where it is not positive definite.
pub(crate) fn cholesky(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = a[i * n + j] - dot;
            if i == j {
                // Also where it is NaN.
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                l[i * n + i] = rest.sqrt();
            } else {
                l[i * n + j] = rest / l[j * n + j];
            }
        }
    }
    Some(l)
}

/// The inverse of a lower triangle.
pub(crate) fn invert_lower(l: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for j in 0..n {
        inverse[j * n + j] = 1.0 / l[j * n + j];
        for i in j + 1..n {
            let dot: f64 = (j..i).map(|k| l[i * n + k] * inverse[k * n + j]).sum();
            inverse[i * n + j] = -dot / l[i * n + i];
        }
    }
    inverse
}

/// `x` with `l lᵀ x = b`.
pub(crate) fn solve_cholesky(l: &[f64], n: usize, b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - dot) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - dot) / l[i * n + i];
    }
    x
}

/// Eigenvalues of a symmetric matrix and their vectors in columns (Jacobi's cyclic rotations;
/// Golub and Van Loan 2013, 8.5).
pub(crate) fn symmetric_eigen(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = a.to_vec();
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    for _ in 0..60 {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i * n + j].powi(2))
            .sum();
        let diagonal: f64 = (0..n).map(|i| a[i * n + i].powi(2)).sum();
        if off <= 1e-34 * diagonal || off == 0.0 {
            break;
        }
        for q in 1..n {
            for p in 0..q {
                rotate(&mut a, &mut v, n, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}

fn rotate(a: &mut [f64], v: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    let t = tau.signum() / (tau.abs() + (1.0 + tau * tau).sqrt());
    let t = if tau == 0.0 { 1.0 } else { t };
    let c = 1.0 / (1.0 + t * t).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (v[k * n + p], v[k * n + q]);
        (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
}

/// The symmetric matrix nearest in likelihood to `a` whose eigenvalues, in units of `floors`
/// (variances of the columns), are at least 1. Gives whether anything changed.
///
/// This is the maximum-likelihood covariance under that constraint: in coordinates scaled by the
/// square roots of the floors, eigenvalues below 1 become 1.
pub(crate) fn raise_to_floor(a: &mut [f64], n: usize, floors: &[f64]) -> bool {
    let scale: Vec<f64> = floors.iter().map(|f| f.sqrt()).collect();
    let scaled: Vec<f64> = (0..n * n).map(|p| a[p] / (scale[p / n] * scale[p % n])).collect();
    let mut above = scaled.clone();
    (0..n).for_each(|i| above[i * n + i] -= 1.0);
    if cholesky(&above, n).is_some() {
        return false;
    }
    let (values, vectors) = symmetric_eigen(&scaled, n);
    if values.iter().all(|v| *v >= 1.0) {
        return false;
    }
    for i in 0..n {
        for j in 0..n {
            let sum: f64 =
                (0..n).map(|k| vectors[i * n + k] * values[k].max(1.0) * vectors[j * n + k]).sum();
            a[i * n + j] = sum * scale[i] * scale[j];
        }
    }
    // Rounding must not leave it unsymmetric.
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (a[i * n + j] + a[j * n + i]);
            (a[i * n + j], a[j * n + i]) = (mean, mean);
        }
    }
    true
}

/// Solves `a x = b` for a general square matrix by elimination with row exchanges; none where it is
/// singular. `b` and the answer have `m` columns.
pub(crate) fn solve(a: &[f64], n: usize, b: &[f64], m: usize) -> Option<Vec<f64>> {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs()))?;
        let value = a[pivot * n + k];
        if value == 0.0 || !value.is_finite() {
            return None;
        }
        (0..n).for_each(|c| a.swap(k * n + c, pivot * n + c));
        (0..m).for_each(|c| b.swap(k * m + c, pivot * m + c));
        for i in k + 1..n {
            let factor = a[i * n + k] / a[k * n + k];
            if factor != 0.0 {
                (k..n).for_each(|c| a[i * n + c] -= factor * a[k * n + c]);
                (0..m).for_each(|c| b[i * m + c] -= factor * b[k * m + c]);
            }
        }
    }
    for i in (0..n).rev() {
        for c in 0..m {
            let dot: f64 = (i + 1..n).map(|j| a[i * n + j] * b[j * m + c]).sum();
            b[i * m + c] = (b[i * m + c] - dot) / a[i * n + i];
        }
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
        (0..n * n).map(|p| (0..n).map(|k| a[p / n * n + k] * b[k * n + p % n]).sum()).collect()
    }

    fn transposed(a: &[f64], n: usize) -> Vec<f64> {
        (0..n * n).map(|p| a[p % n * n + p / n]).collect()
    }

    /// Rounding of sums of four terms of size ten.
    const CLOSE: f64 = 1e-13;

    #[test]
    fn factors_and_eigenvectors_give_the_matrix_again() {
        let n = 4;
        let half: Vec<f64> = (0..16).map(|i| ((i * 7 % 11) as f64 - 4.0) / 3.0).collect();
        let a = product(&half, &transposed(&half, n), n);
        let l = cholesky(&a, n).unwrap();
        let near =
            |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < CLOSE * 10.0);
        assert!(near(&product(&l, &transposed(&l, n), n), &a));
        let unit = product(&l, &invert_lower(&l, n), n);
        assert!((0..16).all(|p| (unit[p] - f64::from(u8::from(p / 4 == p % 4))).abs() < CLOSE));
        let (values, v) = symmetric_eigen(&a, n);
        let scaled: Vec<f64> = (0..16).map(|p| v[p] * values[p % 4]).collect();
        assert!(near(&product(&scaled, &transposed(&v, n), n), &a));
        let b = [1.0, -2.0, 3.0, 0.5];
        let x = solve_cholesky(&l, n, &b);
        let y = solve(&a, n, &b, 1).unwrap();
        assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() < 1e-9 * x.abs().max(1.0)));
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(cholesky(&[f64::NAN], 1).is_none());
        assert!(solve(&[1.0, 2.0, 2.0, 4.0], 2, &[1.0, 1.0], 1).is_none());
    }

    #[test]
    fn covariances_are_raised_to_the_floor() {
        let mut flat = [1.0, 1.0, 1.0, 1.0];
        assert!(raise_to_floor(&mut flat, 2, &[0.01, 0.01]));
        let (values, _) = symmetric_eigen(&flat, 2);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((least - 0.01).abs() < CLOSE, "{values:?}");
        let mut wide = [2.0, 0.5, 0.5, 1.0];
        assert!(!raise_to_floor(&mut wide, 2, &[0.01, 0.01]));
        assert_eq!(wide, [2.0, 0.5, 0.5, 1.0]);
    }
}
