//! Rational-quadratic splines on the host, sixteen numbers side by side.

use rayon::prelude::*;

use super::SplineShape;
use crate::host::{Array, HostOp};
use crate::parallel::{kernels, vectorised};
use crate::scalar::{exp, ln, sigmoid, softplus};

/// Numbers that are computed side by side.
const LANES: usize = 16;

/// Numbers of a piece for a thread.
const PIECE: usize = 512;

/// The least part of the interval that a bin takes, and the least slope.
const LEAST: f32 = 1e-3;

/// A parameter of 0 is a slope of 1: `ln(exp(1 - LEAST) - 1)`.
const AT_ONE: f32 = 0.539_742_4;

type Lanes = [f32; LANES];

#[inline(always)]
fn lanes(f: impl Fn(usize) -> f32) -> Lanes {
    std::array::from_fn(f)
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Spline {
    pub(super) shape: SplineShape,
    pub(super) inverse: bool,
}

impl HostOp<2> for Spline {
    type Saved = [Array; 2];

    fn forward(&self, inputs: [Array; 2], _track: bool) -> (Array, Self::Saved) {
        let n = inputs[0].values().len();
        let mut out = Array::to_fill(&[2, n]);
        let (x, p) = (inputs[0].values(), inputs[1].values());
        let width = self.shape.parameters();
        let (y, log_slope) = out.owned().split_at_mut(n);
        let pieces = y.par_chunks_mut(PIECE).zip(log_slope.par_chunks_mut(PIECE));
        pieces.enumerate().for_each(|(i, (y, log_slope))| {
            let rows = i * PIECE..i * PIECE + y.len();
            let p = &p[rows.start * width..rows.end * width];
            vectorised::<Forward, _>((*self, &x[rows], p, y, log_slope));
        });
        (out, inputs)
    }

    fn backward(&self, saved: Self::Saved, grad: Array, wanted: [bool; 2]) -> [Option<Array>; 2] {
        let [mut dx, mut dp] = saved.each_ref().map(|input| Array::to_fill(input.dims()));
        let (x, p) = (saved[0].values(), saved[1].values());
        let (dy, dl) = grad.values().split_at(x.len());
        let width = self.shape.parameters();
        let pieces = dx.owned().par_chunks_mut(PIECE);
        let pieces = pieces.zip(dp.owned().par_chunks_mut(PIECE * width));
        pieces.enumerate().for_each(|(i, (dx, dp))| {
            let rows = i * PIECE..i * PIECE + dx.len();
            let p = &p[rows.start * width..rows.end * width];
            let grads = [&dy[rows.clone()], &dl[rows.clone()]];
            vectorised::<Backward, _>((*self, &x[rows], p, grads, dx, dp));
        });
        [wanted[0].then_some(dx), wanted[1].then_some(dp)]
    }
}

type ForwardArgs<'a> = (Spline, &'a [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);
type BackwardArgs<'a> =
    (Spline, &'a [f32], &'a [f32], [&'a [f32]; 2], &'a mut [f32], &'a mut [f32]);

kernels! {
    ['a] Forward: forward, ForwardArgs<'a> => ();
    ['a] Backward: backward, BackwardArgs<'a> => ();
}

#[inline(always)]
fn forward((op, x, p, y, log_slope): ForwardArgs) {
    let mut knots = Knots::new(op.shape);
    for first in (0..x.len()).step_by(LANES) {
        let count = LANES.min(x.len() - first);
        let at = lanes(|l| x[first + l.min(count - 1)]);
        knots.load(p, first, count);
        let bin = knots.bin(op, &at);
        let found = bin.evaluate(op, &at);
        y[first..first + count].copy_from_slice(&found.value[..count]);
        log_slope[first..first + count].copy_from_slice(&found.log_slope[..count]);
    }
}

#[inline(always)]
fn backward((op, x, p, [dy, dl], dx, dp): BackwardArgs) {
    let mut knots = Knots::new(op.shape);
    for first in (0..x.len()).step_by(LANES) {
        let count = LANES.min(x.len() - first);
        let at = lanes(|l| x[first + l.min(count - 1)]);
        let grads = [dy, dl].map(|d| lanes(|l| d[first + l.min(count - 1)]));
        knots.load(p, first, count);
        let bin = knots.bin(op, &at);
        let found = bin.evaluate(op, &at);
        let slopes = bin.slopes(op, &found, &grads);
        dx[first..first + count].copy_from_slice(&slopes.at[..count]);
        knots.spread(p, &bin, &slopes, first, count, dp);
    }
}

/// The parameters of a few numbers, turned: each vector holds one parameter of all of them.
struct Knots {
    bins: usize,
    shape: SplineShape,
    /// Shares of the widths, and then of the heights, that the softmax gives.
    shares: [Vec<Lanes>; 2],
    slopes: Vec<Lanes>,
}

/// The bin of each number.
struct Bin {
    index: [u32; LANES],
    inside: [bool; LANES],
    /// Where it begins and how large it is, along `x` and `y`.
    start: [Lanes; 2],
    size: [Lanes; 2],
    /// Slopes at its ends, their parameters, and whether they have one.
    ends: [Lanes; 2],
    raw: [Lanes; 2],
}

/// A number's place in its bin, and what it becomes.
struct Found {
    t: Lanes,
    value: Lanes,
    log_slope: Lanes,
}

/// Gradients by the number, and by start, size and end slopes of its bin.
struct Slopes {
    at: Lanes,
    start: [Lanes; 2],
    size: [Lanes; 2],
    ends: [Lanes; 2],
}

#[inline(always)]
fn soft(p: f32, most: f32) -> f32 {
    p / (1.0 + p.abs() / most)
}

/// The slope of [`soft`].
#[inline(always)]
fn softness(p: f32, most: f32) -> f32 {
    let size = 1.0 + p.abs() / most;
    1.0 / (size * size)
}

impl Knots {
    fn new(shape: SplineShape) -> Self {
        let bins = shape.bins;
        let slopes = shape.parameters() - 2 * bins;
        let shares = [vec![[0.0; LANES]; bins], vec![[0.0; LANES]; bins]];
        Self { bins, shape, shares, slopes: vec![[0.0; LANES]; slopes] }
    }

    /// Of the numbers `first..first + count`; the last one fills the lanes beyond.
    #[inline(always)]
    fn load(&mut self, p: &[f32], first: usize, count: usize) {
        let (bins, width) = (self.bins, self.shape.parameters());
        let most = self.shape.most_size as f32;
        let from: [usize; LANES] = std::array::from_fn(|l| (first + l.min(count - 1)) * width);
        for (axis, shares) in self.shares.iter_mut().enumerate() {
            let mut largest = [f32::NEG_INFINITY; LANES];
            for (k, share) in shares.iter_mut().enumerate() {
                for l in 0..LANES {
                    share[l] = soft(p[from[l] + axis * bins + k], most);
                    largest[l] = largest[l].max(share[l]);
                }
            }
            let mut sum = [0.0; LANES];
            for share in shares.iter_mut() {
                for l in 0..LANES {
                    share[l] = exp(share[l] - largest[l]);
                    sum[l] += share[l];
                }
            }
            let over = lanes(|l| 1.0 / sum[l]);
            for share in shares.iter_mut() {
                for l in 0..LANES {
                    share[l] *= over[l];
                }
            }
        }
        for (k, slope) in self.slopes.iter_mut().enumerate() {
            *slope = lanes(|l| p[from[l] + 2 * bins + k]);
        }
    }

    /// How much of the interval the shares divide: the rest is the bins' least.
    fn free(&self) -> f32 {
        1.0 - LEAST * self.bins as f32
    }

    #[inline(always)]
    fn bin(&self, op: Spline, at: &Lanes) -> Bin {
        let bound = self.shape.bound as f32;
        let (free, whole) = (self.free(), 2.0 * bound);
        let mut inside = [false; LANES];
        for l in 0..LANES {
            inside[l] = if self.shape.circular { !at[l].is_nan() } else { at[l].abs() <= bound };
        }
        // Along the axis that the number lies on: the last bin that begins before it.
        let axis = usize::from(op.inverse);
        let mut index = [0u32; LANES];
        let mut begins = [-bound; LANES];
        for (k, share) in self.shares[axis].iter().enumerate() {
            for l in 0..LANES {
                index[l] = if at[l] >= begins[l] { k as u32 } else { index[l] };
                begins[l] += (share[l] * free + LEAST) * whole;
            }
        }
        let mut start = [[-bound; LANES]; 2];
        let mut size = [[0.0; LANES]; 2];
        for axis in 0..2 {
            for (k, share) in self.shares[axis].iter().enumerate() {
                for l in 0..LANES {
                    let part = (share[l] * free + LEAST) * whole;
                    start[axis][l] += if (k as u32) < index[l] { part } else { 0.0 };
                    size[axis][l] = if k as u32 == index[l] { part } else { size[axis][l] };
                }
            }
        }
        let raw = self.raw(&index);
        let ends = std::array::from_fn(|end| {
            let most = self.shape.most_slope as f32;
            let has = |l: usize| self.place(index[l], end).is_some();
            let slope = |l: usize| softplus(soft(raw[end][l], most) + AT_ONE) + LEAST;
            lanes(|l| if has(l) { slope(l) } else { 1.0 })
        });
        Bin { index, inside, start, size, ends, raw }
    }

    /// Where the slope at the left (0) or right (1) end of a bin is among the parameters.
    #[inline(always)]
    fn place(&self, bin: u32, end: usize) -> Option<usize> {
        let knot = bin as usize + end;
        match self.shape.circular {
            true => Some(if knot == self.bins { 0 } else { knot }),
            false if knot == 0 || knot == self.bins => None,
            false => Some(knot - 1),
        }
    }

    #[inline(always)]
    fn raw(&self, index: &[u32; LANES]) -> [Lanes; 2] {
        let at = |l: usize, end: usize| {
            self.place(index[l], end).map_or(0.0, |place| self.slopes[place][l])
        };
        [lanes(|l| at(l, 0)), lanes(|l| at(l, 1))]
    }

    /// Gradients of the parameters, from those of the bins.
    #[inline(always)]
    fn spread(
        &self,
        p: &[f32],
        bin: &Bin,
        slopes: &Slopes,
        first: usize,
        count: usize,
        out: &mut [f32],
    ) {
        let (bins, width) = (self.bins, self.shape.parameters());
        let factor = self.free() * 2.0 * self.shape.bound as f32;
        let (most_size, most_slope) = (self.shape.most_size as f32, self.shape.most_slope as f32);
        for axis in 0..2 {
            // The start of a bin is the sum of the sizes before it.
            let by = |k: usize, l: usize| match bin.index[l].cmp(&(k as u32)) {
                std::cmp::Ordering::Greater => slopes.start[axis][l],
                std::cmp::Ordering::Equal => slopes.size[axis][l],
                std::cmp::Ordering::Less => 0.0,
            };
            let mut dot = [0.0; LANES];
            for (k, share) in self.shares[axis].iter().enumerate() {
                for l in 0..LANES {
                    dot[l] += share[l] * by(k, l);
                }
            }
            for (k, share) in self.shares[axis].iter().enumerate() {
                let place = axis * bins + k;
                let grad = lanes(|l| factor * share[l] * (by(k, l) - dot[l]));
                for (l, grad) in grad.iter().enumerate().take(count) {
                    let i = (first + l) * width + place;
                    out[i] = grad * softness(p[i], most_size);
                }
            }
        }
        for l in 0..count {
            let own = &mut out[(first + l) * width..][2 * bins..width];
            own.fill(0.0);
            for end in 0..2 {
                if let Some(place) = self.place(bin.index[l], end) {
                    let raw = bin.raw[end][l];
                    let slope = sigmoid(soft(raw, most_slope) + AT_ONE);
                    own[place] += slopes.ends[end][l] * slope * softness(raw, most_slope);
                }
            }
        }
    }
}

impl Bin {
    #[inline(always)]
    fn evaluate(&self, op: Spline, at: &Lanes) -> Found {
        let mut found = Found { t: [0.0; LANES], value: *at, log_slope: [0.0; LANES] };
        for l in 0..LANES {
            let ([x, y], [w, h]) = (self.start.map(|v| v[l]), self.size.map(|v| v[l]));
            let [d0, d1] = self.ends.map(|v| v[l]);
            let s = h / w;
            let bend = d0 + d1 - 2.0 * s;
            let begin = if op.inverse { y } else { x };
            let at = if self.inside[l] { at[l] } else { begin };
            let t = match op.inverse {
                false => (at - x) / w,
                true => {
                    let rise = at - y;
                    let a = h * (s - d0) + rise * bend;
                    let b = h * d0 - rise * bend;
                    let c = -s * rise;
                    -2.0 * c / (b + (b * b - 4.0 * a * c).max(0.0).sqrt())
                }
            };
            // By rounding it may lie beyond the bin's end, and there a steep spline's slope is negative.
            let t = t.clamp(0.0, 1.0);
            let both = t * (1.0 - t);
            let lower = s + bend * both;
            let upper = d1 * t * t + 2.0 * s * both + d0 * (1.0 - t) * (1.0 - t);
            let ratio = s / lower;
            let log_slope = 2.0 * ln(ratio) + ln(upper);
            let value = match op.inverse {
                false => y + h * (s * t * t + d0 * both) / lower,
                true => x + w * t,
            };
            found.t[l] = t;
            if self.inside[l] {
                found.value[l] = value;
                found.log_slope[l] = if op.inverse { -log_slope } else { log_slope };
            }
        }
        found
    }

    /// With `y = y_k + h R` and `R = N / D`, all by `t`, `s = h / w` and the end slopes; the inverse by
    /// the rule for functions that are given implicitly.
    #[inline(always)]
    fn slopes(&self, op: Spline, found: &Found, grads: &[Lanes; 2]) -> Slopes {
        let none = [[0.0; LANES]; 2];
        let mut out = Slopes { at: grads[0], start: none, size: none, ends: none };
        for l in 0..LANES {
            if !self.inside[l] {
                continue;
            }
            let ([w, h], [d0, d1]) = (self.size.map(|v| v[l]), self.ends.map(|v| v[l]));
            let (t, s) = (found.t[l], h / w);
            let (rest, both, turn) = (1.0 - t, t * (1.0 - t), 1.0 - 2.0 * t);
            let bend = d0 + d1 - 2.0 * s;
            let lower = s + bend * both;
            let over = 1.0 / lower;
            let ratio = (s * t * t + d0 * both) * over;
            let upper = d1 * t * t + 2.0 * s * both + d0 * rest * rest;
            let over_upper = 1.0 / upper;
            // By t, s, d0 and d1.
            let lowers = [bend * turn, 1.0 - 2.0 * both, both, both];
            let uppers = [2.0 * (d1 * t + s * turn - d0 * rest), 2.0 * both, rest * rest, t * t];
            let numerators = [2.0 * s * t + d0 * turn, t * t, both, 0.0];
            let of_ratio = |v: usize| (numerators[v] - ratio * lowers[v]) * over;
            let of_log = |v: usize| {
                let by_s = if v == 1 { 2.0 / s } else { 0.0 };
                uppers[v] * over_upper - 2.0 * lowers[v] * over + by_s
            };
            let (mut by_value, mut by_log) = (grads[0][l], grads[1][l]);
            if op.inverse {
                let steep = h * of_ratio(0) / w;
                by_value = -(by_value - by_log * of_log(0) / w) / steep;
                by_log = -by_log;
            }
            let g = |v: usize| by_value * h * of_ratio(v) + by_log * of_log(v);
            let (by_t, by_s) = (g(0), g(1));
            out.at[l] = if op.inverse { -by_value } else { by_t / w };
            out.start[0][l] = -by_t / w;
            out.start[1][l] = by_value;
            out.size[0][l] = -(by_t * t + by_s * s) / w;
            out.size[1][l] = by_value * ratio + by_s / w;
            out.ends[0][l] = g(2);
            out.ends[1][l] = g(3);
        }
        out
    }
}
