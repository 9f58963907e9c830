//! The nearly orthogonal matrix that has a matrix's singular vectors.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{on_host, read};

/// The quintic of Jordan et al. (2024): its slope at zero is as large as a polynomial's can be that
/// takes singular values between 0 and 1 to between about 0.7 and 1.2 in five steps.
const QUINTIC: [f32; 3] = [3.4445, -4.775, 2.0315];

/// Steps of the iteration.
const STEPS: usize = 5;

/// The least norm that a matrix is divided by.
const LEAST: f64 = 1e-7;

/// Takes the singular values of a matrix to about 1 and leaves its singular vectors, by five steps of
/// a Newton-Schulz iteration:
///
/// ```text
/// X = G / max(|G|, 1e-7)                          the Frobenius norm
/// X = a X + b (X X') X + c (X X')^2 X             five times
/// ```
///
/// `parts` are the columns of matrices that lie side by side in `g`, each of which is taken alone; an
/// empty list stands for one matrix. It has no gradient.
///
/// # Shapes
/// `g` is `[rows, columns]`, and so is the result; the parts add up to the columns.
///
/// # Numerics
/// The steps are made on the Gram matrix of the shorter side, where every factor is a polynomial in
/// `X X'` and so symmetric: the product of all factors is multiplied with `G` once. In exact arithmetic
/// this is the iteration above. Singular values below about 1e-3 of the norm come out a relative 1e-3
/// off, which is less than what the iteration itself leaves. A matrix of zeros stays zero.
///
/// # References
/// Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the quintic
/// iteration is of Kovarik 1970 and of Björck and Bowie 1971.
///
/// # Panics
/// If the parts do not add up.
pub fn orthogonalise(g: Tensor<2>, parts: &[usize]) -> Tensor<2> {
    let [_, columns] = g.dims();
    let parts = if parts.is_empty() { &[columns][..] } else { parts };
    let sum: usize = parts.iter().sum();
    assert_eq!(sum, columns, "orthogonalise: parts {parts:?} of {columns} columns");
    #[cfg(feature = "flex")]
    if on_host(&g) {
        let array = host::orthogonalise(&read(&g), parts);
        return Tensor::from_primitive::<burn::backend::Flex>(array.0);
    }
    let mut from = 0;
    let each = parts.iter().map(|&count| {
        from += count;
        composed(g.clone().narrow(1, from - count, count))
    });
    Tensor::cat(each.collect(), 1)
}

