//! The order in which training sees the rows: random access by step.

use pyrogen_core::Noise;

use crate::DataError;

/// Whether each epoch has an order of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShuffleMode {
    /// A new permutation each epoch.
    #[default]
    Shuffled,
    /// The rows as they are, each epoch.
    Sequential,
}

/// Which rows make the batch of each step.
///
/// The permutation of epoch `e` comes from `noise.fork("order").fork_index(e)`, so the rows of a
/// step depend on the step's number alone: a run resumes exactly by knowing its step.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_data::{BatchOrder, ShuffleMode};
///
/// let noise = Noise::new(Seed(1));
/// let mut order = BatchOrder::new(10, 4, &noise, ShuffleMode::Shuffled, false)?;
/// assert_eq!(order.steps_per_epoch(), 3);
/// let (epoch, rows) = order.rows(5); // the last batch of the second epoch
/// assert_eq!((epoch, rows.len()), (1, 2));
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchOrder {
    rows: usize,
    batch_size: usize,
    noise: Noise,
    mode: ShuffleMode,
    steps: u64,
    /// The epoch in memory and its order.
    cached: Option<(u64, Vec<usize>)>,
    /// Sums of the weights up to each row, where rows are drawn by weights.
    sums: Option<Vec<f64>>,
}

impl BatchOrder {
    /// The order of `rows` rows in batches of `batch_size`. A last batch that is shorter is kept
    /// unless `drop_last`.
    ///
    /// # Errors
    /// No rows, batches of 0, or `drop_last` with less than one whole batch.
    pub fn new(
        rows: usize,
        batch_size: usize,
        noise: &Noise,
        mode: ShuffleMode,
        drop_last: bool,
    ) -> Result<Self, DataError> {
        if rows == 0 {
            return Err(DataError::part("rows", "one or more", rows));
        }
        if batch_size == 0 || (drop_last && batch_size > rows) {
            let top = if drop_last { format!(" to {rows}") } else { " or more".to_string() };
            return Err(DataError::part("batch_size", format!("1{top}"), batch_size));
        }
        let steps = if drop_last { rows / batch_size } else { rows.div_ceil(batch_size) };
        Ok(Self {
            rows,
            batch_size,
            noise: noise.fork("order"),
            mode,
            steps: steps as u64,
            cached: None,
            sums: None,
        })
    }

