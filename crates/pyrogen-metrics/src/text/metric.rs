//! What the metrics of segments have in common: sums of statistics, and scores of the sums.

use rayon::prelude::*;

use super::{Corpus, ReferenceCount, TextError, TextSignature};
use crate::MetricReport;

/// A metric whose score is a function of the sums of statistics over the segments.
///
/// BLEU is one: its statistics are lengths and counts of n-grams. A mean over segments is one, too: its
/// statistics are the segment's score and a 1. So one function resamples all of them
/// ([`bootstrap()`](super::bootstrap())) and one compares two systems ([`paired()`](super::paired())).
pub trait SegmentMetric: Sync {
    /// Memory that is used again from segment to segment.
    type Scratch: Default;

    /// The metric's name.
    fn name(&self) -> &'static str;

    /// The names of its values.
    fn value_names(&self) -> &'static [&'static str];

    /// Number of statistics of a segment.
    fn width(&self) -> usize;

    /// Checks the options.
    ///
    /// # Errors
    /// An option outside its range.
    fn validate(&self) -> Result<(), TextError>;

    /// The statistics of a segment.
    ///
    /// # Panics
    /// If `statistics` does not have the width, or there are no references.
    fn segment(
        &self,
        hypothesis: &str,
        references: &[&str],
        scratch: &mut Self::Scratch,
        statistics: &mut [f64],
    );

    /// The values of summed statistics, in the order of their names.
    fn values(&self, totals: &[f64]) -> Vec<f64>;

    /// What a number of this metric was computed from.
    fn signature(&self, references: ReferenceCount) -> TextSignature;

    /// The score of a whole corpus, with its signature.
    ///
    /// # Errors
    /// An option outside its range.
    fn evaluate(&self, corpus: &Corpus) -> Result<MetricReport, TextError> {
        let statistics = SegmentStatistics::of(self, corpus)?;
        let values = self.values(&statistics.totals());
        let named: Vec<(&str, f64)> =
            self.value_names().iter().copied().zip(values.iter().copied()).collect();
        let signature = self.signature(corpus.reference_count());
        Ok(MetricReport::new(signature.signature(), &named))
    }

    /// The values of every segment alone, one row a segment.
    ///
    /// # Errors
    /// An option outside its range.
    fn evaluate_segments(&self, corpus: &Corpus) -> Result<Vec<Vec<f64>>, TextError> {
        let statistics = SegmentStatistics::of(self, corpus)?;
        Ok(statistics.rows().map(|row| self.values(row)).collect())
    }
}

/// The statistics of all segments of a corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentStatistics {
    width: usize,
    values: Vec<f64>,
}

/// Segments that one thread takes at a time.
const CHUNK: usize = 128;

impl SegmentStatistics {
    /// Computes them, on all cores.
    ///
    /// # Errors
    /// An option of the metric outside its range.
    pub fn of<M: SegmentMetric + ?Sized>(metric: &M, corpus: &Corpus) -> Result<Self, TextError> {
        metric.validate()?;
        let width = metric.width();
        let mut values = vec![0.0; corpus.len() * width];
        values.par_chunks_mut(width * CHUNK).enumerate().for_each(|(chunk, rows)| {
            let mut scratch = M::Scratch::default();
            let mut references = Vec::new();
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                let segment = chunk * CHUNK + i;
                references.clear();
                references.extend(corpus.references(segment));
                metric.segment(corpus.hypothesis(segment), &references, &mut scratch, row);
            }
        });
        Ok(Self { width, values })
    }

    /// Number of segments.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Never: a corpus has at least one segment.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of statistics of a segment.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The statistics of one segment after the other.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.width)
    }

    /// The statistics of a segment.
    ///
    /// # Panics
    /// If there is no such segment.
    pub fn row(&self, segment: usize) -> &[f64] {
        &self.values[segment * self.width..(segment + 1) * self.width]
    }

    /// Their sums over all segments, added in the order of the segments.
    pub fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.width];
        self.rows().for_each(|row| add(&mut totals, row));
        totals
    }
}

/// Adds a row to sums.
pub(crate) fn add(totals: &mut [f64], row: &[f64]) {
    totals.iter_mut().zip(row).for_each(|(total, value)| *total += value);
}
