//! Numbers as runs of many, with tails at both ends.

use serde::{Deserialize, Serialize};

use super::tail::{Fitted, Tail};

/// A density in pieces: constant between knots, a [`Tail`] beyond either end. Masses are in examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Ascending.
    pub knots: Vec<f64>,
    /// Examples below each knot, those of the lower tail among them.
    pub below: Vec<f64>,
    /// Below the first knot.
    pub lower: Tail,
    /// Above the last knot.
    pub upper: Tail,
}

/// Fewest rows of a run: nothing is kept of fewer.
pub(super) const FEWEST: usize = 8;

/// Most runs, about.
const MOST_RUNS: usize = 500;

/// Mass of a tail beyond a run that has an end: the example that comes next.
const BEYOND: f64 = 1.0;

/// Runs of that many rows at least, and mostly less than twice as many.
///
/// The root of all is between what the noise of counts and what the slope of a density ask for.
fn run_rows(n: usize) -> usize {
    let root = (n as f64).sqrt().ceil() as usize;
    root.max(n.div_ceil(MOST_RUNS)).max(FEWEST)
}

/// A run of rows: its mean and the ends of the uniform distribution of that mean and variance.
#[derive(Debug, Clone)]
struct Run {
    rows: std::ops::Range<usize>,
    low: f64,
    high: f64,
}

impl Run {
    fn of(sorted: &[f64], rows: std::ops::Range<usize>) -> Self {
        let numbers = &sorted[rows.clone()];
        let n = numbers.len() as f64;
        // From the first, so that nothing cancels far away from 0.
        let first = numbers[0];
        let mean = numbers.iter().map(|v| v - first).sum::<f64>() / n;
        let square = numbers.iter().map(|v| (v - first - mean).powi(2)).sum::<f64>();
        let half = (3.0 * square / (n - 1.0).max(1.0)).sqrt();
        Self { rows, low: first + mean - half, high: first + mean + half }
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn width(&self) -> f64 {
        self.high - self.low
    }

    /// The distance from one number to the next.
    fn spacing(&self) -> f64 {
        self.width() / self.len() as f64
    }
}

/// Runs of [`run_rows`] rows or more, cut at the widest gaps, as microaggregation does: no run reaches
/// over a gap between two clusters that are large enough.
///
/// # References
/// J. Domingo-Ferrer and J. M. Mateo-Sanz (2002), "Practical data-oriented microaggregation for
/// statistical disclosure control".
fn runs(sorted: &[f64]) -> Vec<Run> {
    let n = sorted.len();
    let fewest = run_rows(n).min(n);
    let mut runs = Vec::new();
    let mut start = 0;
    while start < n {
        let ends = start + fewest..=(start + 2 * fewest - 1).min(n);
        // An end that leaves too few for another run is none.
        let ends = ends.filter(|&end| end == n || n - end >= fewest);
        let gap = |end: usize| if end == n { 0.0 } else { sorted[end] - sorted[end - 1] };
        let end = ends.reduce(|a, b| if gap(b) > gap(a) { b } else { a });
        // Between one and two runs' rows are left, and no cut of them leaves two.
        let end = end.unwrap_or(n);
        runs.push(Run::of(sorted, start..end));
        start = end;
    }
    runs
}

/// `x` rounded to a multiple of the largest power of two that is at most `width / parts`.
fn coarse(x: f64, width: f64, parts: f64) -> f64 {
    let cell = (width / parts).log2().floor().exp2();
    if cell.is_normal() { (x / cell).round() * cell } else { x }
}

/// Builds the pieces from the lowest up.
struct Pieces {
    knots: Vec<f64>,
    below: Vec<f64>,
}

impl Pieces {
    /// Rows between the last knot and the next; a knot that is none (not above the last) gives its
    /// rows to the piece that follows.
    fn upto(&mut self, knot: f64, rows: f64, carried: &mut f64) {
        let (&last, &below) =
            (self.knots.last().expect("begun"), self.below.last().expect("begun"));
        *carried += rows;
        if knot > last {
            self.knots.push(knot);
            self.below.push(below + *carried);
            *carried = 0.0;
        }
    }
}

impl Pieces {
    /// A gap: the example that comes next beyond the run below it, within `low`; one before the run above
    /// it, within `high`; and one between.
    fn gap(&mut self, cut: &Cut, low: f64, high: f64, carried: &mut f64) {
        if low + high < 0.5 * (cut.high - cut.low) {
            self.upto(cut.low + low, BEYOND, carried);
            self.upto(cut.high - high, BEYOND, carried);
        }
        self.upto(cut.high, BEYOND, carried);
    }
}

impl Blocks {
    /// The distribution of numbers that ascend, one or more; `scale` is the size of a distance where
    /// they are all equal.
    ///
    /// What is kept is of [`FEWEST`] rows or more, and rounded; of fewer numbers than that, two binary
    /// digits.
    pub(super) fn fit(sorted: &[f64], scale: f64) -> Self {
        let mut runs = runs(sorted);
        let parts = if sorted.len() < FEWEST { 4.0 } else { 64.0 };
        for run in runs.iter_mut().filter(|run| run.width() <= 0.0) {
            let middle = run.low;
            (run.low, run.high) = (middle - 0.5 * scale, middle + 0.5 * scale);
        }
        match &runs[..] {
            [only] => Self::of_one(only, parts),
            _ => Self::of_runs(sorted, &runs, parts),
        }
    }

