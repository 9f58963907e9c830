//! Precision, recall, density and coverage by nearest neighbours.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::coarse::{Coarse, Frame, Row, TOGETHER, direct, rows, within};
use crate::features::check_pair;
use crate::neighbours::Nearest;
use crate::pairwise::Distances;
use crate::{Features, MetricError};

const METRIC: &str = "prdc";

/// How well generated samples lie among the real ones, and cover them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prdc {
    /// Share of generated samples within reach of some real sample.
    pub precision: f64,
    /// Share of real samples within reach of some generated sample.
    pub recall: f64,
    /// Mean number of real samples whose reach a generated sample lies in, divided by `k`; about 1
    /// for equal distributions, and not bounded by 1.
    pub density: f64,
    /// Share of real samples that have a generated sample within their reach.
    pub coverage: f64,
}

/// Precision, recall, density and coverage with `k` nearest neighbours.
///
/// The reach of a sample is its distance to its `k`-th nearest neighbour in its own set, not
/// counting itself. A point is within reach if it is strictly closer than that.
///
/// # Numerics
/// Every comparison has the outcome that directly computed squared distances in f64 give (sums of
/// squared differences, in column order), so points at equal distances stay ties. Distances in f32 with
/// their bounds say which pairs have to be looked at. Memory is a tile of distances for each thread, not
/// the whole matrix.
///
/// # Errors
/// `k` outside `1..n` for either set; different widths or names; values so large that squares
/// overflow.
///
/// # References
/// Kynkäänniemi, Karras, Laine, Lehtinen and Aila (2019), "Improved Precision and Recall Metric for
/// Assessing Generative Models", eqs. 1 and 2. Naeem, Oh, Uh, Choi and Yoo (2020), "Reliable
/// Fidelity and Diversity Metrics for Generative Models", eqs. 5 and 6.
///
/// ```
/// use pyrogen_metrics::{Features, prdc};
///
/// let real = Features::new(vec![0.0, 1.0, 2.0, 10.0], 4, 1)?;
/// let generated = Features::new(vec![0.5, 1.5, 1.6], 3, 1)?;
/// let p = prdc(&real, &generated, 1)?;
/// assert_eq!((p.precision, p.recall, p.coverage), (1.0, 0.5, 0.75));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn prdc(real: &Features, generated: &Features, k: usize) -> Result<Prdc, MetricError> {
    check_pair(METRIC, real, generated, 1)?;
    for (set, features) in [("real", real), ("generated", generated)] {
        let rows = features.rows();
        if k == 0 || k >= rows {
            return Err(MetricError::Neighbours { k, set, rows });
        }
    }
    Distances::new(generated, real).check(METRIC)?;
    let frame = Frame::new(&[real, generated]);
    let (x, y) = (Coarse::new(generated, &frame), Coarse::new(real, &frame));
    let reach = |set: &Coarse| Reach::new(squared_reach(set, &frame, k), &frame);
    let (real_reach, generated_reach) = (reach(&y), reach(&x));

    let (recalled, covered) = (lowered(real.rows()), lowered(real.rows()));
    // For each generated sample the number of real samples whose reach it lies in; the real
    // samples' flags are only ever raised, so the order of the threads does not matter.
    let new = |j: usize| Reached {
        sets: [&x, &y],
        j,
        real_reach: &real_reach,
        own_reach: generated_reach.of(j),
        recalled: &recalled,
        covered: &covered,
        count: 0,
    };
    let counts = rows(&x, &y, new, |row| row.count);
    let precise = counts.iter().filter(|&&count| count > 0).count();
    Ok(Prdc {
        precision: precise as f64 / generated.rows() as f64,
        recall: share(recalled),
        density: counts.iter().sum::<usize>() as f64 / (k as f64 * generated.rows() as f64),
        coverage: share(covered),
    })
}

/// The squared reach of each sample of a set.
struct Reach {
    exact: Vec<f64>,
    /// In the units of the frame: what is below the first is within reach, what is above the second is
    /// not.
    surely: Vec<f32>,
    perhaps: Vec<f32>,
}

impl Reach {
    fn new(exact: Vec<f64>, frame: &Frame) -> Self {
        let surely = exact.iter().map(|&squared| frame.down(squared)).collect();
        let perhaps = exact.iter().map(|&squared| frame.up(squared)).collect();
        Self { exact, surely, perhaps }
    }

    fn of(&self, i: usize) -> OneReach {
        OneReach { exact: self.exact[i], surely: self.surely[i], perhaps: self.perhaps[i] }
    }
}

/// The squared reach of one sample.
#[derive(Clone, Copy)]
struct OneReach {
    exact: f64,
    surely: f32,
    perhaps: f32,
}

impl OneReach {
    /// Whether a squared distance is within reach, by its ends where they say it.
    fn holds(&self, [least, most]: [f32; 2], exact: impl FnOnce() -> f64) -> bool {
        if least > self.perhaps { false } else { most < self.surely || exact() < self.exact }
    }
}

/// A generated sample among the real ones.
struct Reached<'a> {
    /// Generated and real.
    sets: [&'a Coarse<'a>; 2],
    j: usize,
    real_reach: &'a Reach,
    own_reach: OneReach,
    recalled: &'a [AtomicBool],
    covered: &'a [AtomicBool],
    /// Real samples whose reach it lies in.
    count: usize,
}

