//! Distributions of categories, and of numbers in folders up to version 0.1.

use serde::{Deserialize, Serialize};

use super::MARGIN;

/// A distribution function as counts of training examples: at each value, how many are below it and
/// how many are at or below it. Linear from one value to the next.
///
/// Categories have these. For numbers nothing makes them any more
/// ([`MixedDistribution`](super::MixedDistribution) took their place): they keep values of single examples,
/// and take a value that is there once for one that comes again. Models that were trained with them keep
/// them.
///
/// # Numerics
/// Values beyond those of the training data count as the nearest of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributionFunction {
    /// Ascending.
    pub values: Vec<f32>,
    /// Examples below each value; 0 at the first.
    pub below: Vec<u64>,
    /// Examples up to each value; all of them at the last.
    pub upto: Vec<u64>,
}

/// How near a place comes to 0 and 1.
const EDGE: f64 = 1e-6;

impl DistributionFunction {
    pub(super) fn is_valid(&self) -> bool {
        let n = self.values.len();
        let ascending = |values: &[f32]| values.windows(2).all(|w| w[0] < w[1]);
        let counts: Vec<u64> =
            self.below.iter().zip(&self.upto).flat_map(|(b, u)| [*b, *u]).collect();
        n > 0
            && self.below.len() == n
            && self.upto.len() == n
            && self.values.iter().all(|v| v.is_finite())
            && ascending(&self.values)
            && counts.is_sorted()
            && counts[0] == 0
            && self.total() > 0.0
    }

    fn total(&self) -> f64 {
        self.upto.last().map_or(0.0, |&n| n as f64)
    }

    /// The place of `x` in `[0, 1]`; `r` chooses one within a jump.
    fn place(&self, x: f64, r: f64) -> f64 {
        let last = self.values.len() - 1;
        let next = self.values.partition_point(|&v| f64::from(v) < x);
        let count = match next {
            k if k > last => self.upto[last] as f64,
            k if f64::from(self.values[k]) == x || k == 0 => {
                let r = MARGIN + (1.0 - 2.0 * MARGIN) * r;
                let (below, upto) = (self.below[k] as f64, self.upto[k] as f64);
                below + r * (upto - below)
            }
            k => {
                let (low, high) = (f64::from(self.values[k - 1]), f64::from(self.values[k]));
                let (from, to) = (self.upto[k - 1] as f64, self.below[k] as f64);
                from + (x - low) / (high - low) * (to - from)
            }
        };
        count / self.total()
    }

    /// The place of `x`, kept away from 0 and 1.
    pub(super) fn place_within(&self, x: f64, r: f64) -> f64 {
        self.place(x, r).clamp(EDGE, 1.0 - EDGE)
    }

    /// The value at a place, and the logarithm of the probability or density there.
    pub(super) fn value(&self, place: f64) -> (f64, f64) {
        let (n, count) = (self.total(), place * self.total());
        let last = self.values.len() - 1;
        // The last value that has no more than `count` examples below it.
        let k = self.below.partition_point(|&b| b as f64 <= count).max(1) - 1;
        let value = f64::from(self.values[k]);
        let (below, upto) = (self.below[k] as f64, self.upto[k] as f64);
        if k == last || count < upto {
            return (value, ((upto - below).max(1.0) / n).ln());
        }
        let (next, mass) = (f64::from(self.values[k + 1]), self.below[k + 1] as f64 - upto);
        let share = (count - upto) / mass;
        (value + share * (next - value), (mass / n / (next - value)).ln())
    }
}
