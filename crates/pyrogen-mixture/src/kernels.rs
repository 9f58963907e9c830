//! The loops over rows, compiled for the widest vectors that the processor has.
//!
//! A block of [`BLOCK`] rows is held column by column (`x[j * BLOCK + row]`), so that one vector holds
//! one column of several rows and nothing depends on how many columns there are.

use pulp::{Arch, Simd, WithSimd};

use crate::blocks::BLOCK;
use crate::matrix::at;

/// Vectors that are worked on side by side, so that none waits for the one before it.
const SIDE: usize = 4;

/// `diff = x - mean`, for the columns of `mean`.
struct Differences<'a> {
    x: &'a [f64],
    mean: &'a [f64],
    diff: &'a mut [f64],
}

impl WithSimd for Differences<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (j, mean) in self.mean.iter().enumerate() {
            let mean = simd.splat_f64s(*mean);
            let x = S::as_simd_f64s(&self.x[j * BLOCK..][..BLOCK]).0;
            let diff = S::as_mut_simd_f64s(&mut self.diff[j * BLOCK..][..BLOCK]).0;
            diff.iter_mut().zip(x).for_each(|(diff, x)| *diff = simd.sub_f64s(*x, mean));
        }
    }
}

/// Subtracts the mean.
pub(crate) fn differences(x: &[f64], mean: &[f64], diff: &mut [f64]) {
    Arch::new().dispatch(Differences { x, mean, diff });
}

/// `out = constant - |p diff|^2 / 2` for a lower triangular `p` of `d` columns.
struct Dense<'a> {
    p: &'a [f64],
    d: usize,
    diff: &'a [f64],
    constant: f64,
    out: &'a mut [f64],
}

impl WithSimd for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = BLOCK / S::F64_LANES;
        let diff = S::as_simd_f64s(self.diff).0;
        let out = S::as_mut_simd_f64s(self.out).0;
        let (constant, half) = (simd.splat_f64s(self.constant), simd.splat_f64s(-0.5));
        let zero = simd.splat_f64s(0.0);
        for first in (0..vectors).step_by(SIDE) {
            let mut total = [zero; SIDE];
            // Two rows of `p` at a time read each difference once.
            let mut i = 0;
            while i + 1 < self.d {
                let (upper, lower) = (&self.p[at(i, 0)..][..=i], &self.p[at(i + 1, 0)..][..i + 2]);
                let (mut a, mut b) = ([zero; SIDE], [zero; SIDE]);
                for (j, (p, q)) in upper.iter().zip(lower).enumerate() {
                    let (p, q) = (simd.splat_f64s(*p), simd.splat_f64s(*q));
                    let diff = &diff[j * vectors + first..][..SIDE];
                    for s in 0..SIDE {
                        a[s] = simd.mul_add_e_f64s(p, diff[s], a[s]);
                        b[s] = simd.mul_add_e_f64s(q, diff[s], b[s]);
                    }
                }
                let last = simd.splat_f64s(lower[i + 1]);
                let diff = &diff[(i + 1) * vectors + first..][..SIDE];
                for s in 0..SIDE {
                    b[s] = simd.mul_add_e_f64s(last, diff[s], b[s]);
                    total[s] = simd.mul_add_e_f64s(a[s], a[s], total[s]);
                    total[s] = simd.mul_add_e_f64s(b[s], b[s], total[s]);
                }
                i += 2;
            }
            if i < self.d {
                let mut a = [zero; SIDE];
                for (j, p) in self.p[at(i, 0)..][..=i].iter().enumerate() {
                    let p = simd.splat_f64s(*p);
                    let diff = &diff[j * vectors + first..][..SIDE];
                    for s in 0..SIDE {
                        a[s] = simd.mul_add_e_f64s(p, diff[s], a[s]);
                    }
                }
                for s in 0..SIDE {
                    total[s] = simd.mul_add_e_f64s(a[s], a[s], total[s]);
                }
            }
            for (out, total) in out[first..first + SIDE].iter_mut().zip(total) {
                *out = simd.mul_add_e_f64s(half, total, constant);
            }
        }
    }
}

