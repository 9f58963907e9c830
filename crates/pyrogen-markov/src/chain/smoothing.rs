//! How probabilities are made of counts.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::counts::{Counts, Level};
use crate::MarkovError;

/// How the counts of a context are combined with those of shorter contexts.
///
/// Every one of them is a distribution: the probabilities of all symbols add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Smoothing {
    /// Back-off to the longest context that was seen, and its counts alone: what was never seen there
    /// has probability 0.
    LongestContext,
    /// `p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h))`, where `T(h)` symbols were seen after `h`,
    /// down to `1 / V` (Witten and Bell 1991, method C).
    WittenBell,
    /// Interpolated Kneser-Ney with one discount: `p(w | h) = max(c(h w) - D, 0) / c(h) + D T(h) / c(h)
    /// p(w | h')`, where below the highest order `c` counts the different symbols before a run
    /// (Kneser and Ney 1995), down to `1 / V`.
    KneserNey {
        /// The discount, within 0 and 1.
        discount: f64,
    },
    /// The same with three discounts an order, for counts of 1, of 2, and of 3 and more, from the data
    /// (Chen and Goodman 1998, section 4.1).
    #[default]
    ModifiedKneserNey,
}

/// Discounts of one order, for counts of 1, of 2, and of 3 and more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Discounts(pub [f64; 3]);

impl Discounts {
    pub(super) fn of(&self, count: u32) -> f64 {
        match count {
            0 => 0.0,
            n => self.0[(n as usize).min(3) - 1],
        }
    }

    /// `Y = n1 / (n1 + 2 n2)` and `D_i = i - (i + 1) Y n_(i+1) / n_i`, where `n_i` runs have count `i`;
    /// 0.5, 1 and 1.5 where a count of counts is 0, which happens on small data (as KenLM's fallback).
    fn estimate(of_counts: [u64; 4]) -> Self {
        let [n1, n2, n3, n4] = of_counts.map(|n| n as f64);
        let y = n1 / (n1 + 2.0 * n2);
        let d = [1.0 - 2.0 * y * n2 / n1, 2.0 - 3.0 * y * n3 / n2, 3.0 - 4.0 * y * n4 / n3];
        let good = d.iter().enumerate().all(|(i, d)| *d >= 0.0 && *d <= (i + 1) as f64);
        if good { Self(d) } else { Self([0.5, 1.0, 1.5]) }
    }
}

/// What Kneser-Ney smoothing needs beside the counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Continuations {
    /// Adjusted counts added up, a level below the highest each.
    pub(super) sums: Vec<Vec<u32>>,
    pub(super) discounts: Vec<Discounts>,
    /// What each context leaves to shorter ones: `left[n][i]` for run `i` of level `n`, and before them
    /// that of the empty context.
    pub(super) left: Vec<Vec<f64>>,
    pub(super) left_of_nothing: f64,
}

impl Continuations {
    pub(super) fn new(counts: &Counts, fixed: Option<f64>) -> Self {
        let top = counts.order;
        let suffixes = suffixes(counts);
        let sums: Vec<Vec<u32>> = (0..top).map(|n| adjusted(counts, n, &suffixes[n])).collect();
        drop(suffixes);
        let mut all = Self { sums, discounts: Vec::new(), left: Vec::new(), left_of_nothing: 0.0 };
        for n in 0..=top {
            all.discounts.push(match fixed {
                Some(d) => Discounts([d; 3]),
                None => Discounts::estimate(all.counts_of_counts(counts, n)),
            });
        }
        all.left_of_nothing = all.leftover(counts, 0, counts.first());
        for n in 0..top {
            let contexts = (0..counts.levels[n].len()).into_par_iter();
            let left: Vec<f64> = contexts
                .map(|i| match counts.children(n, i) {
                    Some(range) => all.leftover(counts, n + 1, range),
                    None => 1.0,
                })
                .collect();
            all.left.push(left);
        }
        all
    }

    /// The count of run `i` of level `n` as this smoothing sees it.
    pub(super) fn count(&self, counts: &Counts, n: usize, i: usize) -> u32 {
        match self.sums.get(n) {
            Some(sums) => sums[i + 1] - sums[i],
            None => counts.levels[n].count(i),
        }
    }

