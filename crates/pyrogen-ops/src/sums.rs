//! Sums in a fixed order that vectorise.

/// Values added in single precision before the sum goes on in double precision.
const BLOCK: usize = 2048;
const LANES: usize = 32;

/// The sum of `f(i)` over `0..n`.
#[inline(always)]
pub(crate) fn sum(n: usize, f: impl Fn(usize) -> f32) -> f64 {
    let mut total = 0.0;
    let mut start = 0;
    while start < n {
        let end = (start + BLOCK).min(n);
        total += block(start, end, &f);
        start = end;
    }
    total
}

#[inline(always)]
fn block(start: usize, end: usize, f: &impl Fn(usize) -> f32) -> f64 {
    let mut lanes = [0f32; LANES];
    let mut i = start;
    while i + LANES <= end {
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += f(i + l);
        }
        i += LANES;
    }
    // Apart, since lanes at places that are not known beforehand would live in memory.
    let mut rest = 0f32;
    for j in i..end {
        rest += f(j);
    }
    lanes.iter().map(|&x| f64::from(x)).sum::<f64>() + f64::from(rest)
}

/// The sum of the values.
#[inline(always)]
pub(crate) fn total(x: &[f32]) -> f64 {
    sum(x.len(), |i| x[i])
}

/// The sum of the products.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f64 {
    let y = &y[..x.len()];
    sum(x.len(), |i| x[i] * y[i])
}

/// The largest value, in lanes that vectorise; not a number where one is none.
#[inline(always)]
pub(crate) fn maximum(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; 16];
    let mut chunks = values.chunks_exact(16);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    let rest = chunks.remainder().iter().copied();
    lanes.into_iter().chain(rest).fold(f32::NEG_INFINITY, larger)
}