/// `constant - |p diff|^2 / 2` of each row, for a lower triangular `p` of `d` columns.
pub(crate) fn dense_log_density(p: &[f64], d: usize, diff: &[f64], constant: f64, out: &mut [f64]) {
    Arch::new().dispatch(Dense { p, d, diff: &diff[..d * BLOCK], constant, out });
}

/// `out = constant - sum_j (diff_j inverse_j)^2 / 2`.
struct Diagonal<'a> {
    inverse: &'a [f64],
    diff: &'a [f64],
    constant: f64,
    out: &'a mut [f64],
}

impl WithSimd for Diagonal<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let out = S::as_mut_simd_f64s(self.out).0;
        let (constant, half) = (simd.splat_f64s(self.constant), simd.splat_f64s(-0.5));
        out.fill(simd.splat_f64s(0.0));
        for (j, inverse) in self.inverse.iter().enumerate() {
            let inverse = simd.splat_f64s(*inverse);
            let diff = S::as_simd_f64s(&self.diff[j * BLOCK..][..BLOCK]).0;
            for (out, diff) in out.iter_mut().zip(diff) {
                let scaled = simd.mul_f64s(*diff, inverse);
                *out = simd.mul_add_e_f64s(scaled, scaled, *out);
            }
        }
        out.iter_mut().for_each(|out| *out = simd.mul_add_e_f64s(half, *out, constant));
    }
}

/// `constant - sum_j (diff_j inverse_j)^2 / 2` of each row.
pub(crate) fn diagonal_log_density(inverse: &[f64], diff: &[f64], constant: f64, out: &mut [f64]) {
    Arch::new().dispatch(Diagonal { inverse, diff, constant, out });
}

/// Adds `sum r diff` and the diagonal of `sum r diff diff^T`, or its lower triangle.
struct Scatter<'a> {
    r: &'a [f64],
    diff: &'a [f64],
    weighted: &'a mut [f64],
    sums: &'a mut [f64],
    scatter: &'a mut [f64],
    dense: bool,
}

/// Columns of a tile: sixteen sums read eight vectors.
const TILE: usize = 4;

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let d = self.sums.len();
        let r = S::as_simd_f64s(self.r).0;
        for j in 0..d {
            let diff = S::as_simd_f64s(&self.diff[j * BLOCK..][..BLOCK]).0;
            let weighted = S::as_mut_simd_f64s(&mut self.weighted[j * BLOCK..][..BLOCK]).0;
            let (mut sum, mut square) = (simd.splat_f64s(0.0), simd.splat_f64s(0.0));
            for ((weighted, diff), r) in weighted.iter_mut().zip(diff).zip(r) {
                *weighted = simd.mul_f64s(*r, *diff);
                sum = simd.add_f64s(sum, *weighted);
                square = simd.mul_add_e_f64s(*weighted, *diff, square);
            }
            self.sums[j] += simd.reduce_sum_f64s(sum);
            if !self.dense {
                self.scatter[j] += simd.reduce_sum_f64s(square);
            }
        }
        if self.dense {
            let weighted = S::as_simd_f64s(&*self.weighted).0;
            let diff = S::as_simd_f64s(self.diff).0;
            for i in (0..d).step_by(TILE) {
                for j in (0..=i).step_by(TILE) {
                    tile(simd, weighted, diff, [i, j], d, self.scatter);
                }
            }
        }
    }
}

/// The sums of rows `i ..` and columns `j ..`, as far as they lie in the lower triangle.
#[inline(always)]
fn tile<S: Simd>(
    simd: S,
    weighted: &[S::f64s],
    diff: &[S::f64s],
    [i, j]: [usize; 2],
    d: usize,
    scatter: &mut [f64],
) {
    let vectors = BLOCK / S::F64_LANES;
    // Past the last column the last one is read again, and not written.
    let start = |column: usize| column.min(d - 1) * vectors;
    let left = [0, 1, 2, 3].map(|t| &weighted[start(i + t)..][..vectors]);
    let right = [0, 1, 2, 3].map(|t| &diff[start(j + t)..][..vectors]);
    let mut sums = [[simd.splat_f64s(0.0); TILE]; TILE];
    for v in 0..vectors {
        let right = [right[0][v], right[1][v], right[2][v], right[3][v]];
        for (sums, left) in sums.iter_mut().zip(left) {
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = simd.mul_add_e_f64s(left[v], right, *sum);
            }
        }
    }
    for (t, sums) in sums.iter().enumerate().take(d.saturating_sub(i)) {
        for (u, sum) in sums.iter().enumerate() {
            if j + u <= i + t {
                scatter[at(i + t, j + u)] += simd.reduce_sum_f64s(*sum);
            }
        }
    }
}

