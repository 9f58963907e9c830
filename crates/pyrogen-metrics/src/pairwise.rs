//! Blocks of the matrix of dot products between the rows of two sets, and what follows from them.
//!
//! The matrix has `n * m` entries and is never held: each worker thread makes `BLOCK` rows at a
//! time by a matrix product, hands them over row by row and forgets them. A row's values depend on
//! its block alone, so results do not depend on the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, Par};
use rayon::prelude::*;

use crate::features::finite;
use crate::registers::settle;
use crate::{Features, MetricError};

/// Rows of dot products that a thread holds at a time: large enough for a fast matrix product.
const BLOCK: usize = 128;

/// Calls `f(i, dots)` for each row `i` of `x`, with `dots[j] = x_i . y_j`; results in row order.
pub(crate) fn rows<T: Send>(
    x: &Features,
    y: &Features,
    f: impl Fn(usize, &[f64]) -> T + Sync,
) -> Vec<T> {
    flatten(blocks(x, y, |_| 0, |block| block.rows(&f)))
}

/// Calls `f(i, dots)` for each row `i` of `x` with the products above the diagonal:
/// `dots[j] = x_i . x_(i + 1 + j)`. Half the work of [`rows`].
pub(crate) fn rows_above_diagonal<T: Send>(
    x: &Features,
    f: impl Fn(usize, &[f64]) -> T + Sync,
) -> Vec<T> {
    flatten(blocks(x, x, |start| start, |block| block.above_diagonal(&f)))
}

/// Calls `f(state, i, dots)` for the rows of [`rows_above_diagonal`], with one state for several
/// blocks of rows, and joins the states; for states whose order does not matter.
pub(crate) fn fold_above_diagonal<S: Send>(
    x: &Features,
    new: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, usize, &[f64]) + Sync,
    join: impl Fn(S, S) -> S + Sync + Send,
) -> S {
    let each = |mut state: S, start: usize| {
        Block::new(x, x, start, start).above_diagonal(|i, dots| f(&mut state, i, dots));
        state
    };
    starts(x).into_par_iter().fold(&new, each).reduce(&new, &join)
}

/// `first(start)` is the first column that the block starting at row `start` needs.
fn blocks<T: Send>(
    x: &Features,
    y: &Features,
    first: impl Fn(usize) -> usize + Sync + Send,
    f: impl Fn(Block) -> T + Sync + Send,
) -> Vec<T> {
    let block = |start| f(Block::new(x, y, start, first(start)));
    starts(x).into_par_iter().map(block).collect()
}

fn starts(x: &Features) -> Vec<usize> {
    (0..x.rows()).step_by(BLOCK).collect()
}

fn flatten<T>(parts: Vec<Vec<T>>) -> Vec<T> {
    parts.into_iter().flatten().collect()
}

/// Some rows of the matrix, from one column on.
struct Block {
    dots: Vec<f64>,
    width: usize,
    first_row: usize,
    first_column: usize,
}

impl Block {
    fn new(x: &Features, y: &Features, first_row: usize, first_column: usize) -> Self {
        let height = BLOCK.min(x.rows() - first_row);
        let width = y.rows() - first_column;
        let mut dots = vec![0.0; height * width];
        matmul(
            MatMut::from_row_major_slice_mut(&mut dots, height, width),
            Accum::Replace,
            x.matrix().subrows(first_row, height),
            y.matrix().subrows(first_column, width).transpose(),
            1.0,
            Par::Seq,
        );
        settle();
        Self { dots, width, first_row, first_column }
    }

    fn rows<T>(&self, mut f: impl FnMut(usize, &[f64]) -> T) -> Vec<T> {
        let rows = self.dots.chunks_exact(self.width).enumerate();
        rows.map(|(r, dots)| f(self.first_row + r, dots)).collect()
    }

    fn above_diagonal<T>(&self, mut f: impl FnMut(usize, &[f64]) -> T) -> Vec<T> {
        self.rows(|i, dots| f(i, &dots[i + 1 - self.first_column..]))
    }
}

/// Squared Euclidean distances between the rows of two sets, from dot products.
///
/// # Numerics
/// `|x|^2 + |y|^2 - 2 x.y` is fast and loses digits where the points lie close together. Where a
/// decision hangs on those digits, it is taken on [`direct`](Self::direct), whose value is the same
/// for `(x, y)` and `(y, x)` and is exactly 0 for equal points.
pub(crate) struct Distances<'a> {
    x: &'a Features,
    y: &'a Features,
    x_norms: Vec<f64>,
    y_norms: Vec<f64>,
    /// The most that the fast and the direct value can differ by, in units of the squared norms.
    relative_slack: f64,
}

