//! One pass over a table: log densities, shares and sums, block by block on all cores.

mod evaluate;

use rayon::prelude::*;

use crate::blocks::{BLOCK, Block};
use crate::factors::{Covariance, Factor, Regression, Root, Seen};
use crate::kernels;
use crate::matrix::{at, packed};
use crate::{MISSING, Table};

pub(crate) use evaluate::{Judgement, evaluate, judge};

/// Components as a pass sees them: what turns a row into `k` log-joints.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Components {
    /// Numeric columns.
    pub d: usize,
    /// Complete rows; one a component.
    pub factors: Vec<Factor>,
    /// What a component's rows add to the log density of the numbers.
    pub log_weights: Vec<f64>,
    /// Per component: lower triangles or diagonals, one after another.
    pub covariances: Vec<f64>,
    pub dense: bool,
    pub levels: Vec<u32>,
    /// Log-probabilities, `[k, sum of levels]`.
    pub log_probabilities: Vec<f64>,
}

impl Components {
    pub fn k(&self) -> usize {
        self.factors.len()
    }

    /// Numbers that hold one covariance.
    pub fn size(&self) -> usize {
        if self.dense { packed(self.d) } else { self.d }
    }

    pub fn covariance(&self, component: usize) -> Covariance<'_> {
        let size = self.size();
        let part = &self.covariances[component * size..][..size];
        if self.dense { Covariance::Dense(part) } else { Covariance::Diagonal(part) }
    }

    /// The components as a pattern of missing cells sees them.
    ///
    /// # Panics
    /// If a covariance is not positive definite; whoever made the components checked that.
    pub fn seen(&self, table: &Table, pattern: usize) -> Vec<Seen> {
        let pattern = &table.blocks.patterns[pattern];
        let see = |c: usize| {
            let seen = self.covariance(c).seen(&self.factors[c].mean, self.log_weights[c], pattern);
            // A part of a positive definite matrix is positive definite, and no worse conditioned.
            seen.expect("parts of checked covariances are positive definite")
        };
        (0..self.k()).map(see).collect()
    }

    /// The place of each categorical column's first level.
    pub fn offsets(&self) -> Vec<usize> {
        let before = |next: &mut usize, levels: &u32| {
            *next += *levels as usize;
            Some(*next - *levels as usize)
        };
        self.levels.iter().scan(0, before).collect()
    }
}

/// The memory of one thread, and what is known of the block at hand.
pub(crate) struct Work<'a> {
    components: &'a Components,
    table: &'a Table,
    offsets: Vec<usize>,
    /// Observed columns of the rows, `[observed, BLOCK]`.
    x: Vec<f64>,
    /// Differences from a component's mean: observed columns, or all of them in their order.
    diff: Vec<f64>,
    weighted: Vec<f64>,
    /// Log-joints `[k, BLOCK]`; after [`shares`](Self::shares) shares that sum to 1 a row.
    pub joint: Vec<f64>,
    /// Log densities of the rows.
    pub log_density: Vec<f64>,
    /// `sum_k r_k log_joint_k`.
    pub expected: Vec<f64>,
    seen: Option<(usize, Vec<Seen>)>,
}

impl<'a> Work<'a> {
    fn new(components: &'a Components, table: &'a Table) -> Self {
        let (d, k) = (components.d, components.k());
        Self {
            components,
            table,
            offsets: components.offsets(),
            x: vec![0.0; d * BLOCK],
            diff: vec![0.0; d * BLOCK],
            weighted: vec![0.0; d * BLOCK],
            joint: vec![0.0; k * BLOCK],
            log_density: vec![0.0; BLOCK],
            expected: vec![0.0; BLOCK],
            seen: None,
        }
    }

    /// Reads the rows of a block.
    fn load(&mut self, block: &Block) {
        let pattern = &self.table.blocks.patterns[block.pattern];
        self.x.fill(0.0);
        for place in 0..block.len {
            let row = self.table.numbers(self.table.blocks.row(block, place));
            if pattern.missing.is_empty() {
                for (j, v) in row.iter().enumerate() {
                    self.x[j * BLOCK + place] = *v;
                }
            } else {
                for (j, &column) in pattern.observed.iter().enumerate() {
                    self.x[j * BLOCK + place] = row[column];
                }
            }
        }
        if pattern.missing.is_empty() {
            self.seen = None;
        } else if self.seen.as_ref().is_none_or(|(at, _)| *at != block.pattern) {
            self.seen = Some((block.pattern, self.components.seen(self.table, block.pattern)));
        }
    }

