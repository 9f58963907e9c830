//! Convolution by 3x3 kernels with stride one in fewer multiplications.
//!
//! A tile of 4x4 values and the kernel go to 16 numbers each, whose products go back to 2x2
//! results: 16 multiplications and not 36. Over all channels and tiles the products are 16 matrix
//! products. Pictures are laid out with the channels last, so that the transforms work on whole
//! vectors of channels however small a picture is.
//!
//! # Numerics
//! The transforms add and halve only, so that errors are a few times those of the direct sum.
//!
//! # References
//! Winograd 1980; Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
//! section 4.1, F(2x2, 3x3).

use crate::gemm::{Matrix, product};
use crate::ground::{Ground, blocks};
use crate::tiles::{Columns, N};
use crate::windows::{Space, Windows};

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
        for (i, g) in w.as_chunks::<9>().0.iter().enumerate() {
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
        for (i, g) in w.as_chunks::<9>().0.iter().enumerate() {
            let (o, c) = (i / self.channels, i % self.channels);
            let mut turned = *g;
            turned.reverse();
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
        let [ground, drawn] = self.grounds();
        let all = y.len() / result * self.count();
        let (c, o) = (self.channels, self.outputs);
        let [padded, quads, v, m] = space.take([
            ground.len(),
            drawn.len(),
            N * ground.stride * all,
            N * drawn.stride * all,
        ]);
        ground.clear(padded);
        for (i, x) in x.chunks(picture).enumerate() {
            ground.lay(x, padded);
            let tiles = Columns { grid: self.grid, stride: ground.stride, all, first: i };
            tiles.read(padded, v);
        }
        let [v_len, m_len] = [ground.stride, drawn.stride].map(|stride| stride * all);
        for k in 0..N {
            let u = Matrix::new(&kernels[k * o * c..], o, c, c).t();
            let v = Matrix::new(&v[k * v_len..], all, c, ground.stride);
            product(&mut m[k * m_len..], drawn.stride, false, v, u);
        }
        for (i, y) in y.chunks_mut(result).enumerate() {
            let tiles = Columns { grid: self.grid, stride: drawn.stride, all, first: i };
            tiles.collect(m, quads);
            drawn.lift(quads, bias, y);
        }
    }

    /// Adds to 16 matrices `[outputs, channels]` what [`weight_grad`](Self::weight_grad) takes.
    pub(crate) fn add_products(&self, y: &[f32], x: &[f32], sums: &mut [f32], space: &mut Space) {
        let [picture, result] = self.lengths();
        let [ground, drawn] = self.grounds();
        let all = y.len() / result * self.count();
        let (c, o) = (self.channels, self.outputs);
        let [padded, quads, v, m] = space.take([
            ground.len(),
            drawn.len(),
            N * ground.stride * all,
            N * drawn.stride * all,
        ]);
        ground.clear(padded);
        drawn.clear(quads);
        for (i, (x, y)) in x.chunks(picture).zip(y.chunks(result)).enumerate() {
            ground.lay(x, padded);
            let tiles = Columns { grid: self.grid, stride: ground.stride, all, first: i };
            tiles.read(padded, v);
            drawn.lay(y, quads);
            let tiles = Columns { stride: drawn.stride, ..tiles };
            tiles.expand(quads, m);
        }
        let [v_len, m_len] = [ground.stride, drawn.stride].map(|stride| stride * all);
        for k in 0..N {
            let m = Matrix::new(&m[k * m_len..], all, o, drawn.stride).t();
            let v = Matrix::new(&v[k * v_len..], all, c, ground.stride);
            product(&mut sums[k * o * c..], c, true, m, v);
        }
    }

    /// Where a padded picture and a result in whole tiles lie.
    fn grounds(&self) -> [Ground; 2] {
        let [rows, cols] = self.grid;
        let ground = Ground {
            channels: self.channels,
            size: self.size,
            padding: self.padding,
            whole: [2 * rows + 2, 2 * cols + 2],
            stride: blocks(self.channels),
        };
        let drawn = Ground {
            channels: self.outputs,
            size: self.out_size,
            padding: [0, 0],
            whole: [2 * rows, 2 * cols],
            stride: blocks(self.outputs),
        };
        [ground, drawn]
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
}

/// `G g G^T` with `G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1]`.
#[inline(always)]
fn kernel(g: &[f32; 9]) -> [f32; N] {
    let mut down = [0f32; 12];
    for j in 0..3 {
        let (a, b, c) = (g[j], g[3 + j], g[6 + j]);
        down[j] = a;
        down[3 + j] = 0.5 * (a + b + c);
        down[6 + j] = 0.5 * (a - b + c);
        down[9 + j] = c;
    }
    let mut u = [0f32; N];
    for i in 0..4 {
        let (a, b, c) = (down[3 * i], down[3 * i + 1], down[3 * i + 2]);
        u[4 * i] = a;
        u[4 * i + 1] = 0.5 * (a + b + c);
        u[4 * i + 2] = 0.5 * (a - b + c);
        u[4 * i + 3] = c;
    }
    u
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
