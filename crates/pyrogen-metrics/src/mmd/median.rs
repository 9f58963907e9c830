//! The median distance, without holding all distances.

use pyrogen_core::{Noise, Seed};
use rayon::prelude::*;

use super::METRIC;
use crate::coarse::{self, Coarse, Frame, TOGETHER, direct, fold_pairs};
use crate::pairwise::{Distances, Fold, fold_above_diagonal};
use crate::{Features, MetricError};

/// Up to so many distances are held at once (64 MB): all pairs of 4,096 samples.
const HELD: usize = 8 << 20;

/// Bits that one pass of the selection fixes.
const DIGIT: u32 = 16;

/// The median Euclidean distance between two different samples of all the sets together; with an
/// even number of pairs, the mean of the two middle ones.
///
/// # Errors
/// Fewer than two samples, different widths or names, or a median of 0.
///
/// # Numerics
/// Exact among the computed distances, whose relative error is about 1e-13 where points are not
/// much closer together than to the origin. Many distances are not held: a sample of the pairs says
/// within which bounds the median lies, one pass counts those below and holds those between, and where
/// the sample was wrong (as with many equal distances) they are counted digit by digit of their binary
/// form, in a few passes more.
pub fn median_distance(sets: &[&Features]) -> Result<f64, MetricError> {
    median(sets, HELD, SAMPLED)
}

/// Pairs that are drawn for the bounds.
const SAMPLED: usize = 1 << 20;

fn median(sets: &[&Features], held: usize, sampled: usize) -> Result<f64, MetricError> {
    let pooled = pool(sets)?;
    let distances = Distances::new(&pooled, &pooled);
    distances.check(METRIC)?;
    let n = pooled.rows();
    let pairs = n * (n - 1) / 2;
    let ranks = [(pairs - 1) / 2, pairs / 2];
    let [lower, upper] = if pairs > held
        && let Some(found) = between(&pooled, ranks, held, sampled)
    {
        found
    } else {
        let lower = select(&pooled, &distances, ranks[0], held);
        let upper = match ranks[0] == ranks[1] {
            true => lower,
            false => of_rank_after(&pooled, &distances, lower, ranks[1]),
        };
        [lower, upper]
    };
    let median = 0.5 * (lower.sqrt() + upper.sqrt());
    if median == 0.0 {
        return Err(MetricError::ZeroBandwidth);
    }
    Ok(median)
}

/// The squared distances of two neighbouring ranks in the middle, if they lie within the bounds that a
/// sample of the pairs gives and no more than `held` do.
fn between(pooled: &Features, ranks: [usize; 2], held: usize, sampled: usize) -> Option<[f64; 2]> {
    let n = pooled.rows();
    let noise = Noise::new(Seed(0)).fork("median").uniform_vec(2 * sampled);
    let row = |u: f64, n: usize| (u * n as f64) as usize % n;
    let mut sample: Vec<f64> = noise
        .par_chunks_exact(2)
        .map(|u| {
            let i = row(u[0], n);
            direct(pooled.row(i), pooled.row((i + 1 + row(u[1], n - 1)) % n))
        })
        .collect();
    sample.par_sort_unstable_by(f64::total_cmp);
    // Six standard errors of the sampled rank to either side.
    let margin = 3.0 * (sampled as f64).sqrt();
    let at = |place: f64| sample.get(place.max(0.0) as usize).copied();
    let middle = 0.5 * sampled as f64;
    let bounds = [at(middle - margin).filter(|_| middle > margin)?, at(middle + margin)?];
    let frame = Frame::new(&[pooled]);
    let set = &Coarse::new(pooled, &frame);
    let ends = [frame.down(bounds[0]), frame.up(bounds[1])];
    let found = fold_pairs(set, || Between {
        set,
        bounds,
        ends,
        held,
        below: 0,
        between: Vec::new(),
        count: 0,
    });
    let Between { below, mut between, count, .. } = found;
    let places = [ranks[0].checked_sub(below)?, ranks[1].checked_sub(below)?];
    if count > held || places[1] >= count {
        return None;
    }
    Some(places.map(|place| *between.select_nth_unstable_by(place, f64::total_cmp).1))
}

