//! The batches of the steps to come, made ahead on a worker thread.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::{Examples, Noise, Unreadable};
use pyrogen_data::{BatchOrder, Prefetch};

use crate::learner::Part;

/// Batches that are ready before they are needed.
const PREFETCH: usize = 2;

/// One step's pieces.
pub(crate) struct Prepared<B> {
    pub step: u64,
    /// Counted from 1.
    pub epoch: u64,
    pub parts: Vec<Part<B>>,
}

/// The batches of some steps, each cut into so many pieces.
pub(crate) fn feed<E>(
    data: Arc<E>,
    mut order: BatchOrder,
    noise: Noise,
    steps: Range<u64>,
    pieces: usize,
    device: Device,
) -> Prefetch<Result<Prepared<E::Batch>, Unreadable>>
where
    E: Examples + 'static,
    E::Batch: 'static,
{
    let steps = steps.map(move |step| {
        let (epoch, rows) = order.rows(step - 1);
        let noise = noise.fork_index(step);
        let parts = cut(rows.len(), pieces)
            .map(|range| read_part(data.as_ref(), &rows, range, &noise, &device))
            .collect::<Result<_, _>>()?;
        Ok::<_, Unreadable>(Prepared { step, epoch: epoch + 1, parts })
    });
    Prefetch::new(steps, PREFETCH)
}

/// Cuts `0..rows` into `pieces` ranges whose lengths differ by at most one.
fn cut(rows: usize, pieces: usize) -> impl Iterator<Item = Range<usize>> {
    let pieces = pieces.clamp(1, rows.max(1));
    (0..pieces).map(move |i| rows * i / pieces..rows * (i + 1) / pieces)
}

fn read_part<E: Examples>(
    data: &E,
    rows: &[usize],
    range: Range<usize>,
    noise: &Noise,
    device: &Device,
) -> Result<Part<E::Batch>, Unreadable> {
    let mut noise = noise.rows(range.clone(), rows.len());
    let batch = data.try_batch(&rows[range.clone()], &mut noise, device)?;
    Ok(Part { batch, rows: range, total: rows.len() })
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn pieces_cover_all_rows_once() {
        for (rows, pieces) in [(10, 3), (2, 5), (7, 1), (64, 2)] {
            let ranges: Vec<_> = cut(rows, pieces).collect();
            assert_eq!(ranges.len(), pieces.min(rows));
            assert!(ranges.iter().all(|r| !r.is_empty()));
            assert_eq!(
                ranges.into_iter().flatten().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
        }
    }
}
