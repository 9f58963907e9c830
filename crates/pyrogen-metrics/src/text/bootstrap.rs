//! How much a score would differ on another corpus like this one.

use pyrogen_core::Noise;
use rayon::prelude::*;
use serde::Serialize;

use super::metric::add;
use super::{SegmentMetric, SegmentStatistics};

/// The spread of a score over resamples of the segments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Mean over the resamples.
    pub mean: f64,
    /// The lower end of the interval of 95 %.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Half the width: sacreBLEU's number after `±`.
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }

    /// The interval of scores: a fortieth of them lies below, a fortieth above.
    pub(super) fn of(mut scores: Vec<f64>) -> Self {
        scores.sort_by(f64::total_cmp);
        let outside = scores.len() / 40;
        Self {
            mean: scores.iter().sum::<f64>() / scores.len() as f64,
            low: scores[outside],
            high: scores[scores.len() - 1 - outside],
        }
    }
}

/// Bootstrap intervals of a metric's values: scores of `resamples` corpora of as many segments, drawn
/// with replacement.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_metrics::text::{Chrf, Corpus, SegmentStatistics, bootstrap};
///
/// let corpus = Corpus::new(&["a cat", "the dog", "a house"], &[["a cat", "a dog", "the horse"]])?;
/// let statistics = SegmentStatistics::of(&Chrf::default(), &corpus)?;
/// let intervals = bootstrap(&Chrf::default(), &statistics, 200, &Noise::new(Seed(1)));
/// assert!(intervals[0].low < intervals[0].mean && intervals[0].mean < intervals[0].high);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// Resample `r` depends on the noise's key and on `r` alone: the result does not depend on the number
/// of threads. sacreBLEU draws from numpy's generator, so its intervals agree in distribution and not
/// in digits.
///
/// # Panics
/// If `resamples` is 0.
///
/// # References
/// Koehn (2004), "Statistical Significance Tests for Machine Translation Evaluation", section 3.
pub fn bootstrap<M: SegmentMetric>(
    metric: &M,
    statistics: &SegmentStatistics,
    resamples: usize,
    noise: &Noise,
) -> Vec<Interval> {
    assert!(resamples > 0, "bootstrap: no resamples");
    let noise = noise.fork("bootstrap");
    let scores: Vec<Vec<f64>> = (0..resamples)
        .into_par_iter()
        .map(|r| {
            let mut totals = vec![0.0; statistics.width()];
            resample(statistics.len(), &noise.fork_index(r as u64), |segment| {
                add(&mut totals, statistics.row(segment));
            });
            metric.values(&totals)
        })
        .collect();
    columns(&scores).map(Interval::of).collect()
}

/// Numbers that are drawn at a time.
const DRAWN: usize = 4096;

/// Draws as many segments as there are, with replacement.
pub(super) fn resample(segments: usize, noise: &Noise, mut each: impl FnMut(usize)) {
    let mut noise = noise.clone();
    let mut left = segments;
    while left > 0 {
        let now = left.min(DRAWN);
        for bits in noise.bits_vec(now) {
            // The high half of a product is uniform up to one part in 2^64.
            each(((u128::from(bits) * segments as u128) >> 64) as usize);
        }
        left -= now;
    }
}

/// One list a value.
pub(super) fn columns(rows: &[Vec<f64>]) -> impl Iterator<Item = Vec<f64>> {
    (0..rows[0].len()).map(|value| rows.iter().map(|row| row[value]).collect())
}
