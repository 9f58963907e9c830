//! A distribution of jumps and of a density between them.

use serde::{Deserialize, Serialize};

use super::blocks::{Blocks, FEWEST};
use super::grid::Grid;
use super::normal::{normal_log_density, normal_log_tail, normal_tail_quantile};

/// A distribution with a jump at each value that many examples share, and a density for the others.
///
/// A number has a place on an axis: itself, or, where all numbers lie on a [`Grid`], the number of its
/// cell, cells of jumps left out. `blocks` is the distribution over that axis of those that are no
/// jumps; on a grid each has the width of its cell, so that a value that training did not have has the
/// mass of its neighbourhood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixedDistribution {
    /// The grid that the numbers lie on, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// The values of jumps, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jumps: Vec<f64>,
    /// Examples at the jumps up to each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jump_rows: Vec<f64>,
    /// The others.
    pub blocks: Blocks,
    /// The smallest and the largest number, which values do not leave where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<[f64; 2]>,
}

/// A jump has this share of the examples at least, in parts of all.
const JUMP_SHARE: usize = 1000;

/// A draw within a jump or a cell keeps this share of its width from the ends, so that rounding stays
/// inside.
pub(super) const MARGIN: f64 = 1e-3;

/// Whether so many examples of `n` that share a value make it a jump.
pub(super) fn is_jump(count: usize, n: usize) -> bool {
    count >= n.div_ceil(JUMP_SHARE).max(FEWEST) || (count == n && n > 1)
}

impl MixedDistribution {
    /// The distribution of finite numbers, one or more, that ascend. `seen` says whether values keep to
    /// the range of the numbers.
    pub(super) fn fit(sorted: &[f32], seen: bool) -> Self {
        let n = sorted.len();
        let grid = Grid::find(sorted);
        let (mut jumps, mut jump_rows, mut at_jumps) = (Vec::new(), Vec::new(), 0);
        for group in sorted.chunk_by(|a, b| a == b).filter(|g| is_jump(g.len(), n)) {
            at_jumps += group.len();
            jumps.push(number(grid, group[0]));
            jump_rows.push(at_jumps as f64);
        }
        let mut out =
            Self { grid, jumps, jump_rows, blocks: Blocks::unknown(0.0, 1.0), seen: None };
        let others = sorted.chunk_by(|a, b| a == b).filter(|g| !is_jump(g.len(), n));
        let places: Vec<f64> = others.flat_map(|g| out.spread(g)).collect();
        out.blocks = match places.is_empty() {
            true => out.unknown(),
            false => Blocks::fit(&places, out.scale(&places)),
        };
        out.seen = seen.then(|| out.range(sorted));
        out
    }

    /// The places of equal numbers: on a grid, spread evenly over their cell.
    fn spread(&self, group: &[f32]) -> Vec<f64> {
        let place = self.place(f64::from(group[0])).unwrap_or(0.0);
        let n = group.len() as f64;
        let shift = |i: usize| if self.grid.is_some() { (i as f64 + 0.5) / n - 0.5 } else { 0.0 };
        (0..group.len()).map(|i| place + shift(i)).collect()
    }

    /// The size of a distance where the numbers give none.
    fn scale(&self, places: &[f64]) -> f64 {
        if self.grid.is_some() {
            return 1.0;
        }
        let jumps = self.jumps.iter().map(|jump| (jump - places[0]).abs());
        let scale =
            jumps.chain([places[0].abs()]).filter(|d| *d > 0.0).fold(f64::INFINITY, f64::min);
        if scale.is_finite() { scale } else { 1.0 }
    }

    /// Where others than the jumps may be, when none was seen: between them and a little beyond.
    fn unknown(&self) -> Blocks {
        let (low, high) = (self.axis_of_jump(0), self.axis_of_jump(self.jumps.len() - 1));
        let margin = match (high - low, self.grid) {
            (span, Some(_)) => (span / 4.0).max(1.0),
            (0.0, None) if low == 0.0 => 1.0,
            (0.0, None) => low.abs(),
            (span, None) => span / 4.0,
        };
        Blocks::unknown(low - margin, high + margin)
    }

    /// The range of the numbers, rounded inwards to a 64th of it, so that it does not tell the
    /// smallest and the largest number; an end that is a jump is itself.
    fn range(&self, sorted: &[f32]) -> [f64; 2] {
        let ends = [sorted[0], sorted[sorted.len() - 1]].map(|x| number(self.grid, x));
        let cell = ((ends[1] - ends[0]) / 64.0).log2().floor().exp2();
        let cell = self.grid.map_or(cell, |grid| cell.max(grid.cell()));
        let round = |end: f64, inwards: fn(f64) -> f64| match self.jumps.contains(&end) {
            true => end,
            false => inwards(end / cell) * cell,
        };
        let rounded = [round(ends[0], f64::ceil), round(ends[1], f64::floor)];
        if cell.is_normal() && rounded[0] < rounded[1] { rounded } else { ends }
    }

    /// The place of jump `j` on the axis of the others.
    fn axis_of_jump(&self, j: usize) -> f64 {
        match self.grid {
            None => self.jumps[j],
            Some(grid) => grid.place(self.jumps[j]) - j as f64 - 0.5,
        }
    }

