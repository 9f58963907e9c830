//! Work cut into fixed pieces for the threads of rayon's pool, compiled for wide vectors.
//!
//! The pieces depend on the sizes alone and each writes its own part, so that results are the same
//! for any number of threads.
//!
//! Work is a function marked `inline(always)` and its arguments, not a closure: a closure is inlined
//! where the compiler likes, and what is not inlined is compiled for the oldest processor.

use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Elements below which a thread of its own costs more than it saves.
const SMALL: usize = 1 << 14;

/// Elements of a piece: 64 KiB of input and of output stay in a core's own cache.
const PIECE: usize = 1 << 14;

/// Fills `out` piece by piece; `work` gets the position of the piece's first element.
pub(crate) fn pieces<A: Copy + Sync + Send>(
    out: &mut [f32],
    args: A,
    work: impl Fn((A, usize, &mut [f32])) + Copy + Sync,
) {
    if out.len() <= SMALL {
        return vectorised((args, 0, out), work);
    }
    out.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(i, part)| vectorised((args, i * PIECE, part), work));
}

/// Fills `out` in rows of `width`, several at a time; `work` gets the first row's number.
pub(crate) fn rows<A: Copy + Sync + Send>(
    out: &mut [f32],
    width: usize,
    args: A,
    work: impl Fn((A, usize, &mut [f32])) + Copy + Sync,
) {
    if out.len() <= SMALL {
        return vectorised((args, 0, out), work);
    }
    let rows = PIECE.div_ceil(width);
    out.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(i, part)| vectorised((args, i * rows, part), work));
}

/// Runs `work` compiled for the widest vectors that the processor has; loops in it vectorise.
#[inline]
pub(crate) fn vectorised<A, R>(args: A, work: impl Fn(A) -> R) -> R {
    pulp::Arch::new().dispatch(Task(args, work))
}

struct Task<A, F>(A, F);

impl<A, R, F: Fn(A) -> R> NullaryFnOnce for Task<A, F> {
    type Output = R;

    #[inline(always)]
    fn call(self) -> R {
        (self.1)(self.0)
    }
}
