//! Attention on the host: one head of one example after the other, a few queries at a time.

#[path = "attention_step.rs"]
mod step;

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::gemm::{Matrix, product};
use crate::host::{Array, HostOp};
use crate::parallel::{kernels, vectorised};
use crate::scalar::exp;

/// Queries that one product serves: their weights stay in a core's own cache.
const ROWS: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Heads of queries that have one head of keys and values.
    pub(crate) shared: usize,
    pub(crate) causal: bool,
    /// Keys and values are `[keys, batch, features]`.
    pub(crate) places_first: bool,
    /// The first key that each query of each example sees, where that is not the first of all.
    pub(crate) first: Option<Arc<[u32]>>,
}

impl Attention {
    /// Every head of queries with keys and values of its own, which it sees from the first on.
    pub(super) fn new(heads: usize, causal: bool, places_first: bool) -> Self {
        Self { heads, shared: 1, causal, places_first, first: None }
    }
}

/// Attention of one array that holds queries, keys and values.
#[derive(Debug, Clone)]
pub(crate) struct Packed(pub(crate) Attention);

/// One head of one example in an array: rows of `d` values, `stride` apart.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    stride: usize,
    d: usize,
}

impl<'a> View<'a> {
    #[inline(always)]
    fn rows(&self, from: usize, count: usize) -> Matrix<'a> {
        Matrix::new(&self.values[from * self.stride..], count, self.d, self.stride)
    }

    #[inline(always)]
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
    /// One a query.
    first: Option<&'a [u32]>,
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

    /// The keys that the query sees.
    #[inline(always)]
    fn seen(&self, query: usize) -> Range<usize> {
        let end = if self.causal { self.keys - self.queries + query + 1 } else { self.keys };
        self.first.map_or(0, |first| first[query] as usize)..end
    }

    #[inline(always)]
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
            let sums = &mut log_sums[from..from + rows];
            vectorised::<Weigh, _>((self, &mut weights[..rows * cols], sums, from, cols));
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
            let block = Block { from, rows, cols };
            vectorised::<Back, _>((self, block, &mut p[..], &mut ds[..], [dy, o], log_sums));
            let (p, ds) = (Matrix::new(&p, rows, cols, cols), Matrix::new(&ds, rows, cols, cols));
            product(&mut dq[from * d..], d, false, ds, self.k.rows(0, cols));
            product(&mut dk, d, true, ds.t(), q);
            product(&mut dv, d, true, p.t(), dy_rows);
        }
        [dq, dk, dv]
    }

    /// Turns rows of scores into weights, and keeps the logarithms of the sums.
    #[inline(always)]
    fn weigh((head, weights, sums, from, cols): (&Self, &mut [f32], &mut [f32], usize, usize)) {
        for (i, (row, log_sum)) in weights.chunks_mut(cols).zip(sums).enumerate() {
            *log_sum = softmax(row, head.seen(from + i), head.scale());
        }
    }

    /// Turns scores into weights, and the gradients of the weights into those of the scores.
    #[inline(always)]
    fn weigh_back((head, block, p, ds, [dy, o], log_sums): WeighBack) {
        let Block { from, rows, cols } = block;
        let scale = head.scale();
        for (i, (p, ds)) in p.chunks_mut(cols).zip(ds.chunks_mut(cols)).take(rows).enumerate() {
            let query = from + i;
            let mean = crate::sums::dot(dy.row(query), o.row(query)) as f32;
            let (seen, log_sum) = (head.seen(query), log_sums[query]);
            for (p, ds) in p[seen.clone()].iter_mut().zip(&mut ds[seen.clone()]) {
                *p = exp(*p * scale - log_sum);
                *ds = *p * (*ds - mean) * scale;
            }
            for hidden in [p, ds] {
                hidden[..seen.start].fill(0.0);
                hidden[seen.end..].fill(0.0);
            }
        }
    }
}

kernels! {
    ['a] Weigh: Head::weigh, (&'a Head<'a>, &'a mut [f32], &'a mut [f32], usize, usize) => ();
    ['a] Back: Head::weigh_back, WeighBack<'a> => ();
}

/// The first query, the queries and the keys that they see.
#[derive(Clone, Copy)]
struct Block {
    from: usize,
    rows: usize,
    cols: usize,
}

type WeighBack<'a> = (&'a Head<'a>, Block, &'a mut [f32], &'a mut [f32], [View<'a>; 2], &'a [f32]);

/// Turns the scores that are seen into weights, the rest to zero; the logarithm of the sum.
#[inline(always)]
fn softmax(row: &mut [f32], seen: Range<usize>, scale: f32) -> f32 {
    row[..seen.start].fill(0.0);
    row[seen.end..].fill(0.0);
    let seen = &mut row[seen];
    let most = scale * crate::sums::maximum(seen);
    for x in seen.iter_mut() {
        *x = exp(*x * scale - most);
    }
    let sum = crate::sums::total(seen);
    let factor = (1.0 / sum) as f32;
    seen.iter_mut().for_each(|x| *x *= factor);
    most + sum.ln() as f32
}

/// An array and the first feature in it of the queries, the keys or the values.
#[derive(Clone, Copy)]
struct Place<'a> {
    array: &'a Array,
    first: usize,
    places_first: bool,
}

impl<'a> Place<'a> {
    fn new(array: &'a Array, places_first: bool) -> Self {
        Self { array, first: 0, places_first }
    }

    fn rows(self) -> usize {
        self.array.dims()[if self.places_first { 0 } else { 1 }]
    }

