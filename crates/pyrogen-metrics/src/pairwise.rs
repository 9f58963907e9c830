//! Tiles of the matrix of dot products between the rows of two sets, and what follows from them.
//!
//! The matrix has `n * m` entries and is never held: each worker thread takes `BLOCK` rows and makes
//! their products with `TILE` columns at a time by a matrix product, which stays in its cache until
//! all that is asked of it is done. A row's values depend on its tiles alone, which depend on the
//! sizes alone, so results do not depend on the number of threads.

use std::sync::Mutex;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, Par};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use crate::features::finite;
use crate::registers::settle;
use crate::{Features, MetricError};

/// Rows that a thread works on at a time: large enough for a fast matrix product.
const BLOCK: usize = 128;

/// Columns of a tile: with [`BLOCK`] rows a quarter of a megabyte.
const TILE: usize = 256;

/// What is done with the products of one row: some of its columns at a time, from left to right.
///
/// The methods are compiled for the processor at hand where they are `inline(always)`.
pub(crate) trait Row: Send {
    /// The products with columns `first..first + dots.len()`.
    fn take(&mut self, first: usize, dots: &[f64]);
}

/// Goes through all rows of `x`: `new(i)` makes the state of row `i`, which takes
/// `dots[j] = x_i . y_(first + j)`, and `done` makes a result of it; results in row order.
pub(crate) fn rows<S: Row, T: Send>(
    x: &Features,
    y: &Features,
    new: impl Fn(usize) -> S + Sync,
    done: impl Fn(S) -> T + Sync,
) -> Vec<T> {
    let each = |start| block(x, y, start, Half::Whole, &new).into_iter().map(&done).collect();
    flatten(starts(x).into_par_iter().map(each).collect())
}

/// As [`rows`] with the products above the diagonal: row `i` takes columns from `i + 1` on. Half the
/// work of [`rows`].
pub(crate) fn rows_above_diagonal<S: Row, T: Send>(
    x: &Features,
    new: impl Fn(usize) -> S + Sync,
    done: impl Fn(S) -> T + Sync,
) -> Vec<T> {
    let each = |start| block(x, x, start, Half::Above, &new).into_iter().map(&done).collect();
    flatten(starts(x).into_par_iter().map(each).collect())
}

/// What is done with the products of many rows, in any order.
pub(crate) trait Fold: Send {
    /// The products of row `i` with rows `first..first + dots.len()`.
    fn take(&mut self, i: usize, first: usize, dots: &[f64]);
    /// With what another state has taken.
    fn join(self, other: Self) -> Self;
}

/// A state that has taken the products of all rows of [`rows_above_diagonal`].
pub(crate) fn fold_above_diagonal<S: Fold>(x: &Features, new: impl Fn() -> S + Sync + Send) -> S {
    let each = |state: S, start: usize| {
        // One state goes through the rows of a block.
        let state = Mutex::new(state);
        block(x, x, start, Half::Above, &|i| Shared { state: &state, i });
        state.into_inner().expect("a tile that panics ends the fold")
    };
    starts(x).into_par_iter().fold(&new, each).reduce(&new, S::join)
}

/// A row of a state that it shares with other rows, one after the other.
struct Shared<'a, S> {
    state: &'a Mutex<S>,
    i: usize,
}

impl<S: Fold> Row for Shared<'_, S> {
    #[inline(always)]
    fn take(&mut self, first: usize, dots: &[f64]) {
        self.state.lock().expect("no tile has panicked").take(self.i, first, dots);
    }
}

fn starts(x: &Features) -> Vec<usize> {
    (0..x.rows()).step_by(BLOCK).collect()
}

fn flatten<T>(parts: Vec<Vec<T>>) -> Vec<T> {
    parts.into_iter().flatten().collect()
}

/// Which columns a row takes.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Whole,
    /// Those behind its own number.
    Above,
}

