//! How the values of one element are distributed.

use pyrogen_core::normal_quantile;
use serde::{Deserialize, Serialize};

use super::blocks::FEWEST;
use super::counts::DistributionFunction;
use super::mixed::{MARGIN, MixedDistribution};
use super::normal::{normal_cdf, normal_log_density};

/// How the values of one element are distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpikedDistribution {
    /// The values that are kept apart, ascending.
    pub spikes: Vec<f32>,
    /// Whether a number may be missing: then that is kept apart, too, after the spikes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// The distribution of the other values.
    pub rest: RestDistribution,
}

/// A distribution of numbers; the names of its fields say which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RestDistribution {
    /// Jumps and a density.
    Mixed(MixedDistribution),
    /// Counts at values, from older folders.
    Counts(DistributionFunction),
}

impl SpikedDistribution {
    /// The distribution of some finite numbers.
    ///
    /// A value is a spike if the share `spike` of the numbers and eight of them at least have it. If all
    /// values are spikes, the rarest is not kept apart: a value that comes new is then of its kind, and
    /// not of one that no example has. `seen` says whether values keep to the range of the numbers.
    ///
    /// # Panics
    /// If there are no numbers, or one is NaN.
    pub fn fit(mut numbers: Vec<f32>, spike: f64, seen: bool) -> Self {
        assert!(!numbers.is_empty(), "SpikedDistribution::fit: no numbers");
        numbers.sort_by(|a, b| a.partial_cmp(b).expect("SpikedDistribution::fit: NaN"));
        let least = (spike * numbers.len() as f64).max(FEWEST as f64);
        let groups = || numbers.chunk_by(|a, b| a == b);
        let mut spikes: Vec<&[f32]> = groups().filter(|g| g.len() as f64 >= least).collect();
        if spikes.len() == groups().count() {
            let rarest = (0..spikes.len()).min_by_key(|&k| spikes[k].len());
            rarest.map(|k| spikes.remove(k));
        }
        let spikes: Vec<f32> = spikes.into_iter().map(|g| g[0] + 0.0).collect();
        let is_rest = |v: &f32| spikes.binary_search_by(|s| s.total_cmp(&(v + 0.0))).is_err();
        let rest: Vec<f32> = numbers.iter().copied().filter(is_rest).collect();
        let rest = RestDistribution::Mixed(MixedDistribution::fit(&rest, seen));
        Self { spikes, missing: false, rest }
    }

    /// Number of states that are kept apart: the spikes, and a missing number.
    pub fn states(&self) -> usize {
        self.spikes.len() + usize::from(self.missing)
    }

    /// Whether values are kept apart.
    pub fn has_spikes(&self) -> bool {
        !self.spikes.is_empty()
    }

    /// Whether an element is made of two.
    pub fn has_states(&self) -> bool {
        self.states() > 0
    }

    /// Whether it has a density at every value: no value is kept apart, recurs or lies on a grid.
    pub(in crate::prepare) fn is_smooth(&self) -> bool {
        match &self.rest {
            RestDistribution::Mixed(rest) => {
                !self.has_states() && rest.grid.is_none() && rest.jumps.is_empty()
            }
            RestDistribution::Counts(_) => false,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        let finite = self.spikes.iter().all(|v| v.is_finite());
        finite && self.spikes.windows(2).all(|w| w[0] < w[1]) && self.rest.is_valid()
    }

    pub(super) fn forward(&self, x: f64, r: f64, out: &mut Vec<f64>) {
        let state = match x.is_nan() {
            true if self.missing => Some(self.spikes.len()),
            true => panic!("Quantiles: a missing number where none may be missing"),
            false => self.spikes.iter().position(|&spike| f64::from(spike) == x),
        };
        match state {
            Some(state) => out.extend([state as f64, 0.0]),
            None if self.has_states() => {
                out.extend([self.states() as f64, self.rest.forward(x, r)]);
            }
            None => out.push(self.rest.forward(x, r)),
        }
    }

    /// The value that became `y`, and `ln |dy/dx|`.
    pub(super) fn backward(&self, y: &[f64]) -> (f64, f64) {
        let state = y[0].round().max(0.0) as usize;
        if self.has_states() && state < self.states() {
            return (self.spikes.get(state).map_or(f64::NAN, |&spike| f64::from(spike)), 0.0);
        }
        self.rest.backward(y[y.len() - 1])
    }
}

impl SpikedDistribution {
    /// `ln |dy/dx|` with the density of draws that keep away from the ends of their jump or cell.
    pub(super) fn strict_log_det(&self, y: &[f64]) -> f64 {
        let (x, log_det) = self.backward(y);
        let apart = self.has_states() && (y[0].round().max(0.0) as usize) < self.states();
        let drawn = !apart
            && match &self.rest {
                RestDistribution::Mixed(rest) => {
                    rest.grid.is_some_and(|grid| grid.counted) || rest.jumps.contains(&x)
                }
                RestDistribution::Counts(rest) => rest.values.iter().any(|&v| f64::from(v) == x),
            };
        if drawn { log_det + (1.0 - 2.0 * MARGIN).ln() } else { log_det }
    }
}

impl RestDistribution {
    fn is_valid(&self) -> bool {
        match self {
            Self::Mixed(mixed) => mixed.is_valid(),
            Self::Counts(counts) => counts.is_valid(),
        }
    }

    fn forward(&self, x: f64, r: f64) -> f64 {
        match self {
            Self::Mixed(mixed) => mixed.forward(x, r),
            Self::Counts(counts) => normal_quantile(counts.place_within(x, r)),
        }
    }

    fn backward(&self, y: f64) -> (f64, f64) {
        match self {
            Self::Mixed(mixed) => mixed.backward(y),
            Self::Counts(counts) => {
                let (x, log_mass) = counts.value(normal_cdf(y));
                (x, log_mass - normal_log_density(y))
            }
        }
    }
}
