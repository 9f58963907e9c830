//! The median distance, without holding all distances.

use super::METRIC;
use crate::pairwise::{Distances, fold_above_diagonal};
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
/// much closer together than to the origin. Many distances are not held but counted, digit by
/// digit of their binary form, in a few passes.
pub fn median_distance(sets: &[&Features]) -> Result<f64, MetricError> {
    median(sets, HELD)
}

fn median(sets: &[&Features], held: usize) -> Result<f64, MetricError> {
    let pooled = pool(sets)?;
    let distances = Distances::new(&pooled, &pooled);
    distances.check(METRIC)?;
    let n = pooled.rows();
    let pairs = n * (n - 1) / 2;
    let lower = select(&pooled, &distances, (pairs - 1) / 2, held);
    let upper = if pairs.is_multiple_of(2) {
        of_rank_after(&pooled, &distances, lower, pairs / 2)
    } else {
        lower
    };
    let median = 0.5 * (lower.sqrt() + upper.sqrt());
    if median == 0.0 {
        return Err(MetricError::ZeroBandwidth);
    }
    Ok(median)
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
    let mut left: Vec<u64> = fold_above_diagonal(
        pooled,
        Vec::new,
        |found, i, dots| {
            let bits = bits_of(distances, i, dots);
            found.extend(bits.filter(|&b| starts_with(b, prefix, fixed)));
        },
        |mut a, b| {
            a.extend(b);
            a
        },
    );
    f64::from_bits(*left.select_nth_unstable(rank).1)
}

/// The squared distance of rank `rank`, given that of the rank before.
fn of_rank_after(pooled: &Features, distances: &Distances, before: f64, rank: usize) -> f64 {
    let before = before.to_bits();
    let (up_to, next) = fold_above_diagonal(
        pooled,
        || (0, u64::MAX),
        |(up_to, next), i, dots| {
            for bits in bits_of(distances, i, dots) {
                if bits <= before {
                    *up_to += 1;
                } else {
                    *next = bits.min(*next);
                }
            }
        },
        |a: (usize, u64), b| (a.0 + b.0, a.1.min(b.1)),
    );
    f64::from_bits(if up_to > rank { before } else { next })
}

/// How many of the distances that begin with `prefix` have each next digit.
fn count(
    pooled: &Features,
    distances: &Distances,
    prefix: u64,
    fixed: u32,
    shift: u32,
) -> Vec<usize> {
    fold_above_diagonal(
        pooled,
        || vec![0; 1 << DIGIT],
        |counts, i, dots| {
            for bits in bits_of(distances, i, dots).filter(|&b| starts_with(b, prefix, fixed)) {
                counts[(bits >> shift) as usize & ((1 << DIGIT) - 1)] += 1;
            }
        },
        |mut a: Vec<usize>, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        },
    )
}

fn bits_of(distances: &Distances, i: usize, dots: &[f64]) -> impl Iterator<Item = u64> {
    let pairs = dots.iter().enumerate();
    pairs.map(move |(j, &dot)| distances.fast(i, i + 1 + j, dot).to_bits())
}

fn starts_with(bits: u64, prefix: u64, fixed: u32) -> bool {
    fixed == 0 || (bits ^ prefix) >> (u64::BITS - fixed) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::{Noise, Seed};

    fn sorted_distances(x: &Features) -> Vec<f64> {
        let d = Distances::new(x, x);
        let parts = crate::pairwise::rows_above_diagonal(x, |i, dots| {
            let pairs = dots.iter().enumerate();
            let distance = |(j, &dot)| d.fast(i, i + 1 + j, dot).sqrt();
            pairs.map(distance).collect::<Vec<f64>>()
        });
        let mut all: Vec<f64> = parts.into_iter().flatten().collect();
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
                assert_eq!(median(&[&x], held).unwrap(), middle, "{n} {held}");
            }
        }
    }

    #[test]
    fn equal_distances_fill_one_bin() {
        let x = Features::new(vec![0.0, 0.0, 2.0, 2.0], 4, 1).unwrap();
        assert_eq!(median(&[&x], 0).unwrap(), 2.0);
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
