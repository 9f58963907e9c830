//! Long short-term memory on the host: parts of the batch go through time on their own.

use rayon::prelude::*;

use crate::gemm::{Matrix, large_product, product};
use crate::host::{Array, HostOp};
use crate::parallel::{kernels, vectorised};
use crate::scalar::{sigmoid, tanh};

/// Sequences that go through time together at least.
const SEQUENCES: usize = 16;

/// Inputs: `x`, the two weights, the bias, `h` and `c` at the start. The result holds `h` at each
/// place and behind the last `c`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lstm;

/// What the gradient needs.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    inputs: [Array; 6],
    result: Array,
    /// The gates after their functions, `[batch, places, 4 * width]`.
    gates: Array,
    /// The cells, `[batch, places, width]`.
    cells: Array,
}

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    places: usize,
    features: usize,
    width: usize,
}

impl Sizes {
    fn of(inputs: &[Array; 6]) -> Self {
        let [batch, places, features] = [0, 1, 2].map(|a| inputs[0].dims()[a]);
        Self { batch, places, features, width: inputs[4].dims()[1] }
    }

    fn part(&self) -> usize {
        SEQUENCES.max(self.batch.div_ceil(8))
    }

    fn rows(&self) -> usize {
        self.batch * self.places
    }
}

impl HostOp<6> for Lstm {
    type Saved = Option<Kept>;

    fn forward(&self, inputs: [Array; 6], track: bool) -> (Array, Self::Saved) {
        let s = Sizes::of(&inputs);
        let Sizes { batch, places, features, width } = s;
        let [x, input, hidden, bias, h0, c0] = inputs.each_ref().map(Array::values);
        let mut gates = vec![0.0; s.rows() * 4 * width];
        let x = Matrix::new(x, s.rows(), features, features);
        large_product(&mut gates, x, Matrix::new(input, features, 4 * width, 4 * width));
        let mut result = vec![0.0; batch * (places + 1) * width];
        let mut cells = vec![0.0; s.rows() * width];
        let n = s.part();
        let parts = gates
            .par_chunks_mut(n * places * 4 * width)
            .zip(result.par_chunks_mut(n * (places + 1) * width))
            .zip(cells.par_chunks_mut(n * places * width));
        let starts = h0.par_chunks(n * width).zip(c0.par_chunks(n * width));
        parts.zip(starts).for_each(|(((gates, result), cells), (h0, c0))| {
            through_time(&s, [gates, result, cells], hidden, bias, [h0, c0]);
        });
        let result = Array::new(result, &[batch, places + 1, width]);
        let kept = track.then(|| Kept {
            inputs,
            result: result.clone(),
            gates: Array::new(gates, &[batch, places, 4 * width]),
            cells: Array::new(cells, &[batch, places, width]),
        });
        (result, kept)
    }

    fn backward(&self, saved: Self::Saved, grad: Array, wanted: [bool; 6]) -> [Option<Array>; 6] {
        let kept = saved.expect("a tracked forward pass");
        let s = Sizes::of(&kept.inputs);
        let Sizes { batch, places, features, width } = s;
        let (dgates, dh0, dc0) = back_through_time(&s, &kept, &grad);
        let dgates = Matrix::new(&dgates, s.rows(), 4 * width, 4 * width);
        let full = |rows: usize, cols: usize, a: Matrix, b: Matrix| {
            let mut out = vec![0.0; rows * cols];
            large_product(&mut out, a, b);
            out
        };
        let [x, input, ..] = kept.inputs.each_ref().map(Array::values);
        std::array::from_fn(|i| {
            wanted[i].then(|| match i {
                0 => {
                    let w = Matrix::new(input, features, 4 * width, 4 * width).t();
                    Array::new(full(s.rows(), features, dgates, w), &[batch, places, features])
                }
                1 => {
                    let x = Matrix::new(x, s.rows(), features, features).t();
                    Array::new(full(features, 4 * width, x, dgates), &[features, 4 * width])
                }
                2 => {
                    let before = states_before(&s, &kept);
                    let before = Matrix::new(&before, s.rows(), width, width).t();
                    Array::new(full(width, 4 * width, before, dgates), &[width, 4 * width])
                }
                3 => {
                    let ones = vec![1.0; s.rows()];
                    let ones = Matrix::new(&ones, 1, s.rows(), s.rows());
                    Array::new(full(1, 4 * width, ones, dgates), &[4 * width])
                }
                4 => Array::new(dh0.clone(), &[batch, width]),
                _ => Array::new(dc0.clone(), &[batch, width]),
            })
        })
    }
}