    /// The Gaussian of the block's observed columns.
    fn factor(&self, component: usize) -> &Factor {
        match &self.seen {
            None => &self.components.factors[component],
            Some((_, seen)) => &seen[component].factor,
        }
    }

    /// Fills `diff` with the differences of observed columns.
    fn differ(&mut self, component: usize) {
        let mut diff = std::mem::take(&mut self.diff);
        kernels::differences(&self.x, &self.factor(component).mean, &mut diff);
        self.diff = diff;
    }

    /// Fills `joint` with log-joints.
    fn log_joints(&mut self, block: &Block) {
        for c in 0..self.components.k() {
            self.differ(c);
            let mut joint = std::mem::take(&mut self.joint);
            let out = &mut joint[c * BLOCK..][..BLOCK];
            let factor = self.factor(c);
            match &factor.root {
                Root::Dense(p) => {
                    let d = factor.mean.len();
                    kernels::dense_log_density(p, d, &self.diff, factor.constant, out);
                }
                Root::Diagonal(inverse) => {
                    kernels::diagonal_log_density(inverse, &self.diff, factor.constant, out);
                }
            }
            self.joint = joint;
        }
        if !self.offsets.is_empty() {
            self.add_categories(block);
        }
    }

    fn add_categories(&mut self, block: &Block) {
        let Components { log_probabilities, levels, .. } = self.components;
        let all = levels.iter().map(|l| *l as usize).sum::<usize>();
        for place in 0..block.len {
            let codes = self.table.codes(self.table.blocks.row(block, place));
            let seen = codes.iter().zip(&self.offsets).filter(|(code, _)| **code != MISSING);
            for (code, offset) in seen {
                let of = offset + *code as usize;
                let lines = self.joint.chunks_exact_mut(BLOCK);
                for (line, log_p) in lines.zip(log_probabilities[of..].iter().step_by(all)) {
                    line[place] += log_p;
                }
            }
        }
    }

    /// Turns log-joints into shares; fills `log_density` and `expected`.
    fn shares(&mut self) {
        kernels::softmax(&mut self.joint, &mut self.log_density, &mut self.expected);
    }

    /// Adds the block to the sums, with the rows' weights taken into the shares.
    fn add(&mut self, block: &Block, sums: &mut Sums) {
        for place in 0..BLOCK {
            let weight = match place < block.len {
                true => self.table.weight(self.table.blocks.row(block, place)),
                false => 0.0,
            };
            if weight != 1.0 {
                self.joint.chunks_exact_mut(BLOCK).for_each(|line| line[place] *= weight);
            }
            if weight > 0.0 {
                let (log_density, expected) = (self.log_density[place], self.expected[place]);
                sums.log_likelihood += weight * log_density;
                sums.entropy += weight * (log_density - expected);
                let row = self.table.blocks.row(block, place);
                if log_density == f64::NEG_INFINITY {
                    sums.impossible.get_or_insert(row);
                }
            }
        }
        for c in 0..self.components.k() {
            self.add_component(block, c, sums);
        }
    }

    fn add_component(&mut self, block: &Block, c: usize, sums: &mut Sums) {
        let joint = std::mem::take(&mut self.joint);
        let r = &joint[c * BLOCK..][..BLOCK];
        let share: f64 = r.iter().sum();
        if share != 0.0 {
            let (d, size) = (self.components.d, self.components.size());
            sums.n[c] += share;
            self.differ(c);
            self.complete(c);
            let first = &mut sums.first[c * d..][..d];
            let second = &mut sums.second[c * size..][..size];
            let dense = self.components.dense;
            if d > 0 {
                kernels::scatter(r, &self.diff, &mut self.weighted, first, second, dense);
            }
            self.add_residual(block, c, share, second);
            self.count(block, r, &mut sums.counts[c * sums.levels..][..sums.levels]);
        }
        self.joint = joint;
    }

    /// Puts expected differences in the place of missing ones, all columns in their order.
    fn complete(&mut self, c: usize) {
        let Some((pattern, seen)) = &self.seen else { return };
        let pattern = &self.table.blocks.patterns[*pattern];
        let o = pattern.observed.len();
        // The observed columns are moved from the last on, so that none is overwritten unread.
        let known = self.diff[..o * BLOCK].to_vec();
        for (from, &to) in pattern.observed.iter().enumerate() {
            self.diff[to * BLOCK..][..BLOCK].copy_from_slice(&known[from * BLOCK..][..BLOCK]);
        }
        for (i, &to) in pattern.missing.iter().enumerate() {
            let out = &mut self.diff[to * BLOCK..][..BLOCK];
            out.fill(0.0);
            if let Regression::Dense { slopes, .. } = &seen[c].regression {
                for (slope, known) in slopes[i * o..][..o].iter().zip(known.chunks_exact(BLOCK)) {
                    out.iter_mut().zip(known).for_each(|(out, x)| *out += slope * x);
                }
            }
        }
    }