/// How many squared distances are below some bounds, and those between.
struct Between<'a> {
    set: &'a Coarse<'a>,
    bounds: [f64; 2],
    /// What is surely below the first is below the bounds, what is above the second is above them.
    ends: [f32; 2],
    held: usize,
    below: usize,
    between: Vec<f64>,
    count: usize,
}

impl coarse::Fold for Between<'_> {
    #[inline(always)]
    fn take(&mut self, i: usize, first: usize, least: &[f32]) {
        let [low, high] = self.ends;
        let own = low - self.set.width(i);
        let widths = &self.set.widths()[first..first + least.len()];
        let parts = least.chunks(TOGETHER).zip(widths.chunks(TOGETHER));
        for (part, (least, widths)) in parts.enumerate() {
            let (mut below, mut upto) = (0u32, 0u32);
            for (&least, &width) in least.iter().zip(widths) {
                below += u32::from(least + width < own);
                upto += u32::from(least <= high);
            }
            self.below += below as usize;
            if upto > below {
                self.look(i, first + part * TOGETHER, least, own);
            }
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.below += other.below;
        self.count += other.count;
        if self.count <= self.held {
            self.between.extend(other.between);
        }
        self
    }
}

impl Between<'_> {
    /// Pairs of which not all are surely below or above.
    #[inline(never)]
    fn look(&mut self, i: usize, first: usize, least: &[f32], own: f32) {
        let rows = self.set.exact();
        for (j, &least) in (first..).zip(least) {
            if least + self.set.width(j) < own || least > self.ends[1] {
                continue;
            }
            let squared = direct(rows.row(i), rows.row(j));
            if squared < self.bounds[0] {
                self.below += 1;
            } else if squared <= self.bounds[1] {
                self.count += 1;
                if self.count <= self.held {
                    self.between.push(squared);
                }
            }
        }
    }
}

fn pool(sets: &[&Features]) -> Result<Features, MetricError> {
    let too_few = |got| MetricError::TooFewRows { metric: METRIC, set: "pooled", needed: 2, got };
    let (first, rest) = sets.split_first().ok_or(too_few(0))?;
    for set in rest {
        crate::features::check_pair(METRIC, first, set, 1)?;
    }
    let rows = sets.iter().map(|s| s.rows()).sum();
    if rows < 2 {
        return Err(too_few(rows));
    }
    let values = sets.iter().flat_map(|s| s.values()).copied().collect();
    Features::new(values, rows, first.cols())
}

/// The squared distance of rank `rank` (from 0). The bits of non-negative floats are ordered as
/// the floats are, so the answer's leading digits are those of the bin that the rank falls in.
fn select(pooled: &Features, distances: &Distances, mut rank: usize, held: usize) -> f64 {
    let n = pooled.rows();
    let (mut prefix, mut fixed, mut left) = (0u64, 0u32, n * (n - 1) / 2);
    while left > held && fixed < u64::BITS {
        let shift = u64::BITS - fixed - DIGIT;
        let counts = count(pooled, distances, prefix, fixed, shift);
        let mut digit = 0;
        while rank >= counts[digit] {
            rank -= counts[digit];
            digit += 1;
        }
        left = counts[digit];
        prefix |= (digit as u64) << shift;
        fixed += DIGIT;
    }
    if fixed == u64::BITS {
        return f64::from_bits(prefix);
    }
    let found = fold_above_diagonal(pooled, || StartingWith {
        distances,
        prefix,
        fixed,
        found: Vec::new(),
    });
    let mut left = found.found;
    f64::from_bits(*left.select_nth_unstable(rank).1)
}

/// The squared distances that begin with some digits.
struct StartingWith<'a> {
    distances: &'a Distances,
    prefix: u64,
    fixed: u32,
    found: Vec<u64>,
}

impl Fold for StartingWith<'_> {
    fn take(&mut self, i: usize, first: usize, dots: &[f64]) {
        let (prefix, fixed) = (self.prefix, self.fixed);
        let bits = bits_of(self.distances, i, first, dots);
        self.found.extend(bits.filter(|&b| starts_with(b, prefix, fixed)));
    }

    fn join(mut self, other: Self) -> Self {
        self.found.extend(other.found);
        self
    }
}

