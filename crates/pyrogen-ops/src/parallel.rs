//! Work cut into fixed pieces for the threads of rayon's pool, compiled for wide vectors.
//!
//! The pieces depend on the sizes alone and each writes its own part, so that results are the same
//! for any number of threads.
//!
//! A [`Kernel`] is a type and not a closure or a function passed as a value: those are inlined where
//! the compiler likes, and what is not inlined is compiled for the oldest processor.

use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Elements below which a thread of its own costs more than it saves.
const SMALL: usize = 1 << 14;

/// Elements of a piece: 64 KiB of input and of output stay in a core's own cache.
const PIECE: usize = 1 << 14;

/// Work on arguments `A`; `run` must be marked `inline(always)`.
pub(crate) trait Kernel<A> {
    type Output;

    fn run(args: A) -> Self::Output;
}

/// Makes kernels of functions that are marked `inline(always)`.
macro_rules! kernels {
    ($([$($life:lifetime)?] $name:ident: $work:path, $args:ty => $out:ty;)*) => {$(
        struct $name;

        impl $(<$life>)? $crate::parallel::Kernel<$args> for $name {
            type Output = $out;

            #[inline(always)]
            fn run(args: $args) -> $out {
                $work(args)
            }
        }
    )*};
}
pub(crate) use kernels;

/// Fills `out` piece by piece; the kernel gets the position of the piece's first element.
pub(crate) fn pieces<K, A: Copy + Sync + Send>(out: &mut [f32], args: A)
where
    K: for<'a> Kernel<(A, usize, &'a mut [f32]), Output = ()>,
{
    if out.len() <= SMALL {
        return vectorised::<K, _>((args, 0, out));
    }
    out.par_chunks_mut(PIECE)
        .enumerate()
        .for_each(|(i, part)| vectorised::<K, _>((args, i * PIECE, part)));
}

/// Works on two arrays of one length, piece by piece.
pub(crate) fn both_pieces<K, A: Copy + Sync + Send>(a: &mut [f32], b: &mut [f32], args: A)
where
    K: for<'a> Kernel<(A, &'a mut [f32], &'a mut [f32]), Output = ()>,
{
    if a.len() <= SMALL {
        return vectorised::<K, _>((args, a, b));
    }
    a.par_chunks_mut(PIECE)
        .zip(b.par_chunks_mut(PIECE))
        .for_each(|(a, b)| vectorised::<K, _>((args, a, b)));
}

/// Fills `out` in rows of `width`, several at a time; the kernel gets the first row's number.
pub(crate) fn rows<K, A: Copy + Sync + Send>(out: &mut [f32], width: usize, args: A)
where
    K: for<'a> Kernel<(A, usize, &'a mut [f32]), Output = ()>,
{
    if out.len() <= SMALL {
        return vectorised::<K, _>((args, 0, out));
    }
    let rows = PIECE.div_ceil(width);
    out.par_chunks_mut(rows * width)
        .enumerate()
        .for_each(|(i, part)| vectorised::<K, _>((args, i * rows, part)));
}

/// Runs a kernel compiled for the widest vectors that the processor has.
#[inline]
pub(crate) fn vectorised<K: Kernel<A>, A>(args: A) -> K::Output {
    pulp::Arch::new().dispatch(Task::<K, A>(args, std::marker::PhantomData))
}

struct Task<K, A>(A, std::marker::PhantomData<K>);

impl<A, K: Kernel<A>> NullaryFnOnce for Task<K, A> {
    type Output = K::Output;

    #[inline(always)]
    fn call(self) -> K::Output {
        K::run(self.0)
    }
}
