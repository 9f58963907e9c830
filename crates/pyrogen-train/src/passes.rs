//! Formulas over long vectors, each in one pass over memory.
//!
//! Vectors are cut into chunks of a fixed length, which rayon spreads over the cores; sums are made
//! within a chunk in a fixed order and the chunks' sums are added in theirs. So no result depends
//! on the number of threads. The loops are plain: the compiler vectorises them for the processor
//! that pulp finds. A product is rounded before it is added (no fused multiply-add), so no result
//! depends on the processor either.

use pulp::Arch;
use rayon::prelude::*;

/// Numbers in a chunk: 64 KiB, a share of a core's second-level cache.
const CHUNK: usize = 1 << 14;

/// Chunks from which on waking other threads pays.
const PARALLEL: usize = 4;

/// The numbers of one step of Adam, computed in f64 and rounded once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamStep {
    /// `beta_1` and `1 - beta_1`.
    pub first: [f32; 2],
    /// `beta_2` and `1 - beta_2`.
    pub second: [f32; 2],
    /// `rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)`.
    pub rate: f32,
    /// `epsilon * sqrt(1 - beta_2^t)`.
    pub epsilon: f32,
    /// Weight decay that is added to the gradient.
    pub decay: f32,
    /// What decoupled weight decay leaves of a weight, `1 - rate * decay`.
    pub keep: f32,
}

/// Parameter, gradient and moments, as zipped iterators give them.
type Chunk<'a> = (((&'a mut [f32], &'a [f32]), &'a mut [f32]), &'a mut [f32]);

/// One step of Adam: the parameter and both moments, in place.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn adam(
    step: AdamStep,
    parameter: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let n = parameter.len();
    assert!(n == gradient.len() && n == first.len() && n == second.len(), "adam: lengths");
    let chunk = |(((p, g), m), v): Chunk| {
        Arch::new().dispatch(|| adam_chunk(step, p, g, m, v));
    };
    if n <= PARALLEL * CHUNK {
        return chunk((((parameter, gradient), first), second));
    }
    parameter
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .for_each(chunk);
}

#[inline(always)]
fn adam_chunk(step: AdamStep, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
        let g = g + *p * step.decay;
        *m = *m * step.first[0] + g * step.first[1];
        *v = *v * step.second[0] + g * g * step.second[1];
        *p = *p * step.keep - *m * step.rate / (v.sqrt() + step.epsilon);
    }
}

/// `sum = weights[0] * sum + weights[1] * others[0] + ..`, in place and in this order; gives the
/// sum of the squares of the result, in f64.
///
/// # Panics
/// If the lengths differ, or there is not one weight a vector.
pub(crate) fn combine(sum: &mut [f32], others: &[&[f32]], weights: &[f32]) -> f64 {
    assert!(others.iter().all(|o| o.len() == sum.len()), "combine: lengths");
    assert_eq!(weights.len(), others.len() + 1, "combine: one weight a vector");
    let chunk = |(i, sum): (usize, &mut [f32])| {
        let part = i * CHUNK..i * CHUNK + sum.len();
        Arch::new().dispatch(|| {
            if weights[0] != 1.0 {
                sum.iter_mut().for_each(|s| *s *= weights[0]);
            }
            for (other, &w) in others.iter().zip(&weights[1..]) {
                sum.iter_mut().zip(&other[part.clone()]).for_each(|(s, o)| *s += *o * w);
            }
            squares(sum)
        })
    };
    if sum.len() <= PARALLEL * CHUNK {
        return sum.chunks_mut(CHUNK).enumerate().map(chunk).sum();
    }
    let sums: Vec<f64> = sum.par_chunks_mut(CHUNK).enumerate().map(chunk).collect();
    sums.into_iter().sum()
}

/// The sum of squares in f64.
pub(crate) fn sum_of_squares(x: &[f32]) -> f64 {
    let chunk = |x: &[f32]| Arch::new().dispatch(|| squares(x));
    if x.len() <= PARALLEL * CHUNK {
        return x.chunks(CHUNK).map(chunk).sum();
    }
    let sums: Vec<f64> = x.par_chunks(CHUNK).map(chunk).collect();
    sums.into_iter().sum()
}

/// Partial sums that a chunk is added up in, for the compiler to hold in vectors.
const LANES: usize = 16;

