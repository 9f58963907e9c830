//! Squared distances in f32 with their bounds: most pairs of rows lie far apart, and half the digits say
//! so in half the time.
//!
//! As in [`pairwise`](crate::pairwise), the matrix of distances is never held: a thread has a tile of it
//! at a time. A pair on which a decision hangs is looked at in f64, so no result depends on what is in
//! here.

use std::sync::{Mutex, MutexGuard};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use crate::Features;
use crate::registers::settle;

/// Rows and columns of a tile: a quarter of a megabyte.
const SIDE: usize = 256;

/// Distances that are looked at together: most are large, which one comparison shows.
pub(crate) const TOGETHER: usize = 16;

/// More than what underflow in f32 can add to a squared distance, in the units of a [`Frame`].
const TINY: f32 = 1e-30;

/// The smallest number of f64 above 0.
const SMALLEST: f64 = 5e-324;

/// The units in which several sets are held in f32: from their common mean, the farthest row at a
/// distance of about 1, so that squares neither overflow nor vanish and lose few digits.
#[derive(Debug)]
pub(crate) struct Frame {
    centre: Vec<f64>,
    /// A power of two.
    scale: f64,
    /// The most that a squared distance can be off, in units of both squared norms.
    slack: f64,
    /// And more than what underflow can add, here or in the sum of squared differences in f64.
    tiny: f32,
}

impl Frame {
    pub fn new(sets: &[&Features]) -> Self {
        let cols = sets[0].cols();
        let rows = || sets.iter().flat_map(|set| set.values().chunks_exact(cols));
        let count: usize = sets.iter().map(|set| set.rows()).sum();
        let mut centre = vec![0.0; cols];
        for row in rows() {
            // Divided first: a sum might overflow.
            centre.iter_mut().zip(row).for_each(|(c, v)| *c += v / count as f64);
        }
        let squared =
            |row: &[f64]| row.iter().zip(&centre).map(|(v, c)| (v - c) * (v - c)).sum::<f64>();
        let largest = rows().map(squared).fold(0.0, |m: f64, v: f64| m.max(v)).sqrt();
        let exponent = if largest > 0.0 { largest.log2().floor() } else { 0.0 };
        // Rounding the values to f32 adds at most 2 EPSILON, a product of d terms d / 2 of it, norms and
        // the sum of three terms 3 (Higham 2002, section 3.1); this is twice as much and more.
        let slack = (cols + 16) as f64 * f64::from(f32::EPSILON);
        let scale = (-exponent).clamp(-1000.0, 1000.0).exp2();
        let tiny = TINY + (cols as f64 * SMALLEST * scale * scale) as f32;
        Self { centre, scale, slack, tiny }
    }

    /// A squared distance in these units, rounded up.
    pub fn up(&self, squared: f64) -> f32 {
        (squared * self.scale * self.scale) as f32 * (1.0 + 2.0 * f32::EPSILON) + self.tiny
    }

    /// A squared distance in these units, rounded down.
    pub fn down(&self, squared: f64) -> f32 {
        (squared * self.scale * self.scale) as f32 * (1.0 - 2.0 * f32::EPSILON) - self.tiny
    }
}

/// A set in a frame.
pub(crate) struct Coarse<'a> {
    exact: &'a Features,
    values: Vec<f32>,
    /// What a row adds to the lower end of a squared distance: its squared norm, less the slack.
    low: Vec<f32>,
    /// What a row adds to the difference of the upper and the lower end.
    width: Vec<f32>,
}

impl<'a> Coarse<'a> {
    pub fn new(exact: &'a Features, frame: &Frame) -> Self {
        let mut values = Vec::with_capacity(exact.values().len());
        let (mut low, mut width) = (Vec::new(), Vec::new());
        for row in exact.values().chunks_exact(exact.cols()) {
            let scaled = row.iter().zip(&frame.centre).map(|(v, c)| ((v - c) * frame.scale) as f32);
            let first = values.len();
            values.extend(scaled);
            let norm: f64 = values[first..].iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            low.push((norm * (1.0 - frame.slack)) as f32 - frame.tiny);
            width.push((2.0 * norm * frame.slack) as f32 + 3.0 * frame.tiny);
        }
        Self { exact, values, low, width }
    }

    pub fn rows(&self) -> usize {
        self.low.len()
    }

