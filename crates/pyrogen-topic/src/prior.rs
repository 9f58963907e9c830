//! The parameters of Dirichlet priors, learnt by fixed points that never lower the likelihood.

use pyrogen_core::special::host::digamma;
use serde::{Deserialize, Serialize};

use crate::special::inverse_digamma;

/// Which parameters of the documents' Dirichlet prior are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LearnPrior {
    /// None.
    Fixed,
    /// One number, the same for all topics.
    Symmetric,
    /// A number for each topic, so that common and rare topics may exist.
    #[default]
    Asymmetric,
}

/// The least value of a parameter: smaller ones cannot be distinguished from 0 by any corpus.
const LEAST: f64 = 1e-6;

/// How often each count occurs among some counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram(Vec<u32>);

impl Histogram {
    pub(crate) fn add(&mut self, count: u64) {
        let count = count as usize;
        if count >= self.0.len() {
            self.0.resize(count + 1, 0);
        }
        self.0[count] += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a += b);
    }

    /// `Σ_i [ψ(count_i + a) - ψ(a)]`, by `ψ(n + a) - ψ(a) = Σ_{j<n} 1 / (a + j)`.
    pub(crate) fn differences(&self, a: f64) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (n, &times) in self.0.iter().enumerate().skip(1) {
            sum += 1.0 / (a + (n - 1) as f64);
            total += sum * f64::from(times);
        }
        total
    }
}

/// One fixed-point step for the Dirichlet prior of multinomials of which counts were seen:
///
/// ```text
/// a_k <- a_k Σ_d [ψ(n_dk + a_k) - ψ(a_k)] / Σ_d [ψ(n_d + Σa) - ψ(Σa)]
/// ```
///
/// `parts[k]` are the counts `n_dk` of all `d`, `totals` the `n_d`. With `symmetric` one number is
/// learnt: the mean over `k` of the numerator.
///
/// # References
/// Minka (2000), "Estimating a Dirichlet distribution", equation 55.
pub(crate) fn from_counts(a: &mut [f64], parts: &[Histogram], totals: &Histogram, symmetric: bool) {
    let sum: f64 = a.iter().sum();
    let below = totals.differences(sum);
    if below <= 0.0 {
        return;
    }
    if symmetric {
        let each = a[0];
        let above: f64 = parts.iter().map(|h| h.differences(each)).sum();
        a.fill((each * above / (a.len() as f64 * below)).max(LEAST));
        return;
    }
    for (a, part) in a.iter_mut().zip(parts) {
        *a = (*a * part.differences(*a) / below).max(LEAST);
    }
}

/// One fixed-point step for the Dirichlet prior `a` of points of which the means of logarithms are
/// known: `ψ(a_k) <- ψ(Σa) + mean_k`; with `symmetric`, of the mean over `k`.
///
/// # References
/// Minka (2000), equations 9 and 10.
pub(crate) fn from_logs(a: &mut [f64], mean_logs: &[f64], symmetric: bool) {
    if symmetric {
        let mean = mean_logs.iter().sum::<f64>() / a.len() as f64;
        a.fill(symmetric_from_log(a[0], a.len(), mean));
        return;
    }
    let sum = digamma(a.iter().sum());
    for (a, log) in a.iter_mut().zip(mean_logs) {
        *a = inverse_digamma(sum + log).max(LEAST);
    }
}

/// The same step for `n` equal parameters `a`, with the mean logarithm over all of them.
pub(crate) fn symmetric_from_log(a: f64, n: usize, mean_log: f64) -> f64 {
    inverse_digamma(digamma(a * n as f64) + mean_log).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::Draws;
    use pyrogen_core::special::host::lgamma;
    use pyrogen_core::{Noise, Seed};

    #[test]
    fn fixed_points_find_the_parameters_that_made_the_data() {
        let truth = [0.3, 1.2, 4.0];
        let mut draws = Draws::new(&Noise::new(Seed(5)), "prior");
        let mut parts = vec![Histogram::default(); 3];
        let mut totals = Histogram::default();
        let mut logs = [0.0; 3];
        const N: usize = 4000;
        let mut rows = Vec::new();
        for _ in 0..N {
            let theta = draws.dirichlet(&truth);
            logs.iter_mut().zip(&theta).for_each(|(l, t)| *l += t.max(1e-300).ln() / N as f64);
            let mut counts = [0u64; 3];
            (0..60).for_each(|_| counts[draws.place(&theta)] += 1);
            parts.iter_mut().zip(counts).for_each(|(h, n)| h.add(n));
            totals.add(60);
            rows.push(counts);
        }
        // The likelihood of the counts, which no step may lower.
        let likelihood = |a: &[f64]| -> f64 {
            let sum: f64 = a.iter().sum();
            let each = |n: &[u64; 3]| -> f64 {
                let part = |(a, n): (&f64, &u64)| lgamma(*n as f64 + a) - lgamma(*a);
                lgamma(sum) - lgamma(60.0 + sum) + a.iter().zip(n).map(part).sum::<f64>()
            };
            rows.iter().map(each).sum()
        };
        let mut a = [1.0; 3];
        let mut last = likelihood(&a);
        for _ in 0..300 {
            from_counts(&mut a, &parts, &totals, false);
            let now = likelihood(&a);
            assert!(now >= last - 1e-9 * last.abs(), "{now} after {last}");
            last = now;
        }
        let mut b = [1.0; 3];
        (0..2000).for_each(|_| from_logs(&mut b, &logs, false));
        for k in 0..3 {
            // Four standard errors of the parameters from 4,000 draws are below a tenth.
            assert!((a[k] / truth[k] - 1.0).abs() < 0.1, "{a:?}");
            assert!((b[k] / truth[k] - 1.0).abs() < 0.1, "{b:?}");
        }
        let mut s = [1.0; 3];
        (0..500).for_each(|_| from_counts(&mut s, &parts, &totals, true));
        // The best symmetric value: no neighbour is better.
        let at = |x: f64| likelihood(&[x; 3]);
        assert!(s[0] == s[2] && at(s[0]) >= at(s[0] * 1.001) && at(s[0]) >= at(s[0] * 0.999));
    }
}