    /// Adds the covariance that missing columns have beside their expectation.
    fn add_residual(&self, block: &Block, c: usize, share: f64, second: &mut [f64]) {
        let Some((_, seen)) = &self.seen else { return };
        let missing = &self.table.blocks.patterns[block.pattern].missing;
        match &seen[c].regression {
            Regression::Diagonal { residual } => {
                missing.iter().zip(residual).for_each(|(&j, v)| second[j] += share * v);
            }
            Regression::Dense { residual, .. } => {
                for (i, &row) in missing.iter().enumerate() {
                    for (j, &column) in missing[..=i].iter().enumerate() {
                        second[at(row, column)] += share * residual[at(i, j)];
                    }
                }
            }
        }
    }

    fn count(&self, block: &Block, r: &[f64], counts: &mut [f64]) {
        if self.offsets.is_empty() {
            return;
        }
        for (place, r) in r.iter().enumerate().take(block.len) {
            let codes = self.table.codes(self.table.blocks.row(block, place));
            for (code, offset) in codes.iter().zip(&self.offsets) {
                if *code != MISSING {
                    counts[offset + *code as usize] += r;
                }
            }
        }
    }
}

/// Sums over rows about the means that the pass began with: what an M-step needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sums {
    /// Weight of each component.
    pub n: Vec<f64>,
    /// `sum r (x - mean)`, `[k, d]`.
    pub first: Vec<f64>,
    /// `sum r (x - mean)(x - mean)^T`, lower triangles or diagonals.
    pub second: Vec<f64>,
    /// Weight of each level, `[k, levels]`.
    pub counts: Vec<f64>,
    levels: usize,
    pub log_likelihood: f64,
    /// `-sum r log r`.
    pub entropy: f64,
    /// The first row of probability zero.
    pub impossible: Option<usize>,
}

impl Sums {
    fn new(components: &Components) -> Self {
        let k = components.k();
        let levels = components.levels.iter().map(|l| *l as usize).sum::<usize>();
        Self {
            n: vec![0.0; k],
            first: vec![0.0; k * components.d],
            second: vec![0.0; k * components.size()],
            counts: vec![0.0; k * levels],
            levels,
            log_likelihood: 0.0,
            entropy: 0.0,
            impossible: None,
        }
    }

    fn join(mut self, other: Self) -> Self {
        let add = |a: &mut Vec<f64>, b: Vec<f64>| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        add(&mut self.n, other.n);
        add(&mut self.first, other.first);
        add(&mut self.second, other.second);
        add(&mut self.counts, other.counts);
        self.log_likelihood += other.log_likelihood;
        self.entropy += other.entropy;
        self.impossible = self.impossible.or(other.impossible);
        self
    }
}

/// `f` of every block, with a value of its own for each lot; these in order.
fn visit<'a, T: Send>(
    components: &'a Components,
    table: &'a Table,
    make: impl Fn() -> T + Sync,
    f: impl Fn(&mut T, &mut Work<'a>, &Block) + Sync,
) -> Vec<T> {
    let lot = |blocks: &[Block]| {
        let (mut value, mut work) = (make(), Work::new(components, table));
        for block in blocks {
            work.load(block);
            f(&mut value, &mut work, block);
        }
        value
    };
    table.blocks.lots().into_par_iter().map(lot).collect()
}

fn joined(parts: Vec<Sums>) -> Sums {
    parts.into_iter().reduce(Sums::join).expect("a table has rows")
}

/// The sums of an E-step.
pub(crate) fn expectations(components: &Components, table: &Table) -> Sums {
    joined(visit(
        components,
        table,
        || Sums::new(components),
        |sums, work, block| {
            work.log_joints(block);
            work.shares();
            work.add(block, sums);
        },
    ))
}

/// The sums for shares that are given, `[rows, k]`; missing cells follow the components.
pub(crate) fn sums_of_shares(components: &Components, table: &Table, shares: &[f64]) -> Sums {
    let k = components.k();
    joined(visit(
        components,
        table,
        || Sums::new(components),
        |sums, work, block| {
            for place in 0..block.len {
                let row = table.blocks.row(block, place);
                for c in 0..k {
                    work.joint[c * BLOCK + place] = shares[row * k + c];
                }
            }
            work.log_density.fill(0.0);
            work.expected.fill(0.0);
            work.add(block, sums);
        },
    ))
}
