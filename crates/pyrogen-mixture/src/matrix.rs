//! Small symmetric and triangular matrices.
//!
//! Both are held as their lower triangle, row by row: `a[i (i + 1) / 2 + j]` for `j <= i`.

/// Numbers of a lower triangle.
pub(crate) fn packed(d: usize) -> usize {
    d * (d + 1) / 2
}

/// The place of `(i, j)` in either order.
#[inline(always)]
pub(crate) fn at(i: usize, j: usize) -> usize {
    if i >= j { i * (i + 1) / 2 + j } else { j * (j + 1) / 2 + i }
}

/// What an earlier columns' explanation leaves of a variance, below which the rest is rounding.
const SINGULAR: f64 = 1e-13;

/// A pivot that is not positive, or too small beside its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BadPivot {
    pub column: usize,
    pub pivot: f64,
}

/// The lower triangular `L` with `L L^T = a`.
pub(crate) fn cholesky(a: &[f64], d: usize) -> Result<Vec<f64>, BadPivot> {
    let mut l = a.to_vec();
    for i in 0..d {
        for j in 0..=i {
            let (row_i, row_j) = (&l[at(i, 0)..], &l[at(j, 0)..]);
            let dot: f64 = row_i[..j].iter().zip(&row_j[..j]).map(|(x, y)| x * y).sum();
            let rest = l[at(i, j)] - dot;
            if i == j {
                let least = SINGULAR * a[at(i, i)];
                if !(rest > least && rest.is_finite()) {
                    return Err(BadPivot { column: i, pivot: rest });
                }
                l[at(i, i)] = rest.sqrt();
            } else {
                l[at(i, j)] = rest / l[at(j, j)];
            }
        }
    }
    Ok(l)
}

/// A lower triangular root of a matrix that may be singular: what is left of a column below rounding
/// is nothing.
pub(crate) fn root(a: &[f64], d: usize) -> Vec<f64> {
    let mut l = a.to_vec();
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|m| l[at(i, m)] * l[at(j, m)]).sum();
            let rest = l[at(i, j)] - dot;
            l[at(i, j)] = match (i == j, l[at(j, j)]) {
                (true, _) if rest <= SINGULAR * a[at(i, i)] => 0.0,
                (true, _) => rest.sqrt(),
                (false, 0.0) => 0.0,
                (false, pivot) => rest / pivot,
            };
        }
    }
    l
}

/// The inverse of a lower triangular matrix.
pub(crate) fn invert_lower(l: &[f64], d: usize) -> Vec<f64> {
    let mut p = vec![0.0; packed(d)];
    for j in 0..d {
        p[at(j, j)] = 1.0 / l[at(j, j)];
        for i in j + 1..d {
            let sum: f64 = (j..i).map(|m| l[at(i, m)] * p[at(m, j)]).sum();
            p[at(i, j)] = -sum / l[at(i, i)];
        }
    }
    p
}

/// `p^T p` for a lower triangular `p`: the inverse of `a` where `p` inverts its Cholesky factor.
pub(crate) fn transposed_square(p: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; packed(d)];
    for i in 0..d {
        for j in 0..=i {
            out[at(i, j)] = (i..d).map(|m| p[at(m, i)] * p[at(m, j)]).sum();
        }
    }
    out
}

/// `trace(a b)` of two symmetric matrices.
pub(crate) fn trace_of_product(a: &[f64], b: &[f64], d: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..d {
        for j in 0..=i {
            let both = if i == j { 1.0 } else { 2.0 };
            sum += both * a[at(i, j)] * b[at(i, j)];
        }
    }
    sum
}

/// All `d x d` entries, row-major.
pub(crate) fn unpack(a: &[f64], d: usize) -> Vec<f64> {
    (0..d * d).map(|e| a[at(e / d, e % d)]).collect()
}

/// Adds `factor v v^T`.
pub(crate) fn add_outer(a: &mut [f64], v: &[f64], factor: f64) {
    for (i, x) in v.iter().enumerate() {
        let row = &mut a[at(i, 0)..][..=i];
        row.iter_mut().zip(v).for_each(|(a, y)| *a += factor * x * y);
    }
}

/// `sum_l values_l q_l q_l^T`, where `q_l` is column `l` of the row-major `q`.
pub(crate) fn from_axes(q: &[f64], values: &[f64]) -> Vec<f64> {
    let d = values.len();
    let mut out = vec![0.0; packed(d)];
    for i in 0..d {
        for j in 0..=i {
            let sum = (0..d).map(|l| values[l] * q[i * d + l] * q[j * d + l]).sum();
            out[at(i, j)] = sum;
        }
    }
    out
}

