//! What lies beyond the last of many numbers.

use serde::{Deserialize, Serialize};

/// A generalised Pareto distribution of the distance `e` beyond a point, with a mass in examples:
///
/// ```text
/// examples beyond e = rows (1 + shape e / scale)^(-1 / shape)
/// ```
///
/// # References
/// J. Pickands (1975), "Statistical inference using extreme order statistics". J. R. M. Hosking and
/// J. R. Wallis (1987), "Parameter and quantile estimation for the generalized Pareto distribution",
/// section 4 (probability-weighted moments; their `k` is `-shape`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Examples in it.
    pub rows: f64,
    /// The mean distance where `shape` is near 0.
    pub scale: f64,
    /// How heavy it is: a hundredth is nearly an exponential distribution, 1 has no mean.
    pub shape: f64,
}

/// The lightest tail: nearly exponential, with a place within 100 deviations for every number of f32.
pub(super) const LIGHTEST: f64 = 0.05;

/// The heaviest tail that is fitted: few numbers look heavier than they are.
const HEAVIEST: f64 = 0.8;

/// Fitted shapes are drawn to 0 as by so many examples more.
const PRIOR_ROWS: f64 = 10.0;

/// The shape and the mean of distances, which ascend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitted {
    /// Below 0 where the distances have an end.
    pub shape: f64,
    pub mean: f64,
}

impl Fitted {
    /// By probability-weighted moments.
    pub fn of(distances: &[f64]) -> Self {
        let n = distances.len() as f64;
        let weight = |i: usize| 1.0 - (i as f64 + 0.65) / n;
        let mean = distances.iter().sum::<f64>() / n;
        let weighted = distances.iter().enumerate().map(|(i, e)| weight(i) * e).sum::<f64>() / n;
        let excess = mean - 2.0 * weighted;
        // All distances equal have an end, and no tail at all.
        let shape = if excess > 0.0 { 2.0 - mean / excess } else { -1.0 };
        Self { shape: shape.clamp(-1.0, HEAVIEST) * n / (n + PRIOR_ROWS), mean }
    }

    /// The tail that these distances are.
    pub fn tail(&self, rows: f64) -> Tail {
        let shape = self.shape.max(LIGHTEST);
        Tail { rows, scale: self.mean * (1.0 - shape), shape }
    }

    /// The mean distance beyond `e` of those that are beyond it, at least `least`.
    pub fn mean_excess(&self, e: f64, least: f64) -> f64 {
        let scale = self.mean * (1.0 - self.shape);
        ((scale + self.shape * e) / (1.0 - self.shape)).max(least)
    }
}

impl Tail {
    /// A tail of which nothing shows that it is heavy: the lighter, the more numbers say nothing.
    pub(super) fn light(rows: f64, mean: f64, numbers: usize) -> Self {
        let shape = (0.5 * PRIOR_ROWS / (numbers as f64 + PRIOR_ROWS)).max(LIGHTEST);
        Self { rows, scale: mean * (1.0 - shape), shape }
    }

    /// The logarithm of the examples beyond `e >= 0`.
    pub(super) fn log_beyond(&self, e: f64) -> f64 {
        self.rows.ln() - (self.shape * e / self.scale).ln_1p() / self.shape
    }

    /// The distance beyond which there are so many examples, at most `rows`.
    pub(super) fn distance(&self, log_beyond: f64) -> f64 {
        let share = (log_beyond - self.rows.ln()).min(0.0);
        self.scale * (-self.shape * share).exp_m1() / self.shape
    }

    /// The logarithm of the examples a unit of distance at `e`.
    pub(super) fn log_density(&self, e: f64) -> f64 {
        let grown = (self.shape * e / self.scale).ln_1p();
        self.rows.ln() - self.scale.ln() - grown * (1.0 + 1.0 / self.shape)
    }

    pub(super) fn is_valid(&self) -> bool {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        positive(self.rows) && positive(self.scale) && self.shape >= 1e-3 && self.shape <= 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distances at the middle of equal shares of a distribution with that quantile function.
    fn distances(n: usize, quantile: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..n).map(|i| quantile((i as f64 + 0.5) / n as f64)).collect()
    }

    #[test]
    fn known_tails_are_found() {
        // Ten thousand distances: the prior's ten rows and the cut at the last move a shape by this.
        const NEAR: f64 = 0.03;
        type Case = (f64, fn(f64) -> f64);
        let cases: [Case; 4] = [
            (-1.0, |u| u),
            (0.0, |u| -(1.0 - u).ln()),
            (0.5, |u| ((1.0 - u).powf(-0.5) - 1.0) / 0.5),
            (0.25, |u| ((1.0 - u).powf(-0.25) - 1.0) / 0.25),
        ];
        for (shape, quantile) in cases {
            let got = Fitted::of(&distances(10_000, quantile)).shape;
            assert!((got - shape).abs() < NEAR, "{got} {shape}");
        }
    }

    #[test]
    fn distances_and_masses_go_there_and_back() {
        let tail = Tail { rows: 12.0, scale: 3.0, shape: 0.2 };
        for e in [0.0, 1e-6, 2.0, 1e3, 1e30] {
            let back = tail.distance(tail.log_beyond(e));
            assert!((back - e).abs() <= 1e-12 * (1.0 + e), "{e} {back}");
        }
        // The density is the slope of the mass.
        let h = 1e-5;
        let slope = (tail.log_beyond(2.0 - h).exp() - tail.log_beyond(2.0 + h).exp()) / (2.0 * h);
        assert!((tail.log_density(2.0) - slope.ln()).abs() < 1e-8);
    }
}