    /// Head `i`, counted over the examples.
    fn head(self, i: usize, heads: usize, d: usize) -> View<'a> {
        let [rows, width] = [self.array.dims()[1], self.array.dims()[2]];
        let (stride, example) =
            if self.places_first { (rows * width, width) } else { (width, rows * width) };
        let start = i / heads * example + self.first + i % heads * d;
        // Nothing to see where there are no rows.
        let values = self.array.values().get(start..).unwrap_or(&[]);
        View { values, stride, d }
    }
}

/// Queries, keys and values of all heads.
struct Heads<'a> {
    op: &'a Attention,
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
        let (heads, shared) = (self.op.heads, self.op.shared);
        let [q, k, v] = self.places;
        let q = q.head(i, heads, self.d());
        let [k, v] = [k, v].map(|place| place.head(i / shared, heads / shared, self.d()));
        let (queries, keys) = (self.queries(), self.places[1].rows());
        let first = self.op.first.as_ref().map(|first| &first[i / heads * queries..][..queries]);
        Head { q, k, v, queries, keys, causal: self.op.causal, first }
    }

    fn forward(&self) -> (Array, Vec<Vec<f32>>) {
        let (parts, log_sums): (Vec<_>, Vec<_>) =
            (0..self.count()).into_par_iter().map(|i| self.head(i).forward()).unzip();
        let shape = [self.places[0].array.dims()[0], self.queries(), self.width];
        let mut out = Array::to_fill(&shape);
        gather(out.owned(), self.width, &parts, self.op.heads, 0, self.d());
        (out, log_sums)
    }

    /// The gradients of each head's queries, keys and values.
    fn backward(&self, dy: &Array, kept: &Kept) -> Vec<[Vec<f32>; 3]> {
        let (dy, out) = (Place::new(dy, false), Place::new(&kept.out, false));
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

/// The gradients of queries (0), keys or values, and in how many heads: those of keys and values are
/// sums over the heads of queries that share them.
fn of_heads(parts: &[[Vec<f32>; 3]], n: usize, op: &Attention) -> (Vec<Vec<f32>>, usize) {
    let shared = if n == 0 { 1 } else { op.shared };
    let sum = |parts: &[[Vec<f32>; 3]]| {
        let mut total = parts[0][n].clone();
        for part in &parts[1..] {
            total.iter_mut().zip(&part[n]).for_each(|(t, x)| *t += x);
        }
        total
    };
    (parts.par_chunks(shared).map(sum).collect(), op.heads / shared)
}

/// What the gradient needs of the forward pass beside the inputs.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    out: Array,
    log_sums: Vec<Vec<f32>>,
}

impl Attention {
    fn heads<'a>(&'a self, [q, k, v]: &'a [Array; 3]) -> Heads<'a> {
        let cached = |array| Place::new(array, self.places_first);
        let places = [Place::new(q, false), cached(k), cached(v)];
        Heads { op: self, width: q.dims()[2], places }
    }
}

impl HostOp<3> for Attention {
    type Saved = Option<([Array; 3], Kept)>;

    fn forward(&self, inputs: [Array; 3], track: bool) -> (Array, Self::Saved) {
        if self.places_first && inputs[0].dims()[1] == 1 {
            return (step::one_query(inputs.each_ref(), self), None);
        }
        let heads = self.heads(&inputs);
        let (out, log_sums) = heads.forward();
        if !track {
            inputs.into_iter().for_each(Array::leave);
            return (out, None);
        }
        (out.clone(), Some((inputs, Kept { out, log_sums })))
    }

    fn backward(&self, saved: Self::Saved, grad: Array, _wanted: [bool; 3]) -> [Option<Array>; 3] {
        let (inputs, kept) = saved.expect("a tracked forward pass");
        assert!(!self.places_first, "attention to a cache has no gradient");
        let width = inputs[0].dims()[2];
        let parts = self.heads(&inputs).backward(&grad, &kept);
        let mut input = 0..3;
        inputs.map(|array| {
            let n = input.next().expect("three inputs");
            let (own, heads) = of_heads(&parts, n, self);
            let (mut out, d) = (array.refill(), width / self.heads);
            gather(out.owned(), heads * d, &own, heads, 0, d);
            Some(out)
        })
    }
}

impl HostOp<1> for Packed {
    type Saved = Option<(Array, Kept)>;

    fn forward(&self, [qkv]: [Array; 1], track: bool) -> (Array, Self::Saved) {
        let (out, log_sums) = self.heads(&qkv).forward();
        if !track {
            qkv.leave();
            return (out, None);
        }
        (out.clone(), Some((qkv, Kept { out, log_sums })))
    }

    fn backward(&self, saved: Self::Saved, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
        let (qkv, kept) = saved.expect("a tracked forward pass");
        let heads = self.heads(&qkv);
        let parts = heads.backward(&grad, &kept);
        let (d, firsts) = (heads.d(), heads.places.map(|place| place.first));
        let mut out = qkv.refill();
        let width = out.dims()[2];
        for (n, first) in firsts.into_iter().enumerate() {
            let (own, heads) = of_heads(&parts, n, &self.0);
            gather(out.owned(), width, &own, heads, first, d);
        }
        [Some(out)]
    }
}

impl Packed {
    fn heads<'a>(&'a self, qkv: &'a Array) -> Heads<'a> {
        let keys = self.0.heads / self.0.shared;
        let d = qkv.dims()[2] / (self.0.heads + 2 * keys);
        let width = self.0.heads * d;
        let firsts = [0, width, width + keys * d];
        let places = firsts.map(|first| Place { first, ..Place::new(qkv, false) });
        Heads { op: &self.0, width, places }
    }
}
