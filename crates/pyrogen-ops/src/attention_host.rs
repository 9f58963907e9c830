//! Attention on the host: one head of one example after the other, a few queries at a time.

use rayon::prelude::*;

use crate::gemm::{Matrix, product};
use crate::host::{Array, HostOp};
use crate::parallel::vectorised;
use crate::scalar::exp;

/// Queries that one product serves: their weights stay in a core's own cache.
const ROWS: usize = 64;

#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    pub(super) heads: usize,
    pub(super) causal: bool,
}

/// Attention of one array that holds queries, keys and values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed(pub(super) Attention);

/// One head of one example in an array: rows of `d` values, `stride` apart.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    stride: usize,
    d: usize,
}

impl<'a> View<'a> {
    fn rows(&self, from: usize, count: usize) -> Matrix<'a> {
        Matrix::new(&self.values[from * self.stride..], count, self.d, self.stride)
    }

    fn row(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.stride..][..self.d]
    }
}

/// What one head needs; `o` and `log_sums` after the forward pass.
struct Head<'a> {
    q: View<'a>,
    k: View<'a>,
    v: View<'a>,
    queries: usize,
    keys: usize,
    causal: bool,
}

impl Head<'_> {
    /// The first query, the number of queries and the keys that they see.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (queries, keys, causal) = (self.queries, self.keys, self.causal);
        (0..queries).step_by(ROWS).map(move |from| {
            let rows = ROWS.min(queries - from);
            (from, rows, if causal { keys - queries + from + rows } else { keys })
        })
    }

    /// Keys that the query sees.
    fn seen(&self, query: usize) -> usize {
        if self.causal { self.keys - self.queries + query + 1 } else { self.keys }
    }

    fn scale(&self) -> f32 {
        (1.0 / (self.q.d as f64).sqrt()) as f32
    }

    /// The result, and the logarithm of the sum of each row's exponentials.
    fn forward(&self) -> (Vec<f32>, Vec<f32>) {
        let d = self.q.d;
        let mut out = vec![0.0; self.queries * d];
        let mut log_sums = vec![0.0; self.queries];
        let mut weights = vec![0.0; ROWS * self.keys];
        for (from, rows, cols) in self.blocks() {
            let q = self.q.rows(from, rows);
            product(&mut weights, cols, false, q, self.k.rows(0, cols).t());
            let parts = weights.chunks_mut(cols).zip(&mut log_sums[from..from + rows]);
            vectorised(|| {
                for (i, (row, log_sum)) in parts.enumerate() {
                    *log_sum = softmax(row, self.seen(from + i), self.scale());
                }
            });
            let weights = Matrix::new(&weights, rows, cols, cols);
            product(&mut out[from * d..], d, false, weights, self.v.rows(0, cols));
        }
        (out, log_sums)
    }

    /// The gradients of queries, keys and values.
    fn backward(&self, dy: View, o: View, log_sums: &[f32]) -> [Vec<f32>; 3] {
        let d = self.q.d;
        let [mut dq, mut dk, mut dv] =
            [self.queries, self.keys, self.keys].map(|n| vec![0.0; n * d]);
        let [mut p, mut ds] = [(), ()].map(|()| vec![0.0; ROWS * self.keys]);
        for (from, rows, cols) in self.blocks() {
            let (q, dy_rows) = (self.q.rows(from, rows), dy.rows(from, rows));
            product(&mut p, cols, false, q, self.k.rows(0, cols).t());
            product(&mut ds, cols, false, dy_rows, self.v.rows(0, cols).t());
            let scale = self.scale();
            vectorised(|| {
                for (i, (p, ds)) in
                    p.chunks_mut(cols).zip(ds.chunks_mut(cols)).take(rows).enumerate()
                {
                    let query = from + i;
                    let mean = crate::sums::dot(dy.row(query), o.row(query)) as f32;
                    let seen = self.seen(query);
                    for (p, ds) in p[..seen].iter_mut().zip(&mut ds[..seen]) {
                        *p = exp(*p * scale - log_sums[query]);
                        *ds = *p * (*ds - mean) * scale;
                    }
                    p[seen..].fill(0.0);
                    ds[seen..].fill(0.0);
                }
            });
            let (p, ds) = (Matrix::new(&p, rows, cols, cols), Matrix::new(&ds, rows, cols, cols));
            product(&mut dq[from * d..], d, false, ds, self.k.rows(0, cols));
            product(&mut dk, d, true, ds.t(), q);
            product(&mut dv, d, true, p.t(), dy_rows);
        }
        [dq, dk, dv]
    }
}

/// Turns the first `seen` scores into weights, the rest to zero; the logarithm of the sum.
#[inline(always)]
fn softmax(row: &mut [f32], seen: usize, scale: f32) -> f32 {
    let (seen, rest) = row.split_at_mut(seen);
    rest.fill(0.0);
    let most = scale * maximum(seen);
    for x in seen.iter_mut() {
        *x = exp(*x * scale - most);
    }
    let sum = crate::sums::total(seen);
    let factor = (1.0 / sum) as f32;
    seen.iter_mut().for_each(|x| *x *= factor);
    most + sum.ln() as f32
}

/// The largest value, in lanes that vectorise; not a number where one is none.
#[inline(always)]
fn maximum(values: &[f32]) -> f32 {
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

/// An array and the first feature in it of the queries, the keys or the values.
#[derive(Clone, Copy)]
struct Place<'a> {
    array: &'a Array,
    first: usize,
}