    /// Rows that are drawn by weights, with replacement: every row of every batch is row `i` with
    /// probability `weights[i] / sum(weights)`. An epoch has as many draws as there are rows.
    ///
    /// The rows of a step come from `noise.fork("order").fork_index(step)`.
    ///
    /// ```
    /// use pyrogen_core::{Noise, Seed};
    /// use pyrogen_data::BatchOrder;
    ///
    /// let noise = Noise::new(Seed(1));
    /// let mut order = BatchOrder::weighted(&[0.0, 1.0, 0.0], 2, &noise, false)?;
    /// assert_eq!(order.rows(0), (0, vec![1, 1]));
    /// # Ok::<(), pyrogen_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new); a weight that is negative or not finite, or no weight above 0.
    pub fn weighted(
        weights: &[f64],
        batch_size: usize,
        noise: &Noise,
        drop_last: bool,
    ) -> Result<Self, DataError> {
        let order = Self::new(weights.len(), batch_size, noise, ShuffleMode::Shuffled, drop_last)?;
        if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            let got = format!("{} at row {i}", weights[i]);
            return Err(DataError::part("weights", "finite numbers, 0 or more", got));
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(DataError::part("weights", "above 0 for one row or more", "0 for all"));
        }
        // Shares of the largest, so that no sum overflows.
        let sums = weights.iter().scan(0.0, |sum, w| {
            *sum += w / largest;
            Some(*sum)
        });
        Ok(Self { sums: Some(sums.collect()), ..order })
    }

    /// So many draws by the weights at a step.
    fn draws(&self, sums: &[f64], step: u64, count: usize) -> Vec<usize> {
        let total = sums[sums.len() - 1];
        // The row that reaches the total: rounding never leads beyond it.
        let last = sums.partition_point(|s| *s < total);
        let draws = self.noise.fork_index(step).uniform_vec(count);
        let place = |u: f64| sums.partition_point(|s| *s <= u * total).min(last);
        draws.into_iter().map(place).collect()
    }

    /// Number of batches in an epoch, at least 1.
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps
    }

    /// The epoch of a step and the rows of its batch; both are counted from 0. Never empty.
    pub fn rows(&mut self, step: u64) -> (u64, Vec<usize>) {
        let epoch = step / self.steps;
        let start = (step % self.steps) as usize * self.batch_size;
        let end = start.saturating_add(self.batch_size).min(self.rows);
        if let Some(sums) = &self.sums {
            return (epoch, self.draws(sums, step, end - start));
        }
        if self.mode == ShuffleMode::Sequential {
            return (epoch, (start..end).collect());
        }
        if self.cached.as_ref().is_none_or(|(e, _)| *e != epoch) {
            self.cached = Some((epoch, self.noise.fork_index(epoch).permutation(self.rows)));
        }
        let order = self.cached.as_ref().map_or(&[][..], |(_, order)| order);
        (epoch, order[start..end].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;

    fn order(rows: usize, batch: usize, mode: ShuffleMode, drop_last: bool) -> BatchOrder {
        BatchOrder::new(rows, batch, &Noise::new(Seed(3)), mode, drop_last).unwrap()
    }

    #[test]
    fn each_epoch_sees_each_row_once_in_its_own_order() {
        let mut order = order(11, 4, ShuffleMode::Shuffled, false);
        assert_eq!(order.steps_per_epoch(), 3);
        let mut epochs = Vec::new();
        for epoch in 0..3u64 {
            let mut seen = Vec::new();
            for k in 0..3 {
                let (e, rows) = order.rows(epoch * 3 + k);
                assert_eq!(e, epoch);
                assert!(!rows.is_empty());
                seen.extend(rows);
            }
            epochs.push(seen.clone());
            seen.sort_unstable();
            assert_eq!(seen, (0..11).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
    }

    #[test]
    fn a_step_is_the_same_from_anywhere() {
        let mut forward = order(11, 4, ShuffleMode::Shuffled, false);
        let walked: Vec<_> = (0..9).map(|s| forward.rows(s)).collect();
        for step in [8, 0, 5, 3, 8] {
            let mut fresh = order(11, 4, ShuffleMode::Shuffled, false);
            assert_eq!(fresh.rows(step), walked[step as usize]);
            assert_eq!(forward.rows(step), walked[step as usize]);
        }
    }

    #[test]
    fn the_last_batch_is_short_or_dropped() {
        let mut kept = order(5, 2, ShuffleMode::Sequential, false);
        assert_eq!(kept.rows(2), (0, vec![4]));
        let mut dropped = order(5, 2, ShuffleMode::Sequential, true);
        assert_eq!(dropped.steps_per_epoch(), 2);
        assert_eq!(dropped.rows(2), (1, vec![0, 1]));
        let mut one = order(3, usize::MAX, ShuffleMode::Shuffled, false);
        assert_eq!(one.rows(7).1.len(), 3);
    }

    /// Draws of a row of this share lie within five standard deviations of their mean: a fixed seed,
    /// and less than one false alarm in a million.
    fn is_near(count: usize, draws: usize, share: f64) -> bool {
        let (n, mean) = (draws as f64, draws as f64 * share);
        (count as f64 - mean).abs() <= 5.0 * (n * share * (1.0 - share)).sqrt()
    }

    #[test]
    fn weights_are_frequencies() {
        // Unsorted, with zeros at the ends and in the middle, in a scale of no meaning.
        let weights = [0.0, 3e200, 1e200, 0.0, 4e200, 2e200, 0.0];
        let mut order = BatchOrder::weighted(&weights, 3, &Noise::new(Seed(9)), false).unwrap();
        assert_eq!(order.steps_per_epoch(), 3);
        let mut counts = [0; 7];
        for step in 0..3000 {
            let (epoch, rows) = order.rows(step);
            assert_eq!((epoch, rows.len()), (step / 3, if step % 3 == 2 { 1 } else { 3 }));
            rows.iter().for_each(|&row| counts[row] += 1);
        }
        for (count, weight) in counts.iter().zip(weights) {
            assert!(is_near(*count, 7000, weight / 1e201), "{counts:?}");
        }
        assert_eq!(counts[0] + counts[3] + counts[6], 0);
        // Any step from anywhere.
        let again = BatchOrder::weighted(&weights, 3, &Noise::new(Seed(9)), false);
        assert_eq!(again.unwrap().rows(1234), order.rows(1234));
        assert_ne!(order.rows(1), order.rows(4));
    }

    #[test]
    fn weights_that_are_none_are_errors() {
        let error = |weights: &[f64]| {
            let order = BatchOrder::weighted(weights, 1, &Noise::new(Seed(0)), false);
            order.map(|_| ()).unwrap_err().to_string()
        };
        assert!(error(&[1.0, -1.0]).contains("-1 at row 1"));
        assert!(error(&[f64::NAN]).contains("NaN at row 0"));
        assert!(error(&[f64::INFINITY, 1.0]).contains("inf at row 0"));
        assert!(error(&[0.0, 0.0]).contains("above 0 for one row"));
        assert!(error(&[]).contains("rows"));
    }

    #[test]
    fn nothing_to_order_is_an_error() {
        let noise = Noise::new(Seed(0));
        let new = |rows, batch, drop| {
            BatchOrder::new(rows, batch, &noise, ShuffleMode::Shuffled, drop).map(|_| ())
        };
        assert!(new(0, 1, false).unwrap_err().to_string().contains("rows"));
        assert!(new(3, 0, false).unwrap_err().to_string().contains("1 or more"));
        assert!(new(3, 4, true).unwrap_err().to_string().contains("1 to 3"));
        assert!(new(3, 4, false).is_ok());
    }
}
