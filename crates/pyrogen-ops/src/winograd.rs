//! Convolution by 3x3 kernels with stride one in fewer multiplications.
//!
//! A tile of 4x4 values and the kernel go to 16 numbers each, whose products go back to 2x2
//! results: 16 multiplications and not 36. Over all channels and tiles the products are 16 matrix
//! products.
//!
//! # Numerics
//! The transforms add and halve only, so that errors are a few times those of the direct sum.
//!
//! # References
//! Winograd 1980; Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
//! section 4.1, F(2x2, 3x3).

use crate::gemm::{Matrix, product};
use crate::windows::{Space, Windows};

/// Numbers of a tile.
const N: usize = 16;

/// Sizes of the pictures on both sides and of the tiles between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles {
    channels: usize,
    size: [usize; 2],
    outputs: usize,
    out_size: [usize; 2],
    padding: [usize; 2],
    grid: [usize; 2],
}

impl Tiles {
    /// The tiles of a convolution, if it is one that gains by them.
    pub(crate) fn of(w: &Windows) -> Option<Self> {
        let fits = w.kernel == [3, 3]
            && w.stride == [1, 1]
            && w.dilation == [1, 1]
            && w.padding.iter().all(|&p| p <= 2)
            && w.channels.min(w.outputs) >= 16;
        fits.then(|| Self {
            channels: w.channels,
            size: w.size,
            outputs: w.outputs,
            out_size: w.out_size,
            padding: w.padding,
            grid: w.out_size.map(|s| s.div_ceil(2)),
        })
    }

    /// The convolution that takes gradients of the results to those of the pictures.
    pub(crate) fn back(&self) -> Self {
        Self {
            channels: self.outputs,
            size: self.out_size,
            outputs: self.channels,
            out_size: self.size,
            padding: self.padding.map(|p| 2 - p),
            grid: self.size.map(|s| s.div_ceil(2)),
        }
    }

