//! Distances to the closest record.

use crate::features::check_pair;
use crate::pairwise::{Distances, rows};
use crate::{Features, MetricError};

/// The Euclidean distance from each row of `of` to the closest row of `among`.
///
/// The leak check of synthetic data: distances of generated rows to the training rows, beside
/// distances of held-out rows to the training rows. Generated rows that are clearly nearer than
/// held-out ones are copies.
///
/// # Numerics
/// In f64; the distance to the closest row is the directly computed one, so that a copy has
/// distance 0.
///
/// # Errors
/// Different widths or names, or values whose squares overflow.
///
/// ```
/// use pyrogen_metrics::{Features, closest_distances};
///
/// let train = Features::new(vec![0.0, 0.0, 3.0, 4.0], 2, 2)?;
/// let generated = Features::new(vec![3.0, 4.0, 0.0, 1.0], 2, 2)?;
/// assert_eq!(closest_distances(&generated, &train)?, [0.0, 1.0]);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn closest_distances(of: &Features, among: &Features) -> Result<Vec<f64>, MetricError> {
    Ok(closest(of, among)?.into_iter().map(|(_, distance)| distance).collect())
}

/// Which row of `among` is closest to each row of `of`, and how far away it is; the first of several
/// at one distance.
pub(crate) fn closest(of: &Features, among: &Features) -> Result<Vec<(usize, f64)>, MetricError> {
    check_pair("closest", among, of, 1)?;
    let distances = Distances::new(of, among);
    distances.check("closest")?;
    Ok(rows(of, among, |i, dots| {
        let fast = |j: usize| distances.fast(i, j, dots[j]);
        let upper = |j: usize| fast(j) + distances.slack(i, j);
        let bound = (0..dots.len()).map(upper).fold(f64::INFINITY, f64::min);
        let near = (0..dots.len()).filter(|&j| fast(j) - distances.slack(i, j) <= bound);
        let direct = near.map(|j| (j, distances.direct(i, j)));
        let first = |a: (usize, f64), b: (usize, f64)| if b.1 < a.1 { b } else { a };
        let (row, squared) = direct.reduce(first).expect("the bound is one of the distances");
        (row, squared.sqrt())
    }))
}