/// Adds `sum r diff` to `sums`, and `sum r diff diff^T` to `scatter`: its lower triangle where
/// `dense`, else its diagonal.
pub(crate) fn scatter(
    r: &[f64],
    diff: &[f64],
    weighted: &mut [f64],
    sums: &mut [f64],
    scatter: &mut [f64],
    dense: bool,
) {
    let d = sums.len();
    let (diff, weighted) = (&diff[..d * BLOCK], &mut weighted[..d * BLOCK]);
    Arch::new().dispatch(Scatter { r, diff, weighted, sums, scatter, dense });
}

/// Turns log-joints into shares.
struct Softmax<'a> {
    /// `[k, BLOCK]`.
    joint: &'a mut [f64],
    /// Logarithms of the sums.
    log_sum: &'a mut [f64],
    /// `sum_k r_k log_joint_k` where rows have a share.
    expected: &'a mut [f64],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (mut most, mut sum) = ([f64::NEG_INFINITY; BLOCK], [0.0; BLOCK]);
        for line in self.joint.chunks_exact(BLOCK) {
            most.iter_mut().zip(line).for_each(|(m, v)| *m = if *v > *m { *v } else { *m });
        }
        // A row that no component explains: its shares are 0 / 0, its log-sum is -infinity.
        let base = most.map(|m| if m == f64::NEG_INFINITY { 0.0 } else { m });
        self.expected.fill(0.0);
        for line in self.joint.chunks_exact_mut(BLOCK) {
            for l in 0..BLOCK {
                let joint = line[l];
                let e = exp(joint - base[l]);
                sum[l] += e;
                self.expected[l] += if e > 0.0 { e * joint } else { 0.0 };
                line[l] = e;
            }
        }
        for l in 0..BLOCK {
            self.log_sum[l] = base[l] + sum[l].ln();
            sum[l] = if sum[l] > 0.0 { 1.0 / sum[l] } else { 0.0 };
            self.expected[l] *= sum[l];
        }
        for line in self.joint.chunks_exact_mut(BLOCK) {
            line.iter_mut().zip(&sum).for_each(|(r, inverse)| *r *= inverse);
        }
    }
}

/// Turns the log-joints of a block, `[k, BLOCK]`, into each row's shares; gives the logarithms of
/// their sums and the expected log-joints. A row of probability zero has shares of 0.
pub(crate) fn softmax(joint: &mut [f64], log_sum: &mut [f64], expected: &mut [f64]) {
    Arch::new().dispatch(Softmax { joint, log_sum, expected });
}

/// ln 2 in two parts: the first has few enough bits that a product with a small integer is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Adding and subtracting it rounds to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `exp(x)` for `x <= 709`, without branches, so that it is compiled to vectors.
///
/// # Numerics
/// Within two units in the last place; 0 below -745.2.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let clamped = if x < -746.0 { -746.0 } else { x };
    let sum = clamped * std::f64::consts::LOG2_E + ROUND;
    let n = sum - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    // The Taylor series to r^13 on |r| <= ln(2) / 2: the rest is below 5e-18.
    let mut p = 1.0 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ] {
        p = p * r + c;
    }
    let p = (p * r) * r + r + 1.0;
    // 2^n in two factors, each within the normal range. The integer is in the low bits of the sum.
    let n = (sum.to_bits() as i64).wrapping_sub(ROUND.to_bits() as i64);
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n - half)
}

#[inline(always)]
fn power_of_two(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) << 52) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_exponential() {
        for i in -7000..=7000 {
            let x = f64::from(i) * 0.1 + 0.013;
            let (got, expected) = (exp(x), x.exp());
            assert!((got - expected).abs() <= 5e-16 * expected, "{x}: {got} {expected}");
        }
        assert_eq!([exp(f64::NEG_INFINITY), exp(-800.0), exp(0.0)], [0.0, 0.0, 1.0]);
        assert!(exp(f64::NAN).is_nan());
    }
}
