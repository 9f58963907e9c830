//! The transforms of Winograd's F(2x2, 3x3) on pictures with the channels last.
//!
//! The 16 numbers of a tile go to 16 matrices `[tiles, channels]`, or come from them.

use pulp::{Simd, WithSimd};

/// Numbers of a tile.
pub(crate) const N: usize = 16;

/// Where the tiles of a picture stand in the matrices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    /// Tiles of a picture, down and across.
    pub(crate) grid: [usize; 2],
    /// The channels in whole blocks.
    pub(crate) stride: usize,
    /// Tiles of all pictures of the group.
    pub(crate) all: usize,
    /// Which picture it is.
    pub(crate) first: usize,
}

impl Columns {
    /// `B^T d B` of each tile `d` of a padded picture, with
    /// `B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]`.
    pub(crate) fn read(self, padded: &[f32], v: &mut [f32]) {
        pulp::Arch::new().dispatch(Read { at: self, padded, v });
    }

    /// `A^T m A` of each tile, with `A^T = [1 1 1 0; 0 1 -1 -1]`: four places of a result.
    pub(crate) fn collect(self, m: &[f32], quads: &mut [f32]) {
        pulp::Arch::new().dispatch(Collect { at: self, m, quads });
    }

    /// `A y A^T` of each four places, the transpose of [`collect`](Self::collect).
    pub(crate) fn expand(self, quads: &[f32], m: &mut [f32]) {
        pulp::Arch::new().dispatch(Expand { at: self, quads, m });
    }
}

struct Read<'a> {
    at: Columns,
    padded: &'a [f32],
    v: &'a mut [f32],
}

impl WithSimd for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Columns { grid: [rows, cols], stride, all, first } = self.at;
        let blocks = stride / S::F32_LANES;
        let (padded, _) = S::as_simd_f32s(self.padded);
        let (v, _) = S::as_mut_simd_f32s(self.v);
        let (line, matrix) = ((2 * cols + 2) * blocks, all * blocks);
        for i in 0..rows {
            let lines = &padded[2 * i * line..][..4 * line];
            let (a, rest) = lines.split_at(line);
            let (b, rest) = rest.split_at(line);
            let (c, d) = rest.split_at(line);
            for k in 0..blocks {
                // Two columns of a tile are the last two of the one before.
                let mut e = down(s, [a[k], b[k], c[k], d[k]]);
                let at = k + blocks;
                let mut f = down(s, [a[at], b[at], c[at], d[at]]);
                for j in 0..cols {
                    let at = (2 * j + 2) * blocks + k;
                    let g = down(s, [a[at], b[at], c[at], d[at]]);
                    let at = at + blocks;
                    let h = down(s, [a[at], b[at], c[at], d[at]]);
                    let tile = ((first * rows + i) * cols + j) * blocks + k;
                    for r in 0..4 {
                        v[tile + 4 * r * matrix] = s.sub_f32s(e[r], g[r]);
                        v[tile + (4 * r + 1) * matrix] = s.add_f32s(f[r], g[r]);
                        v[tile + (4 * r + 2) * matrix] = s.sub_f32s(g[r], f[r]);
                        v[tile + (4 * r + 3) * matrix] = s.sub_f32s(f[r], h[r]);
                    }
                    (e, f) = (g, h);
                }
            }
        }
    }
}

/// `B^T` times a column.
#[inline(always)]
fn down<S: Simd>(s: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [s.sub_f32s(a, c), s.add_f32s(b, c), s.sub_f32s(c, b), s.sub_f32s(b, d)]
}

struct Collect<'a> {
    at: Columns,
    m: &'a [f32],
    quads: &'a mut [f32],
}

impl WithSimd for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Columns { grid: [rows, cols], stride, all, first } = self.at;
        let blocks = stride / S::F32_LANES;
        let (m, _) = S::as_simd_f32s(self.m);
        let (quads, _) = S::as_mut_simd_f32s(self.quads);
        let (line, matrix) = (2 * cols * blocks, all * blocks);
        for i in 0..rows {
            let (top, low) = quads[2 * i * line..][..2 * line].split_at_mut(line);
            for j in 0..cols {
                for k in 0..blocks {
                    let tile = ((first * rows + i) * cols + j) * blocks + k;
                    let mut sums = [[m[tile]; 2]; 4];
                    for (n, sums) in sums.iter_mut().enumerate() {
                        let at = tile + n * matrix;
                        let column =
                            [m[at], m[at + 4 * matrix], m[at + 8 * matrix], m[at + 12 * matrix]];
                        *sums = two(s, column);
                    }
                    let [p, q, r, t] = sums;
                    let at = 2 * j * blocks + k;
                    [top[at], top[at + blocks]] = two(s, [p[0], q[0], r[0], t[0]]);
                    [low[at], low[at + blocks]] = two(s, [p[1], q[1], r[1], t[1]]);
                }
            }
        }
    }
}

/// `A^T` times a column.
#[inline(always)]
fn two<S: Simd>(s: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    let upper = s.add_f32s(s.add_f32s(a, b), c);
    [upper, s.sub_f32s(s.sub_f32s(b, c), d)]
}

struct Expand<'a> {
    at: Columns,
    quads: &'a [f32],
    m: &'a mut [f32],
}

impl WithSimd for Expand<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Columns { grid: [rows, cols], stride, all, first } = self.at;
        let blocks = stride / S::F32_LANES;
        let (quads, _) = S::as_simd_f32s(self.quads);
        let (m, _) = S::as_mut_simd_f32s(self.m);
        let (line, matrix) = (2 * cols * blocks, all * blocks);
        for i in 0..rows {
            let (top, low) = quads[2 * i * line..][..2 * line].split_at(line);
            for j in 0..cols {
                for k in 0..blocks {
                    let at = 2 * j * blocks + k;
                    let left = four(s, [top[at], low[at]]);
                    let right = four(s, [top[at + blocks], low[at + blocks]]);
                    let tile = ((first * rows + i) * cols + j) * blocks + k;
                    for r in 0..4 {
                        let row = four(s, [left[r], right[r]]);
                        for (n, value) in row.into_iter().enumerate() {
                            m[tile + (4 * r + n) * matrix] = value;
                        }
                    }
                }
            }
        }
    }
}

/// `A` times a pair.
#[inline(always)]
fn four<S: Simd>(s: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
    [a, s.add_f32s(a, b), s.sub_f32s(a, b), s.sub_f32s(s.splat_f32s(0.0), b)]
}