impl<'a> Place<'a> {
    /// Head `i`, counted over the examples.
    fn head(self, i: usize, heads: usize, d: usize) -> View<'a> {
        let [rows, stride] = [self.array.dims()[1], self.array.dims()[2]];
        let start = i / heads * rows * stride + self.first + i % heads * d;
        // Nothing to see where there are no rows.
        let values = self.array.values().get(start..).unwrap_or(&[]);
        View { values, stride, d }
    }
}

/// Queries, keys and values of all heads.
struct Heads<'a> {
    op: Attention,
    width: usize,
    places: [Place<'a>; 3],
}

impl<'a> Heads<'a> {
    fn d(&self) -> usize {
        self.width / self.op.heads
    }

    fn queries(&self) -> usize {
        self.places[0].array.dims()[1]
    }

    fn count(&self) -> usize {
        self.places[0].array.dims()[0] * self.op.heads
    }

    fn head(&self, i: usize) -> Head<'a> {
        let [q, k, v] = self.places.map(|place| place.head(i, self.op.heads, self.d()));
        let (queries, keys) = (self.queries(), self.places[1].array.dims()[1]);
        Head { q, k, v, queries, keys, causal: self.op.causal }
    }

    fn forward(&self) -> (Array, Vec<Vec<f32>>) {
        let (parts, log_sums): (Vec<_>, Vec<_>) =
            (0..self.count()).into_par_iter().map(|i| self.head(i).forward()).unzip();
        let shape = [self.places[0].array.dims()[0], self.queries(), self.width];
        let mut out = vec![0.0; shape.iter().product()];
        gather(&mut out, self.width, &parts, self.op.heads, 0, self.d());
        (Array::new(out, &shape), log_sums)
    }

    /// The gradients of each head's queries, keys and values.
    fn backward(&self, dy: &Array, kept: &Kept) -> Vec<[Vec<f32>; 3]> {
        let place = |array| Place { array, first: 0 };
        let (dy, out) = (place(dy), place(&kept.out));
        (0..self.count())
            .into_par_iter()
            .map(|i| {
                let [dy, out] = [dy, out].map(|place| place.head(i, self.op.heads, self.d()));
                self.head(i).backward(dy, out, &kept.log_sums[i])
            })
            .collect()
    }
}

/// Puts the heads' rows side by side, from feature `first` on.
fn gather<T: AsRef<[f32]> + Sync>(
    out: &mut [f32],
    stride: usize,
    parts: &[T],
    heads: usize,
    first: usize,
    d: usize,
) {
    let examples = parts.len() / heads;
    if out.is_empty() {
        return;
    }
    let size = out.len() / examples;
    out.par_chunks_mut(size).zip(parts.par_chunks(heads)).for_each(|(out, parts)| {
        for (h, part) in parts.iter().enumerate() {
            let places = out.chunks_mut(stride).zip(part.as_ref().chunks(d));
            places.for_each(|(out, row)| out[first + h * d..][..d].copy_from_slice(row));
        }
    });
}

/// What the gradient needs of the forward pass beside the inputs.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    out: Array,
    log_sums: Vec<Vec<f32>>,
}

impl HostOp<3> for Attention {
    type Saved = Option<([Array; 3], Kept)>;

    fn forward(&self, inputs: [Array; 3], track: bool) -> (Array, Self::Saved) {
        let places = inputs.each_ref().map(|array| Place { array, first: 0 });
        let heads = Heads { op: *self, width: inputs[0].dims()[2], places };
        let (out, log_sums) = heads.forward();
        (out.clone(), track.then_some((inputs, Kept { out, log_sums })))
    }

    fn backward(&self, saved: Self::Saved, grad: Array, _wanted: [bool; 3]) -> [Option<Array>; 3] {
        let (inputs, kept) = saved.expect("a tracked forward pass");
        let places = inputs.each_ref().map(|array| Place { array, first: 0 });
        let width = inputs[0].dims()[2];
        let parts = Heads { op: *self, width, places }.backward(&grad, &kept);
        let mut input = 0..3;
        inputs.map(|array| {
            let n = input.next().expect("three inputs");
            let own: Vec<_> = parts.iter().map(|part| &part[n]).collect();
            let mut out = vec![0.0; array.values().len()];
            gather(&mut out, width, &own, self.heads, 0, width / self.heads);
            Some(Array::new(out, array.dims()))
        })
    }
}

impl HostOp<1> for Packed {
    type Saved = Option<(Array, Kept)>;

    fn forward(&self, [qkv]: [Array; 1], track: bool) -> (Array, Self::Saved) {
        let (out, log_sums) = self.heads(&qkv).forward();
        (out.clone(), track.then_some((qkv, Kept { out, log_sums })))
    }

    fn backward(&self, saved: Self::Saved, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        let (qkv, kept) = saved.expect("a tracked forward pass");
        let heads = self.heads(&qkv);
        let parts = heads.backward(&grad, &kept);
        let (width, d) = (heads.width, heads.d());
        let mut out = vec![0.0; qkv.values().len()];
        for n in 0..3 {
            let own: Vec<_> = parts.iter().map(|part| &part[n]).collect();
            gather(&mut out, 3 * width, &own, self.0.heads, n * width, d);
        }
        [Some(Array::new(out, qkv.dims()))]
    }
}

impl Packed {
    fn heads<'a>(&self, qkv: &'a Array) -> Heads<'a> {
        let width = qkv.dims()[2] / 3;
        let places = [0, 1, 2].map(|n| Place { array: qkv, first: n * width });
        Heads { op: self.0, width, places }
    }
}