fn composed(g: Tensor<2>) -> Tensor<2> {
    let [a, b, c] = QUINTIC;
    let [rows, columns] = g.dims();
    let norm = crate::sum(g.clone().square()).sqrt().clamp_min(LEAST).reshape([1, 1]);
    let x = g / norm;
    let wide = rows <= columns;
    let mut gram = match wide {
        true => x.clone().matmul(x.clone().transpose()),
        false => x.clone().transpose().matmul(x.clone()),
    };
    let unit = Tensor::<2>::eye(rows.min(columns), &x.device()) * a;
    let mut factor: Option<Tensor<2>> = None;
    for step in 0..STEPS {
        let square = gram.clone().matmul(gram.clone());
        let p = unit.clone() + gram.clone() * b + square * c;
        if step + 1 < STEPS {
            gram = gram.matmul(p.clone()).matmul(p.clone());
        }
        factor = Some(match factor {
            Some(factor) => factor.matmul(p),
            None => p,
        });
    }
    let factor = factor.expect("a step");
    if wide { factor.matmul(x) } else { x.matmul(factor) }
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use super::{LEAST, QUINTIC, STEPS};
    use crate::gemm::{Matrix, product};
    use crate::host::Array;
    use crate::parallel::{kernels, vectorised};
    use crate::sums;

    /// Sides of the tiles that a symmetric product and its mirror image are worked out in.
    const TILE: usize = 64;
    const MIRROR: usize = 16;

    pub(super) fn orthogonalise(g: &Array, parts: &[usize]) -> Array {
        let [rows, columns] = g.rows();
        let starts = parts.iter().scan(0, |from, &count| {
            *from += count;
            Some((*from - count, count))
        });
        let starts: Vec<(usize, usize)> = starts.collect();
        let each: Vec<Vec<f32>> = starts
            .par_iter()
            .map(|&(from, count)| part(&g.values()[from..], [rows, count], columns))
            .collect();
        if let [_] = each[..] {
            let only = each.into_iter().next().unwrap_or_default();
            return Array::new(only, g.dims());
        }
        let mut out = Array::to_fill(g.dims());
        for (row, out) in out.owned().chunks_exact_mut(columns).enumerate() {
            for ((from, count), values) in starts.iter().zip(&each) {
                out[*from..][..*count].copy_from_slice(&values[row * count..][..*count]);
            }
        }
        out
    }

    /// One matrix, whose rows are `stride` apart.
    fn part(g: &[f32], [rows, columns]: [usize; 2], stride: usize) -> Vec<f32> {
        let mut x = Vec::with_capacity(rows * columns);
        (0..rows).for_each(|row| x.extend_from_slice(&g[row * stride..][..columns]));
        if x.is_empty() {
            return x;
        }
        let square = vectorised::<Square, _>(&x[..]);
        let factor = (1.0 / square.sqrt().max(LEAST)) as f32;
        vectorised::<Scale, _>((&mut x[..], factor));
        let matrix = Matrix::new(&x, rows, columns, columns);
        let wide = rows <= columns;
        let (m, side) = if wide { (rows, matrix) } else { (columns, matrix.t()) };
        let factor = product_of_factors(side, m);
        let factor = Matrix::new(&factor, m, m, m);
        let (left, right) = if wide { (factor, matrix) } else { (matrix, factor) };
        let mut out = vec![0.0; rows * columns];
        out.par_chunks_mut(TILE * columns).enumerate().for_each(|(i, out)| {
            let left = left.rows(i * TILE, out.len() / columns);
            product(out, columns, false, left, right);
        });
        out
    }

    /// The product of the factors `a + b A + c A^2`, where `A` starts as the Gram matrix of `side`'s `m`
    /// rows.
    fn product_of_factors(side: Matrix, m: usize) -> Vec<f32> {
        let [mut gram, mut next, mut p] = [(); 3].map(|()| vec![0.0; m * m]);
        let mut factor = Vec::new();
        symmetric(&mut gram, m, side, side.t());
        for step in 0..STEPS {
            let a = Matrix::new(&gram, m, m, m);
            symmetric(&mut p, m, a, a);
            vectorised::<Quintic, _>((&mut p[..], &gram[..], m));
            let q = Matrix::new(&p, m, m, m);
            if step == 0 {
                factor = p.clone();
            } else {
                symmetric(&mut next, m, Matrix::new(&factor, m, m, m), q);
                std::mem::swap(&mut factor, &mut next);
            }
            if step + 1 < STEPS {
                symmetric(&mut next, m, a, q);
                let left = Matrix::new(&next, m, m, m);
                symmetric(&mut gram, m, left, q);
            }
        }
        factor
    }

    /// A product that is symmetric: the tiles below the diagonal and on it, and their mirror images.
    fn symmetric(out: &mut [f32], m: usize, a: Matrix, b: Matrix) {
        out.par_chunks_mut(TILE * m).enumerate().for_each(|(i, out)| {
            let count = out.len() / m;
            product(out, m, false, a.rows(i * TILE, count), b.columns(0, i * TILE + count));
        });
        for from in (0..m).step_by(MIRROR) {
            let (above, below) = out.split_at_mut((from + MIRROR).min(m) * m);
            for row in from..(from + MIRROR).min(m) {
                for column in row + 1..(from + MIRROR).min(m) {
                    above[row * m + column] = above[column * m + row];
                }
            }
            for (i, tile) in below.chunks(MIRROR * m).enumerate() {
                let (first, count) = (from + (i + 1) * MIRROR, tile.len() / m);
                for row in from..from + MIRROR {
                    let out = &mut above[row * m + first..][..count];
                    out.iter_mut().enumerate().for_each(|(j, out)| *out = tile[j * m + row]);
                }
            }
        }
    }

    kernels! {
        ['a] Square: square, &'a [f32] => f64;
        ['a] Scale: scale, (&'a mut [f32], f32) => ();
        ['a] Quintic: quintic, (&'a mut [f32], &'a [f32], usize) => ();
    }

    /// The sum of squares, of numbers whose squares may overflow.
    #[inline(always)]
    fn square(x: &[f32]) -> f64 {
        let sum = sums::dot(x, x);
        if sum.is_finite() && sum > f64::from(f32::MIN_POSITIVE) {
            return sum;
        }
        x.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
    }

    #[inline(always)]
    fn scale((x, factor): (&mut [f32], f32)) {
        x.iter_mut().for_each(|x| *x *= factor);
    }

    /// `a + b gram + c square`, in the place of the square.
    #[inline(always)]
    fn quintic((square, gram, m): (&mut [f32], &[f32], usize)) {
        let [a, b, c] = QUINTIC;
        square.iter_mut().zip(gram).for_each(|(s, g)| *s = b * g + c * *s);
        square.iter_mut().step_by(m + 1).for_each(|s| *s += a);
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host, largest_difference};

    use super::*;

    /// The iteration as it is written, in double precision.
    fn by_definition(g: Tensor<2>) -> Vec<f64> {
        let [rows, columns] = g.dims();
        let mut x = host(g);
        let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt().max(LEAST);
        x.iter_mut().for_each(|x| *x /= norm);
        let [a, b, c] = [3.4445, -4.775, 2.0315];
        for _ in 0..STEPS {
            let at = |i: usize, j: usize| x[i * columns + j];
            let gram: Vec<f64> = (0..rows * rows)
                .map(|k| (0..columns).map(|j| at(k / rows, j) * at(k % rows, j)).sum())
                .collect();
            let p: Vec<f64> = (0..rows * rows)
                .map(|k| {
                    let (i, j) = (k / rows, k % rows);
                    let square: f64 =
                        (0..rows).map(|l| gram[i * rows + l] * gram[l * rows + j]).sum();
                    b * gram[k] + c * square + if i == j { a } else { 0.0 }
                })
                .collect();
            x = (0..rows * columns)
                .map(|k| (0..rows).map(|l| p[k / columns * rows + l] * at(l, k % columns)).sum())
                .collect();
        }
        x
    }

    fn normal(shape: [usize; 2], seed: u64) -> Tensor<2> {
        Noise::new(Seed(seed)).normal(shape, &device())
    }

    /// Five steps in single precision, each of which makes errors of small singular values up to
    /// twelve times as large.
    const ROUNDED: f64 = 1e-4;

    #[test]
    fn it_is_the_iteration_as_it_is_written() {
        for shape in [[1, 1], [1, 7], [7, 1], [5, 12], [12, 5], [17, 17], [65, 70], [70, 65]] {
            let g = normal(shape, 1) * 3.0;
            let expected = by_definition(g.clone());
            for got in [orthogonalise(g.clone(), &[]), composed(g)] {
                let pairs = host(got).into_iter().zip(&expected);
                let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(off < ROUNDED, "{shape:?}: {off}");
            }
        }
    }

    #[test]
    fn parts_are_taken_alone() {
        let [a, b, c] = [3, 66, 9].map(|columns| normal([20, columns], columns as u64));
        let together =
            orthogonalise(Tensor::cat(vec![a.clone(), b.clone(), c.clone()], 1), &[3, 66, 9]);
        let apart = [a, b, c].map(|part| orthogonalise(part, &[])).to_vec();
        assert_eq!(host(together), host(Tensor::cat(apart, 1)));
    }

    #[test]
    fn singular_values_become_nearly_one() {
        for shape in [[30, 130], [130, 30], [64, 64]] {
            let x = orthogonalise(normal(shape, 2), &[]);
            let x = if shape[0] <= shape[1] { x } else { x.transpose() };
            let gram = x.clone().matmul(x.transpose());
            let [m, _] = gram.dims();
            let gram = host(gram);
            // Of the smallest singular values of a square normal matrix little is left to see: the trace
            // is the mean of their squares.
            let trace = (0..m).map(|i| gram[i * (m + 1)]).sum::<f64>() / m as f64;
            assert!((0.6..1.2).contains(&trace), "{shape:?}: {trace}");
            let off: f64 = (0..m * m).filter(|k| k / m != k % m).map(|k| gram[k].powi(2)).sum();
            assert!((off / m as f64).sqrt() < 0.35, "{shape:?}: {off}");
        }
    }

    #[test]
    fn zeros_stay_zeros_and_size_is_forgotten() {
        assert!(host(orthogonalise(normal([4, 6], 3) * 0.0, &[])).iter().all(|&x| x == 0.0));
        let g = normal([40, 30], 4);
        let expected = orthogonalise(g.clone(), &[]);
        for size in [1e-4, 1e15] {
            let off = largest_difference(orthogonalise(g.clone() * size, &[]), expected.clone());
            assert!(off < ROUNDED, "{size}: {off}");
        }
    }
}