/// The squared distance of rank `rank`, given that of the rank before.
fn of_rank_after(pooled: &Features, distances: &Distances, before: f64, rank: usize) -> f64 {
    let before = before.to_bits();
    let after =
        fold_above_diagonal(pooled, || After { distances, before, upto: 0, next: u64::MAX });
    f64::from_bits(if after.upto > rank { before } else { after.next })
}

/// How many squared distances are at most `before`, and the next.
struct After<'a> {
    distances: &'a Distances,
    before: u64,
    upto: usize,
    next: u64,
}

impl Fold for After<'_> {
    fn take(&mut self, i: usize, first: usize, dots: &[f64]) {
        for bits in bits_of(self.distances, i, first, dots) {
            if bits <= self.before {
                self.upto += 1;
            } else {
                self.next = bits.min(self.next);
            }
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.upto += other.upto;
        self.next = self.next.min(other.next);
        self
    }
}

/// How many of the distances that begin with `prefix` have each next digit.
fn count(
    pooled: &Features,
    distances: &Distances,
    prefix: u64,
    fixed: u32,
    shift: u32,
) -> Vec<usize> {
    let counts = || Digits { distances, prefix, fixed, shift, counts: vec![0; 1 << DIGIT] };
    fold_above_diagonal(pooled, counts).counts
}

/// Counts of the next digit.
struct Digits<'a> {
    distances: &'a Distances,
    prefix: u64,
    fixed: u32,
    shift: u32,
    counts: Vec<usize>,
}

impl Fold for Digits<'_> {
    fn take(&mut self, i: usize, first: usize, dots: &[f64]) {
        for bits in bits_of(self.distances, i, first, dots) {
            if starts_with(bits, self.prefix, self.fixed) {
                self.counts[(bits >> self.shift) as usize & ((1 << DIGIT) - 1)] += 1;
            }
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
        self
    }
}

fn bits_of(
    distances: &Distances,
    i: usize,
    first: usize,
    dots: &[f64],
) -> impl Iterator<Item = u64> {
    (first..).zip(dots).map(move |(j, &dot)| distances.fast(i, j, dot).to_bits())
}

fn starts_with(bits: u64, prefix: u64, fixed: u32) -> bool {
    fixed == 0 || (bits ^ prefix) >> (u64::BITS - fixed) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    fn sorted_distances(x: &Features) -> Vec<f64> {
        struct All<'a>(&'a Distances, Vec<f64>);
        impl Fold for All<'_> {
            fn take(&mut self, i: usize, first: usize, dots: &[f64]) {
                let pairs = (first..).zip(dots);
                self.1.extend(pairs.map(|(j, &dot)| self.0.fast(i, j, dot).sqrt()));
            }
            fn join(mut self, other: Self) -> Self {
                self.1.extend(other.1);
                self
            }
        }
        let d = Distances::new(x, x);
        let mut all = fold_above_diagonal(x, || All(&d, Vec::new())).1;
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn counting_finds_what_sorting_finds() {
        for n in [3, 150, 151, 152] {
            let values = Noise::new(Seed(n as u64)).normal_vec(n * 3);
            let x = Features::new(values, n, 3).unwrap();
            let all = sorted_distances(&x);
            let middle = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
            // Held at once; one and two digits counted; all digits counted.
            for held in [usize::MAX, 2000, 10, 0] {
                // A good sample, one with bounds too narrow or none, and none.
                for sampled in [4000, 100, 1] {
                    let got = median(&[&x], held, sampled).unwrap();
                    // The sample's way takes sums of squared differences.
                    assert!((got / middle - 1.0).abs() < 1e-13, "{n} {held} {sampled}");
                }
            }
        }
    }

    #[test]
    fn equal_distances_fill_one_bin() {
        let x = Features::new(vec![0.0, 0.0, 2.0, 2.0], 4, 1).unwrap();
        assert_eq!(median(&[&x], 0, 100).unwrap(), 2.0);
    }

    #[test]
    fn no_median() {
        let same = Features::new(vec![1.0; 4], 4, 1).unwrap();
        assert_eq!(median_distance(&[&same]), Err(MetricError::ZeroBandwidth));
        let one = Features::new(vec![1.0], 1, 1).unwrap();
        let message = median_distance(&[&one]).unwrap_err().to_string();
        assert!(message.contains("pooled set has 1 rows"), "{message}");
        assert!(median_distance(&[]).is_err());
    }
}