/// Fills gates, result and cells of some sequences.
fn through_time(
    s: &Sizes,
    [gates, result, cells]: [&mut [f32]; 3],
    hidden: &[f32],
    bias: &[f32],
    [h0, c0]: [&[f32]; 2],
) {
    let Sizes { places, width, .. } = *s;
    let batch = h0.len() / width;
    let weight = Matrix::new(hidden, width, 4 * width, 4 * width);
    for t in 0..places {
        let before = match t {
            0 => Matrix::new(h0, batch, width, width),
            _ => Matrix::new(&result[(t - 1) * width..], batch, width, (places + 1) * width),
        };
        product(&mut gates[t * 4 * width..], places * 4 * width, true, before, weight);
        for b in 0..batch {
            let gates = &mut gates[(b * places + t) * 4 * width..][..4 * width];
            let row = (b * places + t) * width;
            let (past, now) = cells.split_at_mut(row);
            let before = if t == 0 { &c0[b * width..] } else { &past[row - width..] };
            let h = &mut result[(b * (places + 1) + t) * width..][..width];
            vectorised::<Cell, _>((gates, bias, &before[..width], &mut now[..width], h));
        }
    }
    for b in 0..batch {
        let last = &cells[((b + 1) * places - 1) * width..][..width];
        result[(b * (places + 1) + places) * width..][..width].copy_from_slice(last);
    }
}

/// Gates, bias, the cell before, the cell and `h`.
type CellArgs<'a> = (&'a mut [f32], &'a [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);