/// `q^T a q`, row-major, all entries.
pub(crate) fn rotated(a: &[f64], q: &[f64], d: usize) -> Vec<f64> {
    let mut half = vec![0.0; d * d]; // a q
    for i in 0..d {
        for m in 0..d {
            let x = a[at(i, m)];
            let (row, q) = (&mut half[i * d..][..d], &q[m * d..][..d]);
            row.iter_mut().zip(q).for_each(|(h, q)| *h += x * q);
        }
    }
    let mut out = vec![0.0; d * d];
    for m in 0..d {
        for i in 0..d {
            let x = q[m * d + i];
            let (row, half) = (&mut out[i * d..][..d], &half[m * d..][..d]);
            row.iter_mut().zip(half).for_each(|(o, h)| *o += x * h);
        }
    }
    out
}

/// Turns columns `l` and `m` of a row-major matrix: `(c l + s m, c m - s l)`.
pub(crate) fn turn_columns(q: &mut [f64], d: usize, l: usize, m: usize, c: f64, s: f64) {
    for row in q.chunks_exact_mut(d) {
        let (x, y) = (row[l], row[m]);
        (row[l], row[m]) = (c * x + s * y, c * y - s * x);
    }
}

/// Turns rows and columns `l` and `m` of a symmetric row-major matrix.
pub(crate) fn turn_both(a: &mut [f64], d: usize, l: usize, m: usize, c: f64, s: f64) {
    turn_columns(a, d, l, m, c, s);
    for j in 0..d {
        let (x, y) = (a[l * d + j], a[m * d + j]);
        (a[l * d + j], a[m * d + j]) = (c * x + s * y, c * y - s * x);
    }
}

/// Eigenvalues, the largest first, and the eigenvectors as columns of a row-major matrix.
///
/// Jacobi's method by cyclic sweeps (Golub and Van Loan 2013, section 8.5): small eigenvalues keep
/// their digits, and the order of operations is fixed.
pub(crate) fn eigen(a: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = unpack(a, d);
    let mut q: Vec<f64> = (0..d * d).map(|e| f64::from(e / d == e % d)).collect();
    for _ in 0..60 {
        let mut turned = false;
        for l in 0..d {
            for m in l + 1..d {
                let (x, y, both) = (a[l * d + l], a[m * d + m], a[l * d + m]);
                // What is left is below the rounding of the two diagonal entries.
                if both == 0.0 || both * both <= 1e-34 * (x * y).abs() {
                    continue;
                }
                turned = true;
                let theta = (x - y) / (2.0 * both);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                turn_both(&mut a, d, l, m, c, t * c);
                turn_columns(&mut q, d, l, m, c, t * c);
            }
        }
        if !turned {
            break;
        }
    }
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&i, &j| a[j * d + j].total_cmp(&a[i * d + i]));
    let values = order.iter().map(|&i| a[i * d + i]).collect();
    let vectors = (0..d * d).map(|e| q[e / d * d + order[e % d]]).collect();
    (values, vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSE: f64 = 1e-12; // rounding of some hundred operations on numbers of size 1 to 10

    fn example(d: usize) -> Vec<f64> {
        let mut a = vec![0.0; packed(d)];
        for n in 0..d + 3 {
            let v: Vec<f64> = (0..d).map(|i| ((n * d + i) as f64).powi(2).sin()).collect();
            add_outer(&mut a, &v, 1.0 + n as f64);
        }
        a
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < CLOSE * 10.0)
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        for d in 1..7 {
            let a = example(d);
            let l = cholesky(&a, d).unwrap();
            let mut product = vec![0.0; packed(d)];
            for i in 0..d {
                for j in 0..=i {
                    product[at(i, j)] = (0..=j).map(|m| l[at(i, m)] * l[at(j, m)]).sum();
                }
            }
            assert!(close(&product, &a));
            let inverse = transposed_square(&invert_lower(&l, d), d);
            assert!((trace_of_product(&a, &inverse, d) - d as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn singular_matrices_name_their_column() {
        let mut a = vec![0.0; packed(3)];
        add_outer(&mut a, &[1.0, 2.0, 0.0], 1.0);
        add_outer(&mut a, &[0.0, 0.0, 1.0], 1.0);
        assert_eq!(cholesky(&a, 3).unwrap_err().column, 1);
        assert_eq!(cholesky(&[f64::NAN], 1).unwrap_err().column, 0);
    }

    #[test]
    fn a_root_may_be_singular() {
        assert!(close(&root(&example(5), 5), &cholesky(&example(5), 5).unwrap()));
        let mut a = vec![0.0; packed(3)];
        add_outer(&mut a, &[1.0, 2.0, 3.0], 1.0);
        assert!(close(&root(&a, 3), &[1.0, 2.0, 0.0, 3.0, 0.0, 0.0]));
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        for d in 1..9 {
            let a = example(d);
            let (values, q) = eigen(&a, d);
            assert!(values.is_sorted_by(|x, y| x >= y));
            assert!(close(&from_axes(&q, &values), &a));
            let diagonal = rotated(&a, &q, d);
            let expected: Vec<f64> =
                (0..d * d).map(|e| if e / d == e % d { values[e / d] } else { 0.0 }).collect();
            assert!(close(&diagonal, &expected));
        }
    }
}