    /// Tiles of a picture.
    pub(crate) fn count(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Elements of a picture and of a result.
    pub(crate) fn lengths(&self) -> [usize; 2] {
        let plane = |[h, w]: [usize; 2]| h * w;
        [self.channels * plane(self.size), self.outputs * plane(self.out_size)]
    }

    /// The kernels `[outputs, channels, 3, 3]` as 16 matrices `[outputs, channels]`.
    pub(crate) fn kernels(&self, w: &[f32]) -> Vec<f32> {
        let pairs = self.outputs * self.channels;
        let mut out = vec![0.0; N * pairs];
        for (i, g) in w.chunks(9).enumerate() {
            for (k, u) in kernel(g).into_iter().enumerate() {
                out[k * pairs + i] = u;
            }
        }
        out
    }

    /// The kernels of [`back`](Self::back): turned by half a circle, `[channels, outputs]`.
    pub(crate) fn kernels_back(&self, w: &[f32]) -> Vec<f32> {
        let pairs = self.outputs * self.channels;
        let mut out = vec![0.0; N * pairs];
        for (i, g) in w.chunks(9).enumerate() {
            let (o, c) = (i / self.channels, i % self.channels);
            let turned: [f32; 9] = std::array::from_fn(|j| g[8 - j]);
            for (k, u) in kernel(&turned).into_iter().enumerate() {
                out[k * pairs + c * self.outputs + o] = u;
            }
        }
        out
    }

    /// Results of some pictures; `kernels` are those of [`kernels`](Self::kernels).
    pub(crate) fn correlate(
        &self,
        kernels: &[f32],
        bias: Option<&[f32]>,
        x: &[f32],
        y: &mut [f32],
        space: &mut Space,
    ) {
        let [picture, result] = self.lengths();
        let all = y.len() / result * self.count();
        let [v, m] = space.take(N * self.channels * all, N * self.outputs * all);
        for (i, x) in x.chunks(picture).enumerate() {
            self.read(x, v, all, i * self.count());
        }
        let (c, o) = (self.channels, self.outputs);
        for k in 0..N {
            let u = Matrix::new(&kernels[k * o * c..], o, c, c);
            let v = Matrix::new(&v[k * c * all..], c, all, all);
            product(&mut m[k * o * all..], all, false, u, v);
        }
        for (i, y) in y.chunks_mut(result).enumerate() {
            self.write(m, y, bias, all, i * self.count());
        }
    }

    /// Adds to 16 matrices `[outputs, channels]` what [`weight_grad`](Self::weight_grad) takes.
    pub(crate) fn add_products(&self, y: &[f32], x: &[f32], sums: &mut [f32], space: &mut Space) {
        let [picture, result] = self.lengths();
        let all = y.len() / result * self.count();
        let (c, o) = (self.channels, self.outputs);
        let [v, m] = space.take(N * c * all, N * o * all);
        let pairs = x.chunks(picture).zip(y.chunks(result));
        for (i, (x, y)) in pairs.enumerate() {
            self.read(x, v, all, i * self.count());
            self.spread(y, m, all, i * self.count());
        }
        for k in 0..N {
            let m = Matrix::new(&m[k * o * all..], o, all, all);
            let v = Matrix::new(&v[k * c * all..], c, all, all).t();
            product(&mut sums[k * o * c..], c, true, m, v);
        }
    }

    /// The gradient of the kernels `[outputs, channels, 3, 3]` from the sums over all pictures.
    pub(crate) fn weight_grad(&self, sums: &[f32]) -> Vec<f32> {
        let pairs = self.outputs * self.channels;
        let mut out = vec![0.0; 9 * pairs];
        for (i, g) in out.chunks_mut(9).enumerate() {
            let u: [f32; N] = std::array::from_fn(|k| sums[k * pairs + i]);
            g.copy_from_slice(&kernel_back(&u));
        }
        out
    }

    /// Transforms the tiles of a picture to columns of 16 matrices `[channels, all]`.
    fn read(&self, x: &[f32], v: &mut [f32], all: usize, first: usize) {
        let ([height, width], [rows, cols]) = (self.size, self.grid);
        let padded = 2 * cols + 2;
        // Four lines of the padded picture, and their four combinations down the columns.
        let mut lines = vec![0f32; 4 * padded];
        let mut down = vec![0f32; 4 * padded];
        let left = self.padding[1];
        let span = width.min(padded - left);
        for (c, plane) in x.chunks(height * width).enumerate() {
            for i in 0..rows {
                for (l, line) in lines.chunks_mut(padded).enumerate() {
                    line.fill(0.0);
                    let y = (2 * i + l).wrapping_sub(self.padding[0]);
                    if y < height {
                        line[left..left + span].copy_from_slice(&plane[y * width..][..span]);
                    }
                }
                columns(&lines, &mut down, padded);
                for (r, line) in down.chunks(padded).enumerate() {
                    let mut k =
                        |n: usize| ((4 * r + n) * self.channels + c) * all + first + i * cols;
                    let starts = [0, 1, 2, 3].map(&mut k);
                    across(line, v, starts, cols);
                }
            }
        }
    }

    /// Takes columns of 16 matrices `[outputs, all]` back to a result.
    fn write(&self, m: &[f32], y: &mut [f32], bias: Option<&[f32]>, all: usize, first: usize) {
        let ([height, width], [rows, cols]) = (self.out_size, self.grid);
        let mut lines = vec![0f32; 4 * cols];
        for (o, plane) in y.chunks_mut(height * width).enumerate() {
            let bias = bias.map_or(0.0, |bias| bias[o]);
            for i in 0..rows {
                let at = |k: usize| &m[(k * self.outputs + o) * all + first + i * cols..][..cols];
                collect(at, &mut lines, cols);
                for l in 0..2.min(height - 2 * i) {
                    let (even, odd) = lines[2 * l * cols..][..2 * cols].split_at(cols);
                    let out = &mut plane[(2 * i + l) * width..][..width];
                    let mut pairs = out.chunks_exact_mut(2);
                    for ((pair, e), d) in (&mut pairs).zip(even).zip(odd) {
                        pair[0] = e + bias;
                        pair[1] = d + bias;
                    }
                    if let [last] = pairs.into_remainder() {
                        *last = even[cols - 1] + bias;
                    }
                }
            }
        }
    }

    /// The transpose of [`write`](Self::write) without the bias.
    fn spread(&self, y: &[f32], m: &mut [f32], all: usize, first: usize) {
        let ([height, width], [rows, cols]) = (self.out_size, self.grid);
        let mut quads = vec![0f32; 4 * cols];
        for (o, plane) in y.chunks(height * width).enumerate() {
            for i in 0..rows {
                quads.fill(0.0);
                for l in 0..2.min(height - 2 * i) {
                    let line = &plane[(2 * i + l) * width..][..width];
                    let (even, odd) = quads[2 * l * cols..][..2 * cols].split_at_mut(cols);
                    let pairs = line.chunks(2).zip(even.iter_mut().zip(odd));
                    pairs.for_each(|(pair, (e, d))| {
                        *e = pair[0];
                        *d = pair.get(1).copied().unwrap_or(0.0);
                    });
                }
                let start = |k: usize| (k * self.outputs + o) * all + first + i * cols;
                expand(&quads, m, start, cols);
            }
        }
    }
}

/// `G g G^T` with `G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1]`.
fn kernel(g: &[f32]) -> [f32; N] {
    let rows = |a: f32, b: f32, c: f32| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
    let down: [[f32; 4]; 3] = std::array::from_fn(|j| rows(g[j], g[3 + j], g[6 + j]));
    std::array::from_fn(|k| rows(down[0][k / 4], down[1][k / 4], down[2][k / 4])[k % 4])
}

/// `G^T u G`, the transpose of [`kernel`].
fn kernel_back(u: &[f32; N]) -> [f32; 9] {
    let rows =
        |a: f32, b: f32, c: f32, d: f32| [a + 0.5 * (b + c), 0.5 * (b - c), 0.5 * (b + c) + d];
    let down: [[f32; 3]; 4] = std::array::from_fn(|j| rows(u[j], u[4 + j], u[8 + j], u[12 + j]));
    std::array::from_fn(|k| {
        let i = k / 3;
        rows(down[0][i], down[1][i], down[2][i], down[3][i])[k % 3]
    })
}

/// `B^T d` down four lines, `B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]`.
#[inline(always)]
fn columns(lines: &[f32], down: &mut [f32], padded: usize) {
    let (a, rest) = lines.split_at(padded);
    let (b, rest) = rest.split_at(padded);
    let (c, d) = rest.split_at(padded);
    let (p, rest) = down.split_at_mut(padded);
    let (q, rest) = rest.split_at_mut(padded);
    let (r, s) = rest.split_at_mut(padded);
    let (d, s) = (&d[..padded], &mut s[..padded]);
    for j in 0..padded {
        p[j] = a[j] - c[j];
        q[j] = b[j] + c[j];
        r[j] = c[j] - b[j];
        s[j] = b[j] - d[j];
    }
}

/// The same along one line, for tiles two places apart.
#[inline(always)]
fn across(line: &[f32], v: &mut [f32], starts: [usize; 4], cols: usize) {
    let (pairs, next) = (&line[..2 * cols], &line[2..2 * cols + 2]);
    let tiles = || pairs.chunks_exact(2).zip(next.chunks_exact(2));
    let [p, q, r, s] = starts;
    v[p..p + cols].iter_mut().zip(tiles()).for_each(|(v, (a, b))| *v = a[0] - b[0]);
    v[q..q + cols].iter_mut().zip(tiles()).for_each(|(v, (a, b))| *v = a[1] + b[0]);
    v[r..r + cols].iter_mut().zip(tiles()).for_each(|(v, (a, b))| *v = b[0] - a[1]);
    v[s..s + cols].iter_mut().zip(tiles()).for_each(|(v, (a, b))| *v = a[1] - b[1]);
}

/// `A^T m A` with `A^T = [1 1 1 0; 0 1 -1 -1]`, the four results of each tile in four lines.
#[inline(always)]
fn collect<'a>(at: impl Fn(usize) -> &'a [f32], lines: &mut [f32], cols: usize) {
    let m: [&[f32]; N] = std::array::from_fn(|k| &at(k)[..cols]);
    let (a, rest) = lines.split_at_mut(cols);
    let (b, rest) = rest.split_at_mut(cols);
    let (c, d) = rest.split_at_mut(cols);
    let d = &mut d[..cols];
    for j in 0..cols {
        let top = [0, 1, 2, 3].map(|k| m[k][j] + m[4 + k][j] + m[8 + k][j]);
        let low = [0, 1, 2, 3].map(|k| m[4 + k][j] - m[8 + k][j] - m[12 + k][j]);
        a[j] = top[0] + top[1] + top[2];
        b[j] = top[1] - top[2] - top[3];
        c[j] = low[0] + low[1] + low[2];
        d[j] = low[1] - low[2] - low[3];
    }
}

/// `A y A^T`, the transpose of [`collect`].
#[inline(always)]
fn expand(quads: &[f32], m: &mut [f32], start: impl Fn(usize) -> usize, cols: usize) {
    let (a, rest) = quads.split_at(cols);
    let (b, rest) = rest.split_at(cols);
    let (c, d) = rest.split_at(cols);
    let d = &d[..cols];
    let row = |x: f32, y: f32| [x, x + y, x - y, -y];
    for k in 0..N {
        let out = &mut m[start(k)..][..cols];
        for j in 0..cols {
            let left = row(a[j], c[j])[k / 4];
            let right = row(b[j], d[j])[k / 4];
            out[j] = row(left, right)[k % 4];
        }
    }
}
