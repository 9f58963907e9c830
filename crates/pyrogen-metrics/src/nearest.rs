//! Distances to the closest record.

use crate::coarse::{Coarse, Frame, rows};
use crate::features::check_pair;
use crate::neighbours::Nearest;
use crate::pairwise::Distances;
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
    Distances::new(of, among).check("closest")?;
    let frame = Frame::new(&[of, among]);
    let (x, y) = (Coarse::new(of, &frame), Coarse::new(among, &frame));
    let new = |i| Nearest::new(&x, &y, &frame, i, 1);
    let done = |row: Nearest| {
        let (closest, squared) = row.kth();
        (closest, squared.sqrt())
    };
    Ok(rows(&x, &y, new, done))
}
