//! Work cut into fixed pieces for the threads of rayon's pool.
//!
//! The pieces depend on the sizes alone and each writes its own part, so that results are the same
//! for any number of threads.

use rayon::prelude::*;

/// Elements below which a thread of its own costs more than it saves.
const SMALL: usize = 1 << 14;

/// Elements of a piece: 64 KiB of input and of output stay in a core's own cache.
const PIECE: usize = 1 << 14;

/// Fills `out` piece by piece; `work` gets the position of the piece's first element.
pub(crate) fn pieces(out: &mut [f32], work: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() <= SMALL {
        return vectorised(|| work(0, out));
    }
    out.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(i, part)| vectorised(|| work(i * PIECE, part)));
}

/// Fills `out` in rows of `width`, several at a time; `work` gets the row's number.
pub(crate) fn rows(out: &mut [f32], width: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() <= SMALL {
        return vectorised(|| out.chunks_mut(width).enumerate().for_each(|(i, row)| work(i, row)));
    }
    let rows = PIECE.div_ceil(width);
    out.par_chunks_mut(rows * width).enumerate().for_each(|(i, part)| {
        vectorised(|| {
            part.chunks_mut(width).enumerate().for_each(|(j, row)| work(i * rows + j, row));
        });
    });
}

/// Runs `work` compiled for the widest vectors that the processor has; loops in it vectorise.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
