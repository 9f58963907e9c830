//! Log-densities in one pass over memory.

use burn::tensor::{Int, Tensor};

#[cfg(feature = "flex")]
use crate::host::{apply, on_host, read, untracked_on_host};

/// The normal log-density of each element, from means and log-variances:
///
/// ```text
/// -0.5 * (ln(2 pi) + log_var + (x - mean)^2 * exp(-log_var))
/// ```
///
/// # Shapes
/// The three are equal, or broadcast.
///
/// # Numerics
/// `exp` is within 2 units in the last place.
pub fn normal_log_density<const D: usize>(
    x: Tensor<D>,
    mean: Tensor<D>,
    log_var: Tensor<D>,
) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if x.dims() == mean.dims()
        && x.dims() == log_var.dims()
        && [&x, &mean, &log_var].into_iter().all(on_host)
    {
        return apply(host::Normal, [x.into(), mean.into(), log_var.into()]);
    }
    let difference = x - mean;
    let scaled = difference.square() * log_var.clone().neg().exp();
    (scaled + log_var + LN_2PI) * -0.5
}

const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// The gamma log-density of each element where vectors are at hand: single precision on the host, equal
/// shapes, no gradient. `exact` is asked for the elements that the vector form does not reach (`x <= 0`, shapes
/// beyond 1e6, what is no number).
///
/// # Numerics
/// Computed in double precision, with an absolute error of about 1e-9 before it is rounded.
pub fn gamma_log_density<const D: usize>(
    x: &Tensor<D>,
    concentration: &Tensor<D>,
    rate: &Tensor<D>,
    exact: fn(f64, f64, f64) -> f64,
) -> Option<Tensor<D>> {
    #[cfg(feature = "flex")]
    {
        let all = [x, concentration, rate];
        if all.into_iter().all(|t| untracked_on_host(t) && t.dims() == x.dims()) {
            let out = host::gamma(all.map(read), exact);
            return Some(Tensor::from_data(out, &x.device()));
        }
    }
    let _ = (x, concentration, rate, exact);
    None
}

/// `log_softmax(logits)` at one place of each row, without the others, where that is possible: single
/// precision on the host, no gradient.
///
/// # Shapes
/// `logits` is `[n, k]`, `index` and the result are `[n]`.
///
/// # Panics
/// If a number of `index` is no place of a row.
pub fn log_softmax_at(logits: &Tensor<2>, index: &Tensor<1, Int>) -> Option<Tensor<1>> {
    #[cfg(feature = "flex")]
    if untracked_on_host(logits) && logits.dims()[0] == index.dims()[0] {
        let index = index.to_data().convert::<i64>();
        let index = index.as_slice::<i64>().expect("integers of 64 bits");
        let out = host::softmax_at(&read(logits), index);
        return Some(Tensor::from_data(out, &logits.device()));
    }
    let _ = (logits, index);
    None
}

/// `|inverse (x - mean)|^2` of each row, where it is one pass: single precision on the host, no gradient.
///
/// # Shapes
/// `x` is `[n, d]`, `mean` `[n, d]` or `[1, d]`, `inverse` `[d, d]`; the result is `[n]`.
pub fn whitened_square(x: &Tensor<2>, mean: &Tensor<2>, inverse: &Tensor<2>) -> Option<Tensor<1>> {
    #[cfg(feature = "flex")]
    {
        let [n, d] = x.dims();
        let fits = (mean.dims() == [n, d] || mean.dims() == [1, d]) && inverse.dims() == [d, d];
        if fits && d > 0 && [x, mean, inverse].into_iter().all(untracked_on_host) {
            let out = host::whitened_square(&read(x), &read(mean), &read(inverse));
            return Some(Tensor::from_data(out, &x.device()));
        }
    }
    let _ = (x, mean, inverse);
    None
}

#[cfg(feature = "flex")]
mod host {
    use burn::tensor::TensorData;
    use rayon::prelude::*;

    use super::LN_2PI;
    use crate::gemm::{Matrix, product};
    use crate::host::{Array, HostOp};
    use crate::parallel::{Kernel, kernels, pieces, vectorised};
    use crate::{scalar, sums};