    pub fn exact(&self) -> &'a Features {
        self.exact
    }

    /// What a row adds to the difference of the upper and the lower end of a squared distance.
    #[inline(always)]
    pub fn width(&self, row: usize) -> f32 {
        self.width[row]
    }

    /// That of all rows.
    pub fn widths(&self) -> &[f32] {
        &self.width
    }

    fn part(&self, first: usize, rows: usize) -> MatRef<'_, f32> {
        let cols = self.exact.cols();
        let values = &self.values[first * cols..(first + rows) * cols];
        MatRef::from_row_major_slice(values, rows, cols)
    }
}

/// The lower ends of the squared distances of some rows of `x` to some rows of `y`, less what the rows
/// of `x` add.
fn tile<'t>(
    x: &Coarse,
    y: &Coarse,
    [first, height]: [usize; 2],
    [column, width]: [usize; 2],
    room: &'t mut [f32],
) -> &'t mut [f32] {
    let tile = &mut room[..height * width];
    matmul(
        MatMut::from_row_major_slice_mut(tile, height, width),
        Accum::Replace,
        x.part(first, height),
        y.part(column, width).transpose(),
        -2.0,
        Par::Seq,
    );
    settle();
    tile
}

/// Adds the rows' parts to a row of a tile.
#[inline(always)]
fn raise(least: &mut [f32], own: f32, others: &[f32]) {
    for (least, other) in least.iter_mut().zip(others) {
        *least += own + other;
    }
}

/// What is done with the distances of one row: some of its columns at a time, from left to right.
pub(crate) trait Row: Send {
    /// The lower ends of the squared distances to rows `first..first + least.len()`.
    fn take(&mut self, first: usize, least: &[f32]);
}

/// Goes through all rows of `x`: `new(i)` makes the state of row `i`, which takes its distances to the
/// rows of `y`, and `done` makes a result of it; results in row order.
pub(crate) fn rows<S: Row, T: Send>(
    x: &Coarse,
    y: &Coarse,
    new: impl Fn(usize) -> S + Sync,
    done: impl Fn(S) -> T + Sync,
) -> Vec<T> {
    let each = |start: usize| -> Vec<T> {
        let height = SIDE.min(x.rows() - start);
        let mut states: Vec<S> = (start..start + height).map(&new).collect();
        let mut room = vec![0.0; height * SIDE];
        for column in (0..y.rows()).step_by(SIDE) {
            let width = SIDE.min(y.rows() - column);
            let tile = tile(x, y, [start, height], [column, width], &mut room);
            let (own, others) = (&x.low[start..], &y.low[column..column + width]);
            Arch::new().dispatch(Across { states: &mut states, tile, own, others, column });
        }
        states.into_iter().map(&done).collect()
    };
    let starts: Vec<usize> = (0..x.rows()).step_by(SIDE).collect();
    let parts: Vec<Vec<T>> = starts.into_par_iter().map(each).collect();
    parts.into_iter().flatten().collect()
}

/// The rows of a tile, one after the other.
struct Across<'a, S> {
    states: &'a mut [S],
    tile: &'a mut [f32],
    own: &'a [f32],
    others: &'a [f32],
    column: usize,
}

impl<S: Row> NullaryFnOnce for Across<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let rows = self.tile.chunks_exact_mut(self.others.len());
        for ((state, least), &own) in self.states.iter_mut().zip(rows).zip(self.own) {
            raise(least, own, self.others);
            state.take(self.column, least);
        }
    }
}

/// What is done with the distances of many rows, in any order.
pub(crate) trait Fold: Send {
    /// The lower ends of the squared distances of row `i` to rows `first..first + least.len()`.
    fn take(&mut self, i: usize, first: usize, least: &[f32]);
    /// With what another state has taken.
    fn join(self, other: Self) -> Self;
}

/// A state that has taken the distances of all pairs of rows of a set, each once.
pub(crate) fn fold_pairs<S: Fold>(x: &Coarse, new: impl Fn() -> S + Sync + Send) -> S {
    let each = |mut state: S, start: usize| {
        let height = SIDE.min(x.rows() - start);
        let mut room = vec![0.0; height * SIDE];
        for column in (start..x.rows()).step_by(SIDE) {
            let width = SIDE.min(x.rows() - column);
            let tile = tile(x, x, [start, height], [column, width], &mut room);
            let (own, others) = (&x.low[start..], &x.low[column..column + width]);
            let spans = [start, column];
            Arch::new().dispatch(Above { state: &mut state, tile, own, others, spans });
        }
        state
    };
    let starts: Vec<usize> = (0..x.rows()).step_by(SIDE).collect();
    starts.into_par_iter().fold(&new, each).reduce(&new, S::join)
}

