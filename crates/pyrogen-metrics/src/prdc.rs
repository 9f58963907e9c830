//! Precision, recall, density and coverage by nearest neighbours.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::features::check_pair;
use crate::pairwise::{Distances, rows};
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
/// Euclidean distances in f64. Every comparison has the outcome that the directly computed squared
/// distances give (sums of squared differences, in column order), so points at equal distances
/// stay ties. Memory is a block of rows for each thread, not the whole distance matrix.
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
    let real_reach = squared_reach(real, k)?;
    let generated_reach = squared_reach(generated, k)?;

    let (recalled, covered) = (lowered(real.rows()), lowered(real.rows()));
    let distances = Distances::new(generated, real);
    // For each generated sample the number of real samples whose reach it lies in; the real
    // samples' flags are only ever raised, so the order of the threads does not matter.
    let counts = rows(generated, real, |j, dots| {
        let mut count = 0usize;
        for (i, &dot) in dots.iter().enumerate() {
            if distances.below(j, i, dot, real_reach[i]) {
                count += 1;
                covered[i].store(true, Ordering::Relaxed);
            }
            if distances.below(j, i, dot, generated_reach[j]) {
                recalled[i].store(true, Ordering::Relaxed);
            }
        }
        count
    });
    let within = counts.iter().filter(|&&count| count > 0).count();
    Ok(Prdc {
        precision: within as f64 / generated.rows() as f64,
        recall: share(recalled),
        density: counts.iter().sum::<usize>() as f64 / (k as f64 * generated.rows() as f64),
        coverage: share(covered),
    })
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
fn squared_reach(set: &Features, k: usize) -> Result<Vec<f64>, MetricError> {
    let distances = Distances::new(set, set);
    distances.check(METRIC)?;
    Ok(rows(set, set, |i, dots| kth_nearest(&distances, i, dots, k)))
}

/// The `k`-th smallest direct distance, by way of the fast ones: at least `k` rows have a direct
/// distance of at most `bound`, so only rows that may lie below it need the direct sum.
fn kth_nearest(distances: &Distances, i: usize, dots: &[f64], k: usize) -> f64 {
    let others = || (0..dots.len()).filter(|&j| j != i);
    let fast = |j: usize| distances.fast(i, j, dots[j]);
    let mut upper: Vec<f64> = others().map(|j| fast(j) + distances.slack(i, j)).collect();
    let bound = *upper.select_nth_unstable_by(k - 1, f64::total_cmp).1;
    let near = others().filter(|&j| fast(j) - distances.slack(i, j) <= bound);
    let mut direct: Vec<f64> = near.map(|j| distances.direct(i, j)).collect();
    *direct.select_nth_unstable_by(k - 1, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_counts_others_and_ties() {
        let set = Features::new(vec![0.0, 0.0, 1.0, 3.0, 7.0], 5, 1).unwrap();
        assert_eq!(squared_reach(&set, 1).unwrap(), [0.0, 0.0, 1.0, 4.0, 16.0]);
        assert_eq!(squared_reach(&set, 2).unwrap(), [1.0, 1.0, 1.0, 9.0, 36.0]);
        assert_eq!(squared_reach(&set, 4).unwrap(), [49.0, 49.0, 36.0, 16.0, 49.0]);
    }

    #[test]
    fn reach_is_direct_where_the_norms_are_large() {
        // Around 1e8 the fast distances are noise; the reach is still exact.
        let set = Features::new(vec![1e8, 1e8 + 1.0, 1e8 + 3.0], 3, 1).unwrap();
        assert_eq!(squared_reach(&set, 1).unwrap(), [1.0, 1.0, 4.0]);
    }
}