    /// The sum of such counts.
    pub(super) fn total(&self, counts: &Counts, n: usize, range: &std::ops::Range<usize>) -> u32 {
        let sums = self.sums.get(n).unwrap_or(&counts.levels[n].sums);
        sums[range.end] - sums[range.start]
    }

    fn counts_of_counts(&self, counts: &Counts, n: usize) -> [u64; 4] {
        let mut of = [0; 4];
        let all = if n == 0 { counts.first() } else { 0..counts.levels[n].len() };
        for i in all {
            let count = self.count(counts, n, i) as usize;
            if (1..=4).contains(&count) {
                of[count - 1] += 1;
            }
        }
        of
    }

    fn leftover(&self, counts: &Counts, n: usize, range: std::ops::Range<usize>) -> f64 {
        let total = self.total(counts, n, &range);
        if total == 0 {
            return 1.0;
        }
        let discounts = &self.discounts[n];
        let sum: f64 = range.map(|i| discounts.of(self.count(counts, n, i))).sum();
        sum / f64::from(total)
    }
}

/// `suffixes[n][i]`: the place on level `n` of run `i` of level `n + 1` without its first symbol.
fn suffixes(counts: &Counts) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = Vec::with_capacity(counts.order);
    for n in 0..counts.order {
        let parents = (0..counts.levels[n].len()).into_par_iter();
        let of_parent = |p: usize| -> Vec<u32> {
            let own = counts.children(n, p).unwrap_or(0..0);
            let range = match n {
                0 => 0..counts.levels[0].len(),
                n => counts.children(n - 1, all[n - 1][p] as usize).unwrap_or(0..0),
            };
            own.map(|i| {
                let symbol = counts.levels[n + 1].symbols[i];
                counts.among(n, range.clone(), symbol).expect("a part of a run is a run") as u32
            })
            .collect()
        };
        let level: Vec<u32> = parents.flat_map_iter(of_parent).collect();
        all.push(level);
    }
    all
}

/// Numbers of different symbols before the runs of every level but the highest, added up; at least 1 a
/// run.
pub(super) fn distinct_before(counts: &Counts) -> Vec<Vec<u32>> {
    let suffixes = suffixes(counts);
    let level = |n: usize| {
        let sums = adjusted(counts, n, &suffixes[n]);
        let mut sum = 0;
        let own = sums.windows(2).map(|w| {
            sum += (w[1] - w[0]).max(1);
            sum
        });
        std::iter::once(0).chain(own).collect()
    };
    (0..counts.order).map(level).collect()
}

/// Numbers of different symbols before the runs of level `n`, added up; runs at the beginning of a
/// sequence have nothing before them and keep their counts.
fn adjusted(counts: &Counts, n: usize, suffixes: &[u32]) -> Vec<u32> {
    let level: &Level = &counts.levels[n];
    let mut own = vec![0u32; level.len()];
    suffixes.iter().for_each(|i| own[*i as usize] += 1);
    if let Some(begin) = counts.begin() {
        for i in starting_with(counts, begin, n) {
            own[i] = level.count(i);
        }
    }
    let mut sums = Vec::with_capacity(own.len() + 1);
    sums.push(0);
    let mut sum = 0;
    for count in own {
        sum += count;
        sums.push(sum);
    }
    sums
}

/// The runs of level `n` that start with a symbol.
fn starting_with(counts: &Counts, symbol: u32, n: usize) -> std::ops::Range<usize> {
    let Some(first) = counts.among(0, 0..counts.levels[0].len(), symbol) else { return 0..0 };
    let mut range = first..first + 1;
    for level in 0..n {
        let starts = &counts.levels[level].children;
        range = starts[range.start] as usize..starts[range.end] as usize;
    }
    range
}

impl Smoothing {
    pub(super) fn validate(&self) -> Result<(), MarkovError> {
        match self {
            Self::KneserNey { discount } if !(0.0..=1.0).contains(discount) => {
                Err(MarkovError::request("discount", "within 0 and 1", discount))
            }
            _ => Ok(()),
        }
    }
}
