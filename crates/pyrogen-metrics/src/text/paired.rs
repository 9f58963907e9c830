//! Whether one system is better than another, or the segments happen to suit it.

use pyrogen_core::Noise;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bootstrap::{columns, resample};
use super::metric::add;
use super::{SegmentMetric, SegmentStatistics, TextError};

/// A test of two systems on the same segments.
///
/// # References
/// Koehn (2004), "Statistical Significance Tests for Machine Translation Evaluation"; Riezler and
/// Maxwell (2005), "On Some Pitfalls in Automatic Evaluation and Significance Testing for MT".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PairedTest {
    /// Draws segments with replacement, the same for both; how often is the difference, less its mean
    /// over the draws, above the one that was seen?
    Bootstrap {
        /// Number of draws, as a rule 1,000.
        resamples: usize,
    },
    /// Swaps the systems' outputs at random, segment by segment; how often is the difference above the
    /// one that was seen?
    Randomisation {
        /// Number of random swaps, as a rule 10,000.
        trials: usize,
    },
}

/// Two systems compared in one value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline's value.
    pub baseline: f64,
    /// The system's value.
    pub system: f64,
    /// The probability of so large a difference, in either direction, were the systems equally good.
    pub p_value: f64,
}

/// Differences as large as the one that was seen are no larger: sums in another order differ by less
/// than this.
const ROUNDING: f64 = 1e-9;

/// Tests each value of a metric for a difference between a baseline and a system.
///
/// ```text
/// p = (1 + trials with a larger difference) / (1 + trials)
/// ```
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_metrics::text::{Chrf, Corpus, PairedTest, SegmentStatistics, paired};
///
/// let references = [["a cat", "a dog", "a horse", "a house"]];
/// let statistics = |hypotheses: &[&str]| {
///     SegmentStatistics::of(&Chrf::default(), &Corpus::new(hypotheses, &references)?)
/// };
/// let baseline = statistics(&["the cat", "the dog", "the horse", "the house"])?;
/// let system = statistics(&["a cat", "a dog", "a horse", "a mouse"])?;
/// let test = PairedTest::Randomisation { trials: 1000 };
/// let result = paired(&Chrf::default(), &baseline, &system, test, &Noise::new(Seed(1)))?;
/// assert!(result[0].system > result[0].baseline && result[0].p_value < 0.2);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// Trial `t` depends on the noise's key and on `t` alone. The tests are those of sacreBLEU, which draws
/// from numpy's generator: p-values agree in distribution and not in digits. Systems without a difference
/// have a p-value of 1 here, and of `1 / (1 + trials)` there.
///
/// # Errors
/// Systems with different numbers of segments, or no trials.
///
/// # Panics
/// If the statistics are not the metric's.
pub fn paired<M: SegmentMetric>(
    metric: &M,
    baseline: &SegmentStatistics,
    system: &SegmentStatistics,
    test: PairedTest,
    noise: &Noise,
) -> Result<Vec<Comparison>, TextError> {
    if baseline.len() != system.len() {
        return Err(TextError::Systems { baseline: baseline.len(), system: system.len() });
    }
    let (PairedTest::Bootstrap { resamples: trials } | PairedTest::Randomisation { trials }) = test;
    TextError::require(trials > 0, metric.name(), "trials", "at least 1", trials)?;
    let noise = noise.fork("paired");
    let values = [baseline, system].map(|s| metric.values(&s.totals()));
    let trial = |t| match test {
        PairedTest::Bootstrap { .. } => resampled(metric, [baseline, system], &noise.fork_index(t)),
        PairedTest::Randomisation { .. } => {
            swapped(metric, [baseline, system], &noise.fork_index(t))
        }
    };
    let differences: Vec<Vec<f64>> = (0..trials as u64).into_par_iter().map(trial).collect();
    let compare = |(value, differences): (usize, Vec<f64>)| {
        let [baseline, system] = [values[0][value], values[1][value]];
        let centre = match test {
            PairedTest::Bootstrap { .. } => differences.iter().sum::<f64>() / trials as f64,
            PairedTest::Randomisation { .. } => 0.0,
        };
        let seen = (system - baseline).abs();
        let larger = differences.iter().filter(|d| *d - centre > seen + ROUNDING).count();
        let p_value = if seen > ROUNDING { (larger + 1) as f64 / (trials + 1) as f64 } else { 1.0 };
        Comparison { baseline, system, p_value }
    };
    Ok(columns(&differences).enumerate().map(compare).collect())
}

/// The absolute differences of a metric's values between summed statistics.
fn differences<M: SegmentMetric>(metric: &M, totals: [&[f64]; 2]) -> Vec<f64> {
    let [a, b] = totals.map(|t| metric.values(t));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect()
}

fn resampled<M: SegmentMetric>(
    metric: &M,
    systems: [&SegmentStatistics; 2],
    noise: &Noise,
) -> Vec<f64> {
    let mut totals = [vec![0.0; systems[0].width()], vec![0.0; systems[0].width()]];
    resample(systems[0].len(), noise, |segment| {
        for (totals, system) in totals.iter_mut().zip(systems) {
            add(totals, system.row(segment));
        }
    });
    differences(metric, totals.each_ref().map(Vec::as_slice))
}

/// Segments whose swaps are drawn at a time.
const DRAWN: usize = 64 * 256;

fn swapped<M: SegmentMetric>(
    metric: &M,
    systems: [&SegmentStatistics; 2],
    noise: &Noise,
) -> Vec<f64> {
    let width = systems[0].width();
    let mut totals = [vec![0.0; width], vec![0.0; width]];
    let mut noise = noise.clone();
    let segments = systems[0].len();
    for first in (0..segments).step_by(DRAWN) {
        let last = segments.min(first + DRAWN);
        let bits = noise.bits_vec((last - first).div_ceil(64));
        for segment in first..last {
            let at = segment - first;
            let swap = (bits[at / 64] >> (at % 64)) as usize & 1;
            add(&mut totals[swap], systems[0].row(segment));
            add(&mut totals[1 - swap], systems[1].row(segment));
        }
    }
    differences(metric, totals.each_ref().map(Vec::as_slice))
}
