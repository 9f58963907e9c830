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
        })
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
