//! Runs every row on tiny sizes.

use crate::models;
use crate::rows::{Row, rows};
use crate::workload::{Plan, Size};

/// Steps after which a loss has fallen.
const STEPS: usize = 12;

/// Checks that every row runs, that what it computes is finite, and that training lowers the loss,
/// with one worker and with two. The models' rows need not lower it: in some of the losses a
/// penalty that is estimated on a tiny batch drowns the rest.
///
/// # Errors
/// What a row did instead.
pub fn run() -> Result<(), String> {
    let all = |rows: Vec<Row>, falls: bool| {
        rows.iter().try_for_each(|row| {
            let most = if row.trains { 2 } else { 1 };
            (1..=most).try_for_each(|workers| check(row, workers, row.trains && falls))
        })
    };
    all(rows(), true)?;
    all(models::rows(), false)
}

fn check(row: &Row, workers: usize, falls: bool) -> Result<(), String> {
    let values = values(row, workers, STEPS);
    let name = format!("{} ({workers} workers)", row.name);
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        return Err(format!("{name}: a result is {bad}"));
    }
    let (before, after) = (values[0], values[STEPS - 1]);
    if falls && after >= before {
        return Err(format!("{name}: the loss went from {before} to {after}"));
    }
    Ok(())
}

/// The numbers of some runs on tiny sizes.
pub fn values(row: &Row, workers: usize, runs: usize) -> Vec<f64> {
    let mut work = (row.build)(Plan { size: Size::Tiny, workers });
    (0..runs)
        .map(|_| {
            work.prepare();
            work.run()
        })
        .collect()
}