/// The pairs of a tile that are above the diagonal, for one state.
struct Above<'a, S> {
    state: &'a mut S,
    tile: &'a mut [f32],
    own: &'a [f32],
    others: &'a [f32],
    /// The first row and the first column.
    spans: [usize; 2],
}

impl<S: Fold> NullaryFnOnce for Above<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { state, tile, own, others, spans: [row, column] } = self;
        for (r, (least, &own)) in tile.chunks_exact_mut(others.len()).zip(own).enumerate() {
            raise(least, own, others);
            let skip = (row + r + 1).saturating_sub(column).min(others.len());
            if skip < others.len() {
                state.take(row + r, column + skip, &least[skip..]);
            }
        }
    }
}

/// What is done with the distances of one row to the others of its set, in any order.
pub(crate) trait Within: Send {
    /// Distances whose lower end is above this do not matter (any more).
    fn bound(&self) -> f32;
    /// The lower end of the squared distance to another row.
    fn offer(&mut self, other: usize, least: f32);
}

/// Goes through all pairs of rows of a set, each once: `new(i)` makes the state of row `i`, which is
/// offered the other rows that may be within its bound. States in row order.
pub(crate) fn within<S: Within>(x: &Coarse, new: impl Fn(usize) -> S + Sync) -> Vec<S> {
    let starts: Vec<usize> = (0..x.rows()).step_by(SIDE).collect();
    let span = |block: usize| starts[block]..(starts[block] + SIDE).min(x.rows());
    let blocks: Vec<Mutex<Vec<S>>> =
        (0..starts.len()).map(|b| Mutex::new(span(b).map(&new).collect())).collect();
    // Neighbouring tasks have other blocks, so that threads seldom wait for each other.
    let n = blocks.len();
    let pairs: Vec<[usize; 2]> = (0..n).flat_map(|d| (d..n).map(move |b| [b - d, b])).collect();
    pairs.into_par_iter().for_each_init(
        || vec![0.0; SIDE * SIDE],
        |room, [a, b]| {
            let (one, two) = (span(a), span(b));
            let spans = [[one.start, one.len()], [two.start, two.len()]];
            let tile = tile(x, x, spans[0], spans[1], room);
            let lock = |block: usize| blocks[block].lock().expect("no tile has panicked");
            // The lower number first: no two threads wait for each other.
            let mut states = Both { one: lock(a), two: (a != b).then(|| lock(b)) };
            let bounds = two.clone().map(|j| states.two()[j - two.start].bound()).collect();
            let (own, others) = (&x.low[one.clone()], &x.low[two.clone()]);
            Arch::new().dispatch(Square { states: &mut states, tile, own, others, bounds, spans });
        },
    );
    let states = blocks.into_iter().map(|b| b.into_inner().expect("no tile has panicked"));
    states.flatten().collect()
}

/// The states of a tile's rows and columns, which are the same on the diagonal.
struct Both<'a, S> {
    one: MutexGuard<'a, Vec<S>>,
    two: Option<MutexGuard<'a, Vec<S>>>,
}

impl<S> Both<'_, S> {
    fn two(&mut self) -> &mut [S] {
        match &mut self.two {
            Some(two) => &mut two[..],
            None => &mut self.one[..],
        }
    }
}

/// A tile of the distances within a set.
struct Square<'a, 'b, S> {
    states: &'a mut Both<'b, S>,
    tile: &'a mut [f32],
    own: &'a [f32],
    others: &'a [f32],
    /// Of the columns.
    bounds: Vec<f32>,
    /// First row and number of rows, first column and number of columns.
    spans: [[usize; 2]; 2],
}

impl<S: Within> NullaryFnOnce for Square<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { states, tile, own, others, mut bounds, spans } = self;
        let diagonal = states.two.is_none();
        let rows = tile.chunks_exact_mut(others.len()).zip(own).enumerate();
        for (r, (least, &own)) in rows {
            raise(least, own, others);
            let skip = if diagonal { (r + 1) / TOGETHER * TOGETHER } else { 0 };
            let parts = least[skip..].chunks(TOGETHER).zip(bounds[skip..].chunks_mut(TOGETHER));
            for (part, (least, bounds)) in parts.enumerate() {
                let bound = states.one[r].bound();
                let mut near = false;
                for (&least, &other) in least.iter().zip(bounds.iter()) {
                    near |= (least <= bound) | (least <= other);
                }
                if near {
                    look(states, r, skip + part * TOGETHER, least, bounds, spans);
                }
            }
        }
    }
}