/// Gates, what the gradient needs, the cell's gradient and the gates'.
type CellBackArgs<'a> = (&'a [f32], [&'a [f32]; 4], &'a mut [f32], &'a mut [f32]);

kernels! {
    ['a] Cell: cell, CellArgs<'a> => ();
    ['a] CellBack: cell_back, CellBackArgs<'a> => ();
}

/// One step of one sequence; the gates are left after their functions.
#[inline(always)]
fn cell((gates, bias, before, c, h): CellArgs) {
    let n = h.len();
    let (i, rest) = gates.split_at_mut(n);
    let (f, rest) = rest.split_at_mut(n);
    let (g, o) = rest.split_at_mut(n);
    let (bi, bf) = (&bias[..n], &bias[n..2 * n]);
    let (bg, bo) = (&bias[2 * n..3 * n], &bias[3 * n..4 * n]);
    let (before, c, o) = (&before[..n], &mut c[..n], &mut o[..n]);
    for j in 0..n {
        i[j] = sigmoid(i[j] + bi[j]);
        f[j] = sigmoid(f[j] + bf[j]);
        g[j] = tanh(g[j] + bg[j]);
        o[j] = sigmoid(o[j] + bo[j]);
        c[j] = f[j] * before[j] + i[j] * g[j];
        h[j] = o[j] * tanh(c[j]);
    }
}

/// Gradients of the gates before their functions, and of the state at the start.
fn back_through_time(s: &Sizes, kept: &Kept, grad: &Array) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let Sizes { batch, places, width, .. } = *s;
    let mut dgates = vec![0.0; s.rows() * 4 * width];
    let [mut dh, mut dc] = [(); 2].map(|()| vec![0.0; batch * width]);
    let n = s.part();
    let parts = dgates
        .par_chunks_mut(n * places * 4 * width)
        .zip(dh.par_chunks_mut(n * width).zip(dc.par_chunks_mut(n * width)));
    parts.enumerate().for_each(|(part, (dgates, (dh, dc)))| {
        part_back(s, kept, grad, part * n, dgates, dh, dc);
    });
    (dgates, dh, dc)
}

/// The sequences from `first` on.
fn part_back(
    s: &Sizes,
    kept: &Kept,
    grad: &Array,
    first: usize,
    dgates: &mut [f32],
    dh: &mut [f32],
    dc: &mut [f32],
) {
    let Sizes { places, width, .. } = *s;
    let batch = dh.len() / width;
    let [_, _, hidden, _, _, c0] = kept.inputs.each_ref().map(Array::values);
    let weight = Matrix::new(hidden, width, 4 * width, 4 * width).t();
    for b in 0..batch {
        let end = ((first + b) * (places + 1) + places) * width;
        dc[b * width..][..width].copy_from_slice(&grad.values()[end..][..width]);
    }
    for t in (0..places).rev() {
        for b in 0..batch {
            let sequence = first + b;
            let row = sequence * places + t;
            let before = if t == 0 {
                &c0[sequence * width..]
            } else {
                &kept.cells.values()[(row - 1) * width..]
            };
            let dy = &grad.values()[(sequence * (places + 1) + t) * width..][..width];
            let gates = &kept.gates.values()[row * 4 * width..][..4 * width];
            let c = &kept.cells.values()[row * width..][..width];
            let out = &mut dgates[(b * places + t) * 4 * width..][..4 * width];
            let (dh, dc) = (&dh[b * width..][..width], &mut dc[b * width..][..width]);
            vectorised::<CellBack, _>((gates, [c, &before[..width], dy, dh], dc, out));
        }
        let rows = Matrix::new(&dgates[t * 4 * width..], batch, 4 * width, places * 4 * width);
        product(dh, width, false, rows, weight);
    }
}

/// Gradients of one step: of the gates, and of the cell before in place of the cell's.
#[inline(always)]
fn cell_back((gates, [c, before, dy, dh], dc, out): CellBackArgs) {
    let n = c.len();
    let (i, f) = (&gates[..n], &gates[n..2 * n]);
    let (g, o) = (&gates[2 * n..3 * n], &gates[3 * n..4 * n]);
    let (di, rest) = out.split_at_mut(n);
    let (df, rest) = rest.split_at_mut(n);
    let (dg, d_o) = rest.split_at_mut(n);
    let (before, dy, dh, dc, d_o) = (&before[..n], &dy[..n], &dh[..n], &mut dc[..n], &mut d_o[..n]);
    for j in 0..n {
        let (dh, tc) = (dh[j] + dy[j], tanh(c[j]));
        let d = dc[j] + dh * o[j] * (1.0 - tc * tc);
        di[j] = d * g[j] * i[j] * (1.0 - i[j]);
        df[j] = d * before[j] * f[j] * (1.0 - f[j]);
        dg[j] = d * i[j] * (1.0 - g[j] * g[j]);
        d_o[j] = dh * tc * o[j] * (1.0 - o[j]);
        dc[j] = d * f[j];
    }
}

/// `h` before each place, `[batch, places, width]`.
fn states_before(s: &Sizes, kept: &Kept) -> Vec<f32> {
    let Sizes { places, width, .. } = *s;
    let h0 = kept.inputs[4].values();
    let mut out = vec![0.0; s.rows() * width];
    for (b, rows) in out.chunks_mut(places * width).enumerate() {
        let (first, rest) = rows.split_at_mut(width);
        first.copy_from_slice(&h0[b * width..][..width]);
        let h = &kept.result.values()[b * (places + 1) * width..];
        rest.copy_from_slice(&h[..(places - 1) * width]);
    }
    out
}
