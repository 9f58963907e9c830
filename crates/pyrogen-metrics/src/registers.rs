//! Giving the processor back as it was found.

use std::hint::black_box;

use faer::Mat;

/// Clears the upper halves of this thread's vector registers.
///
/// faer 0.24's matrix product for x86-64 returns with them in use, and from then on each plain
/// floating-point function of the thread (`exp`, `ln`) takes about thirty times as long (measured
/// on an Intel Xeon with AVX-512), until something clears them. A reduction by faer's compiled
/// kernels does so on its way out.
pub(crate) fn settle() {
    black_box(black_box(Mat::<f64>::zeros(64, 1)).sum());
}

/// Runs an operation that uses all threads of the pool, then settles them; those that are busy do
/// so when they next look for work.
pub(crate) fn settled<T>(operation: impl FnOnce() -> T) -> T {
    let result = operation();
    settle();
    rayon::spawn_broadcast(|_| settle());
    result
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use faer::linalg::matmul::matmul;
    use faer::{Accum, Par};

    use super::*;

    /// Left alone, a matrix product slows `exp` thirty times where the processor minds at all.
    const SLOWER: u32 = 8;

    fn fastest_of_exp() -> Duration {
        let run = |_| {
            let start = Instant::now();
            let values = (0..20_000).map(|i| (-1e-4 * f64::from(i)).exp());
            black_box(values.sum::<f64>());
            start.elapsed()
        };
        (0..20).map(run).min().unwrap()
    }

    #[test]
    fn exp_is_as_fast_after_a_matrix_product_as_before() {
        settle();
        let before = fastest_of_exp();
        let a = Mat::<f64>::from_fn(200, 200, |i, j| (i * j) as f64);
        let mut product = Mat::zeros(200, 200);
        matmul(&mut product, Accum::Replace, &a, &a, 1.0, Par::Seq);
        settle();
        let after = fastest_of_exp();
        assert!(after < SLOWER * before, "{before:?} before, {after:?} after");
    }
}
