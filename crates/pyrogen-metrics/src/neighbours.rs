//! The nearest of many rows, one tile of distances after the other.

use crate::coarse::{Coarse, Frame, Row, TOGETHER, Within, direct};

/// The nearest rows of a set to one row. At least `k` rows have a squared distance of at most the `k`-th
/// smallest upper end, so only rows whose lower end is below it can be among the nearest; what they are
/// is decided in f64.
pub(crate) struct Nearest<'a> {
    x: &'a Coarse<'a>,
    y: &'a Coarse<'a>,
    frame: &'a Frame,
    i: usize,
    k: usize,
    /// The `k` smallest upper ends so far, in order.
    uppers: Vec<f32>,
    /// Rows that may be among the nearest, and the lower ends of their distances.
    near: Vec<(u32, f32)>,
    /// The nearest of those that were decided, the nearest first; of equally near ones the first.
    nearest: Vec<(f64, u32)>,
}

/// Undecided rows at most, beside two a neighbour.
const UNDECIDED: usize = 64;

impl<'a> Nearest<'a> {
    /// The `k` nearest rows of `y` to row `i` of `x`.
    pub fn new(x: &'a Coarse, y: &'a Coarse, frame: &'a Frame, i: usize, k: usize) -> Self {
        let (uppers, near, nearest) = (Vec::with_capacity(k + 1), Vec::new(), Vec::new());
        Self { x, y, frame, i, k, uppers, near, nearest }
    }
}

impl Within for Nearest<'_> {
    #[inline(always)]
    fn bound(&self) -> f32 {
        if self.uppers.len() == self.k { self.uppers[self.k - 1] } else { f32::INFINITY }
    }

    fn offer(&mut self, other: usize, least: f32) {
        self.near.push((other as u32, least));
        let upper = least + self.x.width(self.i) + self.y.width(other);
        let place = self.uppers.partition_point(|&u| u <= upper);
        if place < self.k {
            self.uppers.truncate(self.k - 1);
            self.uppers.insert(place, upper);
        }
        // In data that comes ever nearer all rows were near once.
        if self.near.len() > 2 * self.k + UNDECIDED {
            self.decide();
        }
    }
}

impl Row for Nearest<'_> {
    #[inline(always)]
    fn take(&mut self, first: usize, least: &[f32]) {
        for (part, least) in least.chunks(TOGETHER).enumerate() {
            let bound = self.bound();
            let mut near = false;
            for &least in least {
                near |= least <= bound;
            }
            if near {
                self.look(first + part * TOGETHER, least);
            }
        }
    }
}

impl Nearest<'_> {
    #[inline(never)]
    fn look(&mut self, first: usize, least: &[f32]) {
        for (j, &least) in (first..).zip(least) {
            if least <= self.bound() {
                self.offer(j, least);
            }
        }
    }

    /// Looks at the undecided rows.
    fn decide(&mut self) {
        let bound = self.bound();
        let row = self.x.exact().row(self.i);
        let near = self.near.drain(..).filter(|&(_, least)| least <= bound);
        self.nearest.extend(near.map(|(j, _)| (direct(row, self.y.exact().row(j as usize)), j)));
        self.nearest.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.nearest.truncate(self.k);
        self.uppers.clear();
        self.uppers.extend(self.nearest.iter().map(|(squared, _)| self.frame.up(*squared)));
    }

    /// The `k`-th nearest row with its squared distance; of equally near ones the first.
    pub fn kth(mut self) -> (usize, f64) {
        self.decide();
        let (squared, row) = self.nearest[self.k - 1];
        (row as usize, squared)
    }
}