    /// Values, means and log-variances.
    type Three<'a> = [&'a [f32]; 3];

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Normal;

    impl HostOp<3> for Normal {
        type Saved = [Array; 3];

        fn forward(&self, inputs: [Array; 3], _track: bool) -> (Array, Self::Saved) {
            let mut y = Array::to_fill(inputs[0].dims());
            pieces::<Density, _>(y.owned(), inputs.each_ref().map(Array::values));
            (y, inputs)
        }

        fn backward(
            &self,
            saved: Self::Saved,
            grad: Array,
            wanted: [bool; 3],
        ) -> [Option<Array>; 3] {
            let values = saved.each_ref().map(Array::values);
            std::array::from_fn(|k| {
                wanted[k].then(|| {
                    let mut out = Array::to_fill(grad.dims());
                    pieces::<Slope, _>(out.owned(), (values, grad.values(), k));
                    out
                })
            })
        }
    }

    struct Density;

    impl Kernel<(Three<'_>, usize, &mut [f32])> for Density {
        type Output = ();

        #[inline(always)]
        fn run((three, start, out): (Three, usize, &mut [f32])) {
            let [x, mean, log_var] = three.map(|v| &v[start..start + out.len()]);
            for (i, out) in out.iter_mut().enumerate() {
                let difference = x[i] - mean[i];
                let scaled = difference * difference * scalar::exp(-log_var[i]);
                *out = (scaled + log_var[i] + LN_2PI as f32) * -0.5;
            }
        }
    }

    struct Slope;

    impl Kernel<((Three<'_>, &[f32], usize), usize, &mut [f32])> for Slope {
        type Output = ();

        #[inline(always)]
        fn run(((three, grad, by), start, out): ((Three, &[f32], usize), usize, &mut [f32])) {
            let [x, mean, log_var] = three.map(|v| &v[start..start + out.len()]);
            let grad = &grad[start..start + out.len()];
            let sign = if by == 0 { -1.0 } else { 1.0 };
            for (i, out) in out.iter_mut().enumerate() {
                let difference = x[i] - mean[i];
                let precise = difference * scalar::exp(-log_var[i]);
                let slope =
                    if by == 2 { 0.5 * (difference * precise - 1.0) } else { sign * precise };
                *out = grad[i] * slope;
            }
        }
    }

    // ---- gamma ------------------------------------------------------------------------------

    type Exact = fn(f64, f64, f64) -> f64;

    pub(super) fn gamma([x, a, rate]: [Array; 3], exact: Exact) -> TensorData {
        let dims = x.dims().to_vec();
        let mut out = vec![0f32; x.values().len()];
        pieces::<Gamma, _>(&mut out, ([x.values(), a.values(), rate.values()], exact));
        TensorData::new(out, dims)
    }

    struct Gamma;

    impl Kernel<((Three<'_>, Exact), usize, &mut [f32])> for Gamma {
        type Output = ();

        #[inline(always)]
        fn run(((three, exact), start, out): ((Three, Exact), usize, &mut [f32])) {
            let [x, a, rate] = three.map(|v| &v[start..start + out.len()]);
            for (i, out) in out.iter_mut().enumerate() {
                let (x, a, rate) = (f64::from(x[i]), f64::from(a[i]), f64::from(rate[i]));
                let inside = x > 0.0 && x < f64::INFINITY && a > 0.0 && a < LARGE && rate > 0.0;
                let inside = inside && rate < f64::INFINITY;
                let value = log_gamma_density(
                    if inside { x } else { 1.0 },
                    if inside { a } else { 1.0 },
                    if inside { rate } else { 1.0 },
                );
                *out = if inside { value as f32 } else { f32::NAN };
            }
            for (i, out) in out.iter_mut().enumerate().filter(|(_, y)| y.is_nan()) {
                *out = exact(f64::from(x[i]), f64::from(a[i]), f64::from(rate[i])) as f32;
            }
        }
    }

    /// Beyond, the large terms of the formula cost digits.
    const LARGE: f64 = 1e6;

    /// `a ln(rate x) - ln x - rate x - ln Gamma(a)`, the last by Stirling's series at `a + 7`.
    #[inline(always)]
    fn log_gamma_density(x: f64, a: f64, rate: f64) -> f64 {
        let y = rate * x;
        let z = a + 7.0;
        let shift = a * (a + 1.0) * (a + 2.0) * (a + 3.0) * (a + 4.0) * (a + 5.0) * (a + 6.0);
        let r = 1.0 / z;
        let s = r * r;
        let series = r * (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0))));
        let stirling = (z - 0.5) * ln(z) - z + 0.5 * LN_2PI + series;
        a * ln(y) - y + ln(shift / x) - stirling
    }

    /// `ln(x)` for normal numbers above zero, with relative error 1e-12.
    #[inline(always)]
    fn ln(x: f64) -> f64 {
        // x = 2^n m with m from sqrt(1/2) to sqrt(2), ln(m) = 2 artanh((m - 1) / (m + 1)).
        const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
        // Above 2^52 the bits of a number count in ones.
        const COUNTS: f64 = 4_503_599_627_370_496.0;
        const BIAS: u64 = 1023;
        let bits = x.to_bits();
        // The exponent, raised by its bias so that it is no negative number.
        let raised = bits.wrapping_sub(SQRT_HALF_BITS).wrapping_add(BIAS << 52) >> 52;
        let n = f64::from_bits(raised | COUNTS.to_bits()) - (COUNTS + BIAS as f64);
        let m = f64::from_bits(bits.wrapping_sub(raised << 52).wrapping_add(BIAS << 52));
        let f = m - 1.0;
        let s = f / (2.0 + f);
        let q = s * s;
        let p = 2.0 / 15.0;
        let p = p * q + 2.0 / 13.0;
        let p = p * q + 2.0 / 11.0;
        let p = p * q + 2.0 / 9.0;
        let p = p * q + 2.0 / 7.0;
        let p = p * q + 2.0 / 5.0;
        let p = p * q + 2.0 / 3.0;
        n * std::f64::consts::LN_2 + (s * (q * p) + 2.0 * s)
    }

    // ---- categories -------------------------------------------------------------------------

    /// Rows whose sums are held before their logarithms are taken.
    const ROWS: usize = 256;

    pub(super) fn softmax_at(logits: &Array, index: &[i64]) -> TensorData {
        let [n, width] = logits.rows();
        let values = logits.values();
        let mut out = vec![0f32; n];
        out.par_chunks_mut(ROWS).enumerate().for_each(|(i, out)| {
            let rows = &values[i * ROWS * width..][..out.len() * width];
            vectorised::<At, _>((rows, &index[i * ROWS..][..out.len()], out));
        });
        TensorData::new(out, [n])
    }

    /// Rows that vectors run across, and the longest that are held turned for it.
    const LANES: usize = 16;
    const NARROW: usize = 64;

    struct At;

    impl Kernel<(&[f32], &[i64], &mut [f32])> for At {
        type Output = ();

        #[inline(always)]
        fn run((values, index, out): (&[f32], &[i64], &mut [f32])) {
            let width = values.len() / out.len().max(1);
            let mut largest = [0f32; ROWS];
            let mut totals = [1f32; ROWS];
            // A row of nothing but -inf has no probabilities: NaN.
            let across = if width <= NARROW { out.len() / LANES * LANES } else { 0 };
            let (groups, rest) = values.split_at(across * width);
            let sums = largest.chunks_exact_mut(LANES).zip(totals.chunks_exact_mut(LANES));
            for (group, (largest, totals)) in groups.chunks_exact(LANES * width).zip(sums) {
                turned_sums(group, width, largest, totals);
            }
            for (i, row) in rest.chunks_exact(width).enumerate() {
                largest[across + i] = sums::maximum(row);
                totals[across + i] = total(row, largest[across + i]);
            }
            for (i, out) in out.iter_mut().enumerate() {
                let place = usize::try_from(index[i]).expect("a category");
                assert!(place < width, "category {place} of {width}");
                // The total lies between 1 and the number of categories.
                *out = values[i * width + place] - largest[i] - scalar::ln(totals[i]);
            }
        }
    }

    /// The largest number, and `sum exp(x - largest)`, of each of as many rows as a vector has lanes.
    #[inline(always)]
    fn turned_sums(rows: &[f32], width: usize, largest: &mut [f32], totals: &mut [f32]) {
        let mut turned = [[0f32; LANES]; NARROW];
        let mut most = [f32::NEG_INFINITY; LANES];
        for (k, turned) in turned[..width].iter_mut().enumerate() {
            for l in 0..LANES {
                turned[l] = rows[l * width + k];
            }
            for l in 0..LANES {
                let x = turned[l];
                most[l] = if x > most[l] || x.is_nan() { x } else { most[l] };
            }
        }
        let mut sum = [0f32; LANES];
        for turned in &turned[..width] {
            for l in 0..LANES {
                sum[l] += scalar::exp(turned[l] - most[l]);
            }
        }
        largest.copy_from_slice(&most);
        totals.copy_from_slice(&sum);
    }

    /// `sum exp(x - most)`.
    #[inline(always)]
    fn total(row: &[f32], most: f32) -> f32 {
        let (chunks, rest) = row.as_chunks::<LANES>();
        let mut lanes = [0f32; LANES];
        for chunk in chunks {
            for l in 0..LANES {
                lanes[l] += scalar::exp(chunk[l] - most);
            }
        }
        let mut half = LANES / 2;
        while half > 0 {
            for l in 0..half {
                lanes[l] += lanes[l + half];
            }
            half /= 2;
        }
        rest.iter().fold(lanes[0], |sum, &x| sum + scalar::exp(x - most))
    }

    // ---- vectors ----------------------------------------------------------------------------

    pub(super) fn whitened_square(x: &Array, mean: &Array, inverse: &Array) -> TensorData {
        let [n, d] = x.rows();
        let shared = mean.rows()[0] == 1;
        let mut out = vec![0f32; n];
        out.par_chunks_mut(ROWS).enumerate().for_each_init(
            || vec![0f32; 2 * ROWS * d],
            |work, (i, out)| {
                let (difference, white) = work.split_at_mut(ROWS * d);
                let difference = &mut difference[..out.len() * d];
                let white = &mut white[..out.len() * d];
                let rows = i * ROWS * d..i * ROWS * d + difference.len();
                let mean = if shared { mean.values() } else { &mean.values()[rows.clone()] };
                vectorised::<Difference, _>((&x.values()[rows], mean, &mut *difference));
                let (rows, inverse) = (out.len(), Matrix::new(inverse.values(), d, d, d));
                product(white, d, false, Matrix::new(difference, rows, d, d), inverse.t());
                vectorised::<Squares, _>((&*white, d, out));
            },
        );
        TensorData::new(out, [n])
    }

    kernels! {
        ['a] Difference: difference, (&'a [f32], &'a [f32], &'a mut [f32]) => ();
        ['a] Squares: squares, (&'a [f32], usize, &'a mut [f32]) => ();
    }

    #[inline(always)]
    fn difference((x, mean, out): (&[f32], &[f32], &mut [f32])) {
        for (x, out) in x.chunks(mean.len()).zip(out.chunks_mut(mean.len())) {
            for ((out, x), mean) in out.iter_mut().zip(x).zip(mean) {
                *out = x - mean;
            }
        }
    }

    #[inline(always)]
    fn squares((white, d, out): (&[f32], usize, &mut [f32])) {
        for (row, out) in white.chunks_exact(d).zip(out) {
            *out = sums::dot(row, row) as f32;
        }
    }

    #[cfg(test)]
    mod tests {
        use super::ln;

        #[test]
        fn the_logarithm_is_that_of_the_standard_library() {
            for i in -40_000..40_000 {
                let x = (f64::from(i) * 0.01).exp() * 1.000_123;
                let error = (ln(x) - x.ln()).abs();
                assert!(error <= 1e-12 * x.ln().abs() + 1e-15, "{x}: {error}");
            }
            assert_eq!(ln(1.0), 0.0);
        }
    }
}