/// Offers the pairs of a row with some columns to both.
#[inline(never)]
fn look<S: Within>(
    states: &mut Both<S>,
    r: usize,
    first: usize,
    least: &[f32],
    bounds: &mut [f32],
    [[row, _], [column, _]]: [[usize; 2]; 2],
) {
    let diagonal = states.two.is_none();
    for ((c, &least), bound) in (first..).zip(least).zip(bounds) {
        if diagonal && c <= r {
            continue;
        }
        if least <= states.one[r].bound() {
            states.one[r].offer(column + c, least);
        }
        let other = &mut states.two()[c];
        if least <= other.bound() {
            other.offer(row + r, least);
            *bound = other.bound();
        }
    }
}

/// The squared distance as the sum of squared differences, in column order: the same for `(x, y)` and
/// `(y, x)`, and exactly 0 for equal points.
pub(crate) fn direct(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::{Noise, Seed};

    /// Sets that are hard to hold in f32: far from 0, of very large and very small numbers, of numbers
    /// of many sizes, with equal rows.
    fn sets(rows: usize, cols: usize, label: &str) -> Vec<Features> {
        let normal = Noise::new(Seed(5)).fork(label).normal_vec(rows * cols);
        type Change = fn(usize, f64) -> f64;
        let changes: [Change; 7] = [
            |_, v| v,
            |_, v| 1e7 + v,
            |_, v| 1e150 * v,
            |_, v| 1e-140 * v,
            |i, v| 1e-40 * v + 1e3 * (i % 3) as f64,
            |_, v| v.round(),
            |_, _| 0.1,
        ];
        let set = |change: &Change| {
            let values = normal.iter().enumerate().map(|(i, &v)| change(i / cols, v)).collect();
            Features::new(values, rows, cols).unwrap()
        };
        changes.iter().map(set).collect()
    }

    struct Kept(Vec<f32>);

    impl Row for Kept {
        fn take(&mut self, first: usize, least: &[f32]) {
            assert_eq!(first, self.0.len());
            self.0.extend(least);
        }
    }

    #[test]
    fn distances_are_within_their_bounds() {
        for (x, y) in sets(SIDE + 3, 9, "x").iter().zip(&sets(2 * SIDE + 1, 9, "y")) {
            let frame = Frame::new(&[x, y]);
            let (a, b) = (Coarse::new(x, &frame), Coarse::new(y, &frame));
            let all = rows(&a, &b, |_| Kept(Vec::new()), |kept| kept.0);
            assert_eq!(all.len(), x.rows());
            for (i, least) in all.iter().enumerate() {
                assert_eq!(least.len(), y.rows());
                for (j, &least) in least.iter().enumerate() {
                    let exact = direct(x.row(i), y.row(j));
                    let upper = least + a.width(i) + b.width(j);
                    assert!(least <= frame.up(exact) && upper >= frame.down(exact), "{i} {j}");
                    // And the bounds are narrow: a thousandth of the farthest distance, which is 1 to 4.
                    assert!(upper - least < 1e-3, "{i} {j}: {least} to {upper}");
                }
            }
        }
    }

    struct Offered(Vec<(usize, f32)>, f32);

    impl Within for Offered {
        fn bound(&self) -> f32 {
            self.1
        }

        fn offer(&mut self, other: usize, least: f32) {
            self.0.push((other, least));
        }
    }

    #[test]
    fn each_pair_within_its_bound_is_offered_once() {
        for x in sets(2 * SIDE + 3, 4, "x") {
            let frame = Frame::new(&[&x]);
            let coarse = Coarse::new(&x, &frame);
            // Other bounds for every row: nothing, something, all.
            let bound = |i: usize| [-1.0, 0.05, f32::INFINITY][i % 3];
            let states = within(&coarse, |i| Offered(Vec::new(), bound(i)));
            let rows = rows(&coarse, &coarse, |_| Kept(Vec::new()), |kept| kept.0);
            for (i, (state, row)) in states.iter().zip(&rows).enumerate() {
                let mut got: Vec<usize> = state.0.iter().map(|(j, _)| *j).collect();
                got.sort_unstable();
                // The pair's distance is computed the other way round here: equal to rounding.
                let near = |j: &usize, margin: f32| *j != i && row[*j] <= bound(i) + margin;
                let surely: Vec<usize> = (0..x.rows()).filter(|j| near(j, -1e-4)).collect();
                assert!(surely.iter().all(|j| got.binary_search(j).is_ok()), "{i}");
                assert!(got.iter().all(|j| near(j, 1e-4)), "{i}");
                assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{i}: twice");
            }
        }
    }
}