impl Row for Reached<'_> {
    #[inline(always)]
    fn take(&mut self, first: usize, least: &[f32]) {
        let reach = &self.real_reach.perhaps[first..first + least.len()];
        let parts = least.chunks(TOGETHER).zip(reach.chunks(TOGETHER));
        for (part, (least, reach)) in parts.enumerate() {
            let mut near = false;
            for (&least, &reach) in least.iter().zip(reach) {
                near |= (least <= reach) | (least <= self.own_reach.perhaps);
            }
            if near {
                self.look(first + part * TOGETHER, least);
            }
        }
    }
}

impl Reached<'_> {
    #[inline(never)]
    fn look(&mut self, first: usize, least: &[f32]) {
        let [x, y] = self.sets;
        for (i, &least) in (first..).zip(least) {
            let ends = [least, least + x.width(self.j) + y.width(i)];
            let exact = || direct(x.exact().row(self.j), y.exact().row(i));
            if self.real_reach.of(i).holds(ends, exact) {
                self.count += 1;
                self.covered[i].store(true, Ordering::Relaxed);
            }
            if self.own_reach.holds(ends, exact) {
                self.recalled[i].store(true, Ordering::Relaxed);
            }
        }
    }
}

fn lowered(n: usize) -> Vec<AtomicBool> {
    (0..n).map(|_| AtomicBool::new(false)).collect()
}

fn share(flags: Vec<AtomicBool>) -> f64 {
    let n = flags.len() as f64;
    let raised = flags.into_iter().filter(|f| f.load(Ordering::Relaxed));
    raised.count() as f64 / n
}

/// The squared distance from each row to its `k`-th nearest other row.
fn squared_reach(set: &Coarse, frame: &Frame, k: usize) -> Vec<f64> {
    let nearest = within(set, |i| Nearest::new(set, set, frame, i, k));
    nearest.into_par_iter().map(|row| row.kth().1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(set: &Features, k: usize) -> Vec<f64> {
        let frame = Frame::new(&[set]);
        squared_reach(&Coarse::new(set, &frame), &frame, k)
    }

    #[test]
    fn reach_counts_others_and_ties() {
        let set = Features::new(vec![0.0, 0.0, 1.0, 3.0, 7.0], 5, 1).unwrap();
        assert_eq!(reach(&set, 1), [0.0, 0.0, 1.0, 4.0, 16.0]);
        assert_eq!(reach(&set, 2), [1.0, 1.0, 1.0, 9.0, 36.0]);
        assert_eq!(reach(&set, 4), [49.0, 49.0, 36.0, 16.0, 49.0]);
    }

    #[test]
    fn reach_is_direct_where_the_norms_are_large() {
        // Around 1e8 the fast distances are noise; the reach is still exact.
        let set = Features::new(vec![1e8, 1e8 + 1.0, 1e8 + 3.0], 3, 1).unwrap();
        assert_eq!(reach(&set, 1), [1.0, 1.0, 4.0]);
    }

    /// As the definition says, pair by pair.
    fn plain(real: &Features, generated: &Features, k: usize) -> Prdc {
        let squared =
            |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
        let reach = |set: &Features| -> Vec<f64> {
            let of = |i: usize| {
                let others = (0..set.rows()).filter(|&j| j != i);
                let mut all: Vec<f64> = others.map(|j| squared(set.row(i), set.row(j))).collect();
                all.sort_by(f64::total_cmp);
                all[k - 1]
            };
            (0..set.rows()).map(of).collect()
        };
        let (of_real, of_generated) = (reach(real), reach(generated));
        let (n, m) = (real.rows(), generated.rows());
        let d = |i: usize, j: usize| squared(generated.row(j), real.row(i));
        let within = |j: usize| (0..n).filter(|&i| d(i, j) < of_real[i]).count();
        let share = |n: usize, f: &dyn Fn(usize) -> bool| {
            (0..n).filter(|&i| f(i)).count() as f64 / n as f64
        };
        Prdc {
            precision: share(m, &|j| within(j) > 0),
            recall: share(n, &|i| (0..m).any(|j| d(i, j) < of_generated[j])),
            density: (0..m).map(within).sum::<usize>() as f64 / (k * m) as f64,
            coverage: share(n, &|i| (0..m).any(|j| d(i, j) < of_real[i])),
        }
    }

    #[test]
    fn tiles_and_shortcuts_change_nothing() {
        use pyrogen_core::{Noise, Seed};
        let mut noise = Noise::new(Seed(11));
        // Real rows, rows on a grid (many ties), rows far from 0, sorted rows, equal rows.
        type Change = fn(usize, f64) -> f64;
        let changes: [Change; 5] = [
            |_, v| v,
            |_, v| (2.0 * v).round(),
            |_, v| 1e7 + v,
            |i, v| 1e-3 * v - i as f64,
            |_, _| 3.0,
        ];
        for (c, change) in changes.into_iter().enumerate() {
            for (n, m, cols, k) in [(300, 270, 3, 5), (129, 300, 1, 1), (40, 30, 7, 29)] {
                let mut set = |rows: usize| {
                    let values = noise.normal_vec(rows * cols).into_iter().enumerate();
                    let values = values.map(|(i, v)| change(i / cols, v)).collect();
                    Features::new(values, rows, cols).unwrap()
                };
                let (real, generated) = (set(n), set(m));
                let got = prdc(&real, &generated, k).unwrap();
                assert_eq!(got, plain(&real, &generated, k), "{c}: {n} {m} {cols} {k}");
            }
        }
    }
}