/// The rows from `start` on.
fn block<S: Row>(
    x: &Features,
    y: &Features,
    start: usize,
    half: Half,
    new: &impl Fn(usize) -> S,
) -> Vec<S> {
    let height = BLOCK.min(x.rows() - start);
    let mut states: Vec<S> = (start..start + height).map(new).collect();
    let mut dots = vec![0.0; height * TILE];
    let first = if half == Half::Above { start } else { 0 };
    for column in (first..y.rows()).step_by(TILE) {
        let width = TILE.min(y.rows() - column);
        let dots = &mut dots[..height * width];
        matmul(
            MatMut::from_row_major_slice_mut(dots, height, width),
            Accum::Replace,
            x.matrix().subrows(start, height),
            y.matrix().subrows(column, width).transpose(),
            1.0,
            Par::Seq,
        );
        settle();
        Arch::new().dispatch(Tile { states: &mut states, dots, column, start, half });
    }
    states
}

/// The products of all rows of a block with some columns.
struct Tile<'a, S> {
    states: &'a mut [S],
    dots: &'a [f64],
    column: usize,
    start: usize,
    half: Half,
}

impl<S: Row> NullaryFnOnce for Tile<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.dots.len() / self.states.len();
        let rows = self.states.iter_mut().zip(self.dots.chunks_exact(width)).enumerate();
        for (r, (state, dots)) in rows {
            let skip = match self.half {
                Half::Whole => 0,
                Half::Above => (self.start + r + 1).saturating_sub(self.column).min(width),
            };
            if skip < width {
                state.take(self.column + skip, &dots[skip..]);
            }
        }
    }
}

/// Squared Euclidean distances between the rows of two sets, from dot products.
///
/// # Numerics
/// `|x|^2 + |y|^2 - 2 x.y` is fast and loses digits where the points lie close together. Where a
/// decision hangs on those digits, [`coarse`](crate::coarse) looks at the rows themselves.
pub(crate) struct Distances {
    x_norms: Vec<f64>,
    y_norms: Vec<f64>,
}

impl Distances {
    pub(crate) fn new(x: &Features, y: &Features) -> Self {
        Self { x_norms: squared_norms(x), y_norms: squared_norms(y) }
    }

    /// Refuses points whose squared norms overflow.
    pub(crate) fn check(&self, metric: &'static str) -> Result<(), MetricError> {
        let norms = self.x_norms.iter().chain(&self.y_norms);
        let largest = norms.fold(0.0, |m: f64, &v| m.max(v));
        finite(metric, 4.0 * largest).map(|_| ())
    }

    /// The squared distance, given the dot product.
    #[inline(always)]
    pub(crate) fn fast(&self, i: usize, j: usize, dot: f64) -> f64 {
        (self.x_norms[i] + self.y_norms[j] - 2.0 * dot).max(0.0)
    }

    /// The squared distances of row `i` to columns from `first` on, into `out`.
    #[inline(always)]
    pub(crate) fn fast_row(&self, i: usize, first: usize, dots: &[f64], out: &mut [f64]) {
        let norm = self.x_norms[i];
        let norms = &self.y_norms[first..first + dots.len()];
        for ((out, &dot), &other) in out.iter_mut().zip(dots).zip(norms) {
            *out = (norm + other - 2.0 * dot).max(0.0);
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

    /// All products of a row.
    struct Kept(usize, Vec<f64>);

    impl Row for Kept {
        fn take(&mut self, _: usize, dots: &[f64]) {
            self.1.extend(dots);
        }
    }

    #[test]
    fn all_tiles_arrive_in_order() {
        let (x, y) = (normal(2 * BLOCK + 3, 5, "x"), normal(2 * TILE + 1, 5, "y"));
        let dots = rows(&x, &y, |i| Kept(i, Vec::new()), |k| (k.0, k.1));
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
        let x = normal(2 * TILE + 3, 5, "x");
        let dots = rows_above_diagonal(&x, |i| Kept(i, Vec::new()), |k| (k.0, k.1));
        for (i, (index, row)) in dots.iter().enumerate() {
            assert_eq!((i, row.len()), (*index, x.rows() - 1 - i));
            for (j, d) in row.iter().enumerate() {
                let expected = dot(x.row(i), x.row(i + 1 + j));
                assert!((d - expected).abs() < ROUNDING, "{i} {j}");
            }
        }
    }
}
