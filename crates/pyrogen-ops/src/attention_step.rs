//! Attention of one query a head to a cache, on the host: place by place, all heads of it together.
//!
//! A cache holds its places one after the other, each with the heads of all examples. Head by head a
//! few numbers would be read of each place, far from those of the next; this reads the memory once and
//! in its order.

use rayon::prelude::*;

use super::{Attention, softmax};
use crate::host::Array;
use crate::parallel::{kernels, vectorised};

/// Keys and values that one thread works through at least, in numbers.
const SMALL: usize = 1 << 14;

/// Products that are added up side by side.
const LANES: usize = 16;

/// The heads that one thread works out.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The first feature of the queries, counted over the examples.
    first: usize,
    /// Features of a place, of all examples: those of the keys.
    row: usize,
    /// Features of a head.
    d: usize,
    places: usize,
    /// Heads of queries of an example, and how many share a head of keys.
    heads: usize,
    shared: usize,
    /// The first place that each example sees.
    sees: Option<&'a [u32]>,
}

/// `softmax(q k^T / sqrt(d)) v` of each head: `q` is `[batch, 1, width]`, `k` and `v` are
/// `[places, batch, width]`.
pub(super) fn one_query([q, k, v]: [&Array; 3], op: &Attention) -> Array {
    let (heads, shared) = (op.heads, op.shared);
    let (features, d, places) = (q.values().len(), q.dims()[2] / heads, k.dims()[0]);
    let mut out = Array::to_fill(q.dims());
    if features == 0 {
        return out;
    }
    let parts = (features * places / SMALL).clamp(1, rayon::current_num_threads());
    let length = (features / d).div_ceil(parts) * d;
    let (row, sees) = (features / shared, op.first.as_deref());
    let [q, k, v] = [q, k, v].map(Array::values);
    out.owned().par_chunks_mut(length).enumerate().for_each(|(i, out)| {
        let part = Part { first: i * length, row, d, places, heads, shared, sees };
        vectorised::<Attend, _>((&mut *out, [q, k, v], part));
    });
    out
}

kernels! {
    ['a] Attend: attend, (&'a mut [f32], [&'a [f32]; 3], Part<'a>) => ();
}

#[inline(always)]
fn attend((out, [q, k, v], part): (&mut [f32], [&[f32]; 3], Part)) {
    let Part { first, row, d, places, heads, shared, sees } = part;
    let q = &q[first..][..out.len()];
    // The features of a place that belong to head `h` of these.
    let of = |h: usize| (first / d + h) / shared * d;
    let mut weights = vec![0.0; out.len() / d * places];
    for place in 0..places {
        let k = &k[place * row..][..row];
        for (h, q) in q.chunks_exact(d).enumerate() {
            weights[h * places + place] = dot(q, &k[of(h)..][..d]);
        }
    }
    let scale = (1.0 / (d as f64).sqrt()) as f32;
    for (h, weights) in weights.chunks_exact_mut(places).enumerate() {
        let from = sees.map_or(0, |sees| sees[(first / d + h) / heads] as usize);
        softmax(weights, from..places, scale);
    }
    out.fill(0.0);
    for place in 0..places {
        let v = &v[place * row..][..row];
        for (h, out) in out.chunks_exact_mut(d).enumerate() {
            let weight = weights[h * places + place];
            for (out, v) in out.iter_mut().zip(&v[of(h)..][..d]) {
                *out += weight * v;
            }
        }
    }
}

/// The sum of the products, in single precision: a head has few features.
#[inline(always)]
fn dot(x: &[f32], y: &[f32]) -> f32 {
    let ((xs, x), (ys, y)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut sums = [0f32; LANES];
    for (x, y) in xs.iter().zip(ys) {
        for i in 0..LANES {
            sums[i] += x[i] * y[i];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0] + x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>()
}