#[inline(always)]
fn squares(x: &[f32]) -> f64 {
    let mut sums = [0.0f64; LANES];
    let rows = x.chunks_exact(LANES);
    let rest = rows.remainder();
    for row in rows {
        for (s, &v) in sums.iter_mut().zip(row) {
            *s += f64::from(v) * f64::from(v);
        }
    }
    for (s, &v) in sums.iter_mut().zip(rest) {
        *s += f64::from(v) * f64::from(v);
    }
    sums.iter().sum()
}

/// Multiplies in place.
pub(crate) fn scale(x: &mut [f32], factor: f32) {
    each(x, |x| x.iter_mut().for_each(|v| *v *= factor));
}

/// `average += (new - average) * share`, in place.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn blend(average: &mut [f32], new: &[f32], share: f32) {
    assert_eq!(average.len(), new.len(), "blend: lengths");
    let chunk = |(a, n): (&mut [f32], &[f32])| {
        Arch::new().dispatch(|| a.iter_mut().zip(n).for_each(|(a, n)| *a += (*n - *a) * share));
    };
    if average.len() <= PARALLEL * CHUNK {
        return chunk((average, new));
    }
    average.par_chunks_mut(CHUNK).zip(new.par_chunks(CHUNK)).for_each(chunk);
}

fn each(x: &mut [f32], f: impl Fn(&mut [f32]) + Sync) {
    let chunk = |x: &mut [f32]| Arch::new().dispatch(|| f(x));
    if x.len() <= PARALLEL * CHUNK {
        return chunk(x);
    }
    x.par_chunks_mut(CHUNK).for_each(chunk);
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use rayon::ThreadPoolBuilder;

    use super::*;

    /// Several chunks and a rest.
    const N: usize = (PARALLEL + 3) * CHUNK + 17;

    fn numbers(label: &str, n: usize) -> Vec<f32> {
        Noise::new(Seed(1)).fork(label).normal_vec(n).iter().map(|&v| v as f32).collect()
    }

    fn step() -> AdamStep {
        AdamStep {
            first: [0.9, 0.1],
            second: [0.99, 0.01],
            rate: 0.02,
            epsilon: 1e-7,
            decay: 0.1,
            keep: 0.98,
        }
    }

    /// Every pass on `n` numbers, as bits.
    fn everything(n: usize) -> Vec<u64> {
        let mut p = numbers("p", n);
        let (g, h) = (numbers("g", n), numbers("h", n));
        let (mut m, mut v) = (numbers("m", n), numbers("v", n));
        v.iter_mut().for_each(|v| *v = v.abs());
        adam(step(), &mut p, &g, &mut m, &mut v);
        let squares = combine(&mut m, &[&g, &h], &[0.25, 0.5, 0.25]);
        scale(&mut v, 0.3);
        blend(&mut p, &g, 0.1);
        let bits = p.iter().chain(&m).chain(&v).map(|v| u64::from(v.to_bits()));
        bits.chain([squares.to_bits(), sum_of_squares(&p).to_bits()]).collect()
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let on = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| everything(N))
        };
        assert!(on(1) == on(4));
    }

    /// Sums of 10^5 squares in f64, in another order.
    const REORDERED: f64 = 1e-12;

    #[test]
    fn sums_are_those_of_the_definition() {
        for n in [0, 1, 15, 16, 33, CHUNK, CHUNK + 1, N] {
            let (a, b) = (numbers("a", n), numbers("b", n));
            let mut sum = a.clone();
            let squares = combine(&mut sum, &[&b], &[0.75, 0.25]);
            assert!(sum.iter().zip(a.iter().zip(&b)).all(|(s, (a, b))| *s == a * 0.75 + b * 0.25));
            let expected: f64 = sum.iter().map(|&v| f64::from(v).powi(2)).sum();
            assert!((squares - expected).abs() <= REORDERED * expected, "{n}");
            assert_eq!(sum_of_squares(&sum), squares);
        }
        // Squares that overflow f32 do not overflow the sum; what is not finite shows.
        assert_eq!(
            sum_of_squares(&[3e30, 4e30]),
            f64::from(3e30f32).powi(2) + f64::from(4e30f32).powi(2)
        );
        assert!(sum_of_squares(&[1.0, f32::INFINITY]).is_infinite());
        assert!(sum_of_squares(&[1.0, f32::NAN]).is_nan());
    }
}