    /// The place on the axis of a number that is no jump; the number of the jump for one that is.
    fn place(&self, x: f64) -> Result<f64, usize> {
        let Some(grid) = self.grid else {
            let j = self.jumps.partition_point(|&jump| jump < x);
            return if self.jumps.get(j) == Some(&x) { Err(j) } else { Ok(x) };
        };
        let cell = grid.place(x);
        let j = self.jumps.partition_point(|&jump| grid.place(jump) < cell);
        let on_jump = self.jumps.get(j).is_some_and(|&jump| grid.place(jump) == cell);
        if on_jump { Err(j) } else { Ok(cell - j as f64) }
    }

    fn jump_rows_below(&self, j: usize) -> f64 {
        if j == 0 { 0.0 } else { self.jump_rows[j - 1] }
    }

    fn all_jump_rows(&self) -> f64 {
        self.jump_rows_below(self.jumps.len())
    }

    fn rows(&self) -> f64 {
        self.blocks.rows() + self.all_jump_rows()
    }

    /// The normal number that stands for `x`; `r` chooses one within a jump or a cell.
    pub(super) fn forward(&self, x: f64, r: f64) -> f64 {
        let r = MARGIN + (1.0 - 2.0 * MARGIN) * r;
        let (axis, passed, within) = match self.place(x) {
            Ok(place) => {
                let axis = if self.grid.is_some() { place + r - 0.5 } else { place };
                (axis, self.jump_rows_below(self.jumps_before(axis)), (0.0, 0.0))
            }
            Err(j) => {
                let before = self.jump_rows_below(j);
                let rows = self.jump_rows[j] - before;
                (self.axis_of_jump(j), before, (r * rows, (1.0 - r) * rows))
            }
        };
        let (below, above) = self.blocks.log_rows(axis);
        let jumps_above = self.all_jump_rows() - passed - within.0 - within.1;
        let below = log_sum(below, passed + within.0) - self.rows().ln();
        let above = log_sum(above, jumps_above + within.1) - self.rows().ln();
        if below < above { -normal_tail_quantile(below) } else { normal_tail_quantile(above) }
    }

    /// Jumps below a place on the axis.
    fn jumps_before(&self, axis: f64) -> usize {
        let mut range = 0..self.jumps.len();
        while !range.is_empty() {
            let middle = range.start.midpoint(range.end);
            if self.axis_of_jump(middle) < axis {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        range.start
    }

    /// The value that became `y`, and the logarithm of `dx/dy` there, in the base measure of the score.
    pub(super) fn backward(&self, y: f64) -> (f64, f64) {
        let (x, log_mass) = self.value(y);
        let x = match self.seen {
            Some([low, high]) => x.clamp(low, high),
            None => x.clamp(f64::from(f32::MIN), f64::from(f32::MAX)),
        };
        (x, log_mass - normal_log_density(y))
    }

    fn value(&self, y: f64) -> (f64, f64) {
        let n = self.rows();
        let tail = normal_log_tail(y.abs()) + n.ln();
        let rows = if y <= 0.0 { tail.exp() } else { n - tail.exp() };
        // The jumps that have no more than `rows` examples below them.
        let mut range = 0..self.jumps.len();
        while !range.is_empty() {
            let middle = range.start.midpoint(range.end);
            let below = self.blocks.log_rows(self.axis_of_jump(middle)).0.exp();
            if below + self.jump_rows_below(middle) <= rows {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        let passed = range.start;
        if let Some(j) = passed.checked_sub(1) {
            let below = self.blocks.log_rows(self.axis_of_jump(j)).0.exp();
            if rows < below + self.jump_rows[j] {
                let own = self.jump_rows[j] - self.jump_rows_below(j);
                return (self.jumps[j], (own / n).ln());
            }
        }
        let before = self.jump_rows_below(passed);
        let after = self.all_jump_rows() - before;
        // The tail's own logarithm where no jump is beyond it.
        let exact = |rows: f64, jumps: f64, tail_is: bool| match tail_is && jumps == 0.0 {
            true => tail,
            false => (rows - jumps).max(f64::MIN_POSITIVE).ln(),
        };
        let below = exact(rows, before, y <= 0.0);
        let above = exact(if y > 0.0 { tail.exp() } else { n - rows }, after, y > 0.0);
        let (axis, log_rows) = self.blocks.point(below, above);
        let Some(grid) = self.grid else {
            return (axis, log_rows - n.ln());
        };
        let log_cell = if grid.counted { 0.0 } else { grid.cell().ln() };
        (grid.value(self.cell(axis.round())), log_rows - n.ln() - log_cell)
    }

    /// The cell of the grid at a place of the axis.
    fn cell(&self, place: f64) -> f64 {
        place + self.jumps_before(place) as f64
    }

    pub(super) fn is_valid(&self) -> bool {
        let jumps = self.jumps.len();
        self.jump_rows.len() == jumps
            && self.jumps.iter().chain(&self.jump_rows).all(|v| v.is_finite())
            && self.jumps.windows(2).all(|w| w[0] < w[1])
            && self.jump_rows.windows(2).all(|w| w[0] < w[1])
            && self.jump_rows.first().is_none_or(|&rows| rows > 0.0)
            && self.grid.is_none_or(|grid| grid.is_valid())
            && self
                .seen
                .is_none_or(|[low, high]| low.is_finite() && high.is_finite() && low <= high)
            && self.blocks.is_valid()
    }
}

/// A number as it is kept: that of the grid.
fn number(grid: Option<Grid>, x: f32) -> f64 {
    let x = f64::from(x) + 0.0;
    grid.map_or(x, |grid| grid.value(grid.place(x)))
}

/// `ln(exp(log) + more)`.
fn log_sum(log: f64, more: f64) -> f64 {
    if more > 0.0 { (log.exp() + more).ln() } else { log }
}
