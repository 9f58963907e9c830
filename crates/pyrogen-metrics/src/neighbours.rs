//! The nearest of many rows, one tile of distances after the other.

use std::collections::BinaryHeap;

use crate::pairwise::{Distances, Row};

/// Pairs that are looked at together: most are far apart, which one comparison shows.
pub(crate) const TOGETHER: usize = 16;

/// The nearest rows of another set to one row, by way of the fast distances: at least `k` rows have a
/// direct distance of at most the `k`-th smallest upper end, so only rows that may lie below it need the
/// direct sum.
pub(crate) struct Nearest<'a> {
    distances: &'a Distances<'a>,
    i: usize,
    k: usize,
    /// A row that does not count: itself.
    but: Option<usize>,
    /// The `k` smallest upper ends of direct distances so far.
    largest: BinaryHeap<Total>,
    /// Rows that may be among the nearest, and the lower ends of their distances.
    near: Vec<(usize, f64)>,
}

/// A number in the total order of floats.
#[derive(Clone, Copy)]
struct Total(f64);

impl Ord for Total {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Total {}

impl Row for Nearest<'_> {
    #[inline(always)]
    fn take(&mut self, first: usize, dots: &[f64]) {
        let mut least = [0.0; TOGETHER];
        for (part, dots) in dots.chunks(TOGETHER).enumerate() {
            let first = first + part * TOGETHER;
            self.distances.least_row(self.i, first, dots, &mut least);
            let bound = self.bound();
            let mut near = false;
            for &least in &least[..dots.len()] {
                near |= least <= bound;
            }
            if near {
                self.look(first, dots, &least);
            }
        }
    }
}

impl<'a> Nearest<'a> {
    /// The `k` nearest of the columns to row `i`, `but` left out.
    pub fn new(distances: &'a Distances<'a>, i: usize, k: usize, but: Option<usize>) -> Self {
        let largest = BinaryHeap::with_capacity(k + 1);
        Self { distances, i, k, but, largest, near: Vec::new() }
    }
}

impl Nearest<'_> {
    /// A row whose distance is above this is none of the nearest.
    #[inline(always)]
    fn bound(&self) -> f64 {
        let full = self.largest.len() == self.k;
        self.largest.peek().filter(|_| full).map_or(f64::INFINITY, |largest| largest.0)
    }

    #[inline(never)]
    fn look(&mut self, first: usize, dots: &[f64], least: &[f64]) {
        for ((j, &dot), &least) in (first..).zip(dots).zip(least) {
            if Some(j) == self.but || least > self.bound() {
                continue;
            }
            self.near.push((j, least));
            let upper = self.distances.fast(self.i, j, dot) + self.distances.slack(self.i, j);
            self.largest.push(Total(upper));
            if self.largest.len() > self.k {
                self.largest.pop();
            }
        }
        // In data that comes ever nearer all rows were near once.
        if self.near.len() > 2 * self.k + 1024 {
            self.keep_near();
        }
    }

    fn keep_near(&mut self) {
        let bound = self.bound();
        self.near.retain(|&(_, least)| least <= bound);
    }

    /// The `k`-th nearest row with its squared direct distance; of equally near ones the first.
    pub fn kth(mut self) -> (usize, f64) {
        self.keep_near();
        let direct = self.near.iter().map(|&(j, _)| (j, self.distances.direct(self.i, j)));
        let mut direct: Vec<(usize, f64)> = direct.collect();
        let order = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
        *direct.select_nth_unstable_by(self.k - 1, order).1
    }
}