    /// Where there are no numbers: an example somewhere in `low..high`, or beyond it.
    pub(super) fn unknown(low: f64, high: f64) -> Self {
        Self::of_one(&Run { rows: 0..1, low, high }, 4.0)
    }

    fn of_one(run: &Run, parts: f64) -> Self {
        let width = run.width();
        let mut knots = vec![coarse(run.low, width, parts), coarse(run.high, width, parts)];
        if knots[1] <= knots[0] {
            knots = vec![run.low, run.high];
        }
        // A normal distribution goes on for an eighth of that width.
        let tail = Tail::light(BEYOND, width / 8.0, run.len());
        Self { knots, below: vec![BEYOND, BEYOND + run.len() as f64], lower: tail, upper: tail }
    }

    fn of_runs(sorted: &[f64], runs: &[Run], parts: f64) -> Self {
        let cuts: Vec<Cut> = runs.windows(2).map(|w| Cut::between(sorted, &w[0], &w[1])).collect();
        let (first, last) = (&runs[0], &runs[runs.len() - 1]);
        let inner = (cuts[0].low, cuts[cuts.len() - 1].high);
        let (lower, low) = outer(sorted, first, inner.0, -1.0, parts);
        let (upper, high) = outer(sorted, last, inner.1, 1.0, parts);

        let start = low.unwrap_or(inner.0);
        let mut pieces = Pieces { knots: vec![start], below: vec![lower.rows] };
        let mut carried = 0.0;
        for (i, cut) in cuts.iter().enumerate() {
            let rows = if i == 0 && low.is_none() { 0.0 } else { runs[i].len() as f64 };
            pieces.upto(cut.low, rows, &mut carried);
            if cut.high > cut.low {
                pieces.gap(cut, runs[i].width() / 4.0, runs[i + 1].width() / 4.0, &mut carried);
            }
        }
        if let Some(high) = high {
            pieces.upto(high, last.len() as f64, &mut carried);
        }
        let Pieces { knots, mut below } = pieces;
        if let Some(last) = below.last_mut().filter(|_| knots.len() > 1) {
            *last += carried;
        }
        Self { knots, below, lower, upper }
    }
}

/// Where one run ends and the next begins; between the two, if they differ, is a gap.
struct Cut {
    low: f64,
    high: f64,
}

impl Cut {
    fn between(sorted: &[f64], a: &Run, b: &Run) -> Self {
        let width = a.width().min(b.width());
        let round = |x: f64| coarse(x, width, 64.0);
        // Among all spacings of equal numbers a longer one is rarer than e^-4.
        let chance = (sorted.len() as f64).ln() + 4.0;
        let gap = sorted[b.rows.start] - sorted[a.rows.end - 1];
        if gap.min(b.low - a.high) > chance * a.spacing().max(b.spacing()) {
            return Self { low: round(a.high), high: round(b.low) };
        }
        // The middle of the rows around it, which no single row reveals.
        let around = &sorted[a.rows.end - FEWEST / 2..b.rows.start + FEWEST / 2];
        let first = around[0];
        let mean = first + around.iter().map(|v| v - first).sum::<f64>() / around.len() as f64;
        Self { low: round(mean), high: round(mean) }
    }
}

/// The tail beyond an outer run, and the knot at its outer end; none where the run is the tail's
/// own. `side` is 1 above and -1 below, `inner` the inner end of the run.
fn outer(sorted: &[f64], run: &Run, inner: f64, side: f64, parts: f64) -> (Tail, Option<f64>) {
    let mut distances: Vec<f64> =
        sorted[run.rows.clone()].iter().map(|v| (side * (v - inner)).max(0.0)).collect();
    if side < 0.0 {
        distances.reverse();
    }
    let fitted = Fitted::of(&distances);
    let rows = run.len() as f64;
    if fitted.shape >= 0.0 && fitted.mean > 0.0 {
        return (fitted.tail(rows + BEYOND), None);
    }
    let edge = if side > 0.0 { run.high } else { run.low };
    let excess = fitted.mean_excess((side * (edge - inner)).max(0.0), run.spacing());
    (Tail::light(BEYOND, excess, run.len()), Some(coarse(edge, run.width(), parts)))
}

/// A place: the value, and the logarithm of the examples a unit there.
pub(super) type Point = (f64, f64);

impl Blocks {
    /// All examples.
    pub(super) fn rows(&self) -> f64 {
        self.below.last().map_or(0.0, |b| b + self.upper.rows)
    }