impl<'a> Distances<'a> {
    pub(crate) fn new(x: &'a Features, y: &'a Features) -> Self {
        // A sum of d products is off by at most d roundings of its absolute terms (Higham 2002,
        // section 3.1). Two norms, twice a dot product and the direct sum each contribute that
        // once, relative to |x|^2 + |y|^2; EPSILON is two roundings, so this is twice the bound.
        let relative_slack = 4.0 * (x.cols() + 8) as f64 * f64::EPSILON;
        Self { x, y, x_norms: squared_norms(x), y_norms: squared_norms(y), relative_slack }
    }

    /// Refuses points whose squared norms overflow.
    pub(crate) fn check(&self, metric: &'static str) -> Result<(), MetricError> {
        let norms = self.x_norms.iter().chain(&self.y_norms);
        let largest = norms.fold(0.0, |m: f64, &v| m.max(v));
        finite(metric, 4.0 * largest).map(|_| ())
    }

    /// The squared distance, given the dot product.
    pub(crate) fn fast(&self, i: usize, j: usize, dot: f64) -> f64 {
        (self.x_norms[i] + self.y_norms[j] - 2.0 * dot).max(0.0)
    }

    /// How far [`fast`](Self::fast) can be from [`direct`](Self::direct).
    pub(crate) fn slack(&self, i: usize, j: usize) -> f64 {
        self.relative_slack * (self.x_norms[i] + self.y_norms[j])
    }

    /// The squared distance as the sum of squared differences.
    pub(crate) fn direct(&self, i: usize, j: usize) -> f64 {
        let pairs = self.x.row(i).iter().zip(self.y.row(j));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// Whether the direct squared distance is below `limit`.
    pub(crate) fn below(&self, i: usize, j: usize, dot: f64, limit: f64) -> bool {
        let fast = self.fast(i, j, dot);
        if (fast - limit).abs() > self.slack(i, j) {
            fast < limit
        } else {
            self.direct(i, j) < limit
        }
    }
}

fn squared_norms(x: &Features) -> Vec<f64> {
    let rows = x.values().chunks_exact(x.cols());
    rows.map(|row| row.iter().map(|v| v * v).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::{Noise, Seed};

    fn normal(rows: usize, cols: usize, label: &str) -> Features {
        let values = Noise::new(Seed(3)).fork(label).normal_vec(rows * cols);
        Features::new(values, rows, cols).unwrap()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// Dot products of 5 normal numbers, in another order of summation.
    const ROUNDING: f64 = 1e-13;

    #[test]
    fn all_blocks_arrive_in_order() {
        let (x, y) = (normal(2 * BLOCK + 3, 5, "x"), normal(BLOCK + 1, 5, "y"));
        let dots = rows(&x, &y, |i, dots| (i, dots.to_vec()));
        assert_eq!(dots.len(), x.rows());
        for (i, (index, row)) in dots.iter().enumerate() {
            assert_eq!((i, row.len()), (*index, y.rows()));
            for (j, d) in row.iter().enumerate() {
                assert!((d - dot(x.row(i), y.row(j))).abs() < ROUNDING, "{i} {j}");
            }
        }
    }

    #[test]
    fn above_the_diagonal_every_pair_once() {
        let x = normal(2 * BLOCK + 3, 5, "x");
        let dots = rows_above_diagonal(&x, |i, dots| (i, dots.to_vec()));
        for (i, (index, row)) in dots.iter().enumerate() {
            assert_eq!((i, row.len()), (*index, x.rows() - 1 - i));
            for (j, d) in row.iter().enumerate() {
                let expected = dot(x.row(i), x.row(i + 1 + j));
                assert!((d - expected).abs() < ROUNDING, "{i} {j}");
            }
        }
    }

    #[test]
    fn close_points_are_decided_on_the_direct_distance() {
        // 1e8 and 1e8 + 1: the squares lose the difference, the slack says so.
        let x = Features::new(vec![1e8], 1, 1).unwrap();
        let y = Features::new(vec![1e8 + 1.0], 1, 1).unwrap();
        let d = Distances::new(&x, &y);
        let dot = 1e8 * (1e8 + 1.0);
        assert_eq!(d.direct(0, 0), 1.0);
        assert!((d.fast(0, 0, dot) - 1.0).abs() <= d.slack(0, 0));
        assert!(d.below(0, 0, dot, 1.0 + 1e-9) && !d.below(0, 0, dot, 1.0));
    }
}