    /// The logarithms of the examples below and above `z`.
    pub(super) fn log_rows(&self, z: f64) -> (f64, f64) {
        let last = self.knots.len() - 1;
        if z <= self.knots[0] {
            let below = self.lower.log_beyond(self.knots[0] - z);
            return (below, (self.rows() - below.exp()).ln());
        }
        if z >= self.knots[last] {
            let above = self.upper.log_beyond(z - self.knots[last]);
            return ((self.rows() - above.exp()).ln(), above);
        }
        let k = self.knots.partition_point(|&knot| knot <= z);
        let share = (z - self.knots[k - 1]) / (self.knots[k] - self.knots[k - 1]);
        let below = self.below[k - 1] + share * (self.below[k] - self.below[k - 1]);
        (below.ln(), (self.rows() - below).ln())
    }

    /// The place with so many examples below and above it, as logarithms.
    pub(super) fn point(&self, log_below: f64, log_above: f64) -> Point {
        let last = self.knots.len() - 1;
        if log_below <= self.lower.rows.ln() {
            let e = self.lower.distance(log_below);
            return (self.knots[0] - e, self.lower.log_density(e));
        }
        if log_above <= self.upper.rows.ln() {
            let e = self.upper.distance(log_above);
            return (self.knots[last] + e, self.upper.log_density(e));
        }
        let below = log_below.exp();
        let k = self.below.partition_point(|&b| b <= below).clamp(1, last);
        let (from, to) = (self.knots[k - 1], self.knots[k]);
        let rows = self.below[k] - self.below[k - 1];
        let share = ((below - self.below[k - 1]) / rows).clamp(0.0, 1.0);
        (from + share * (to - from), (rows / (to - from)).ln())
    }

    pub(super) fn is_valid(&self) -> bool {
        let n = self.knots.len();
        let ascend = |v: &[f64]| v.windows(2).all(|w| w[0] < w[1]);
        n > 0
            && self.below.len() == n
            && self.knots.iter().chain(&self.below).all(|v| v.is_finite())
            && ascend(&self.knots)
            && ascend(&self.below)
            && self.lower.is_valid()
            && self.upper.is_valid()
            && (self.below[0] - self.lower.rows).abs() <= 1e-9 * self.lower.rows
    }
}
