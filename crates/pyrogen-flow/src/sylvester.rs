//! Layers that move examples within a subspace.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::Noise;
use pyrogen_core::config::count;
use pyrogen_ops::tanh;

use crate::NormalizingFlowConfig;
use crate::amortised::Amortised;
use crate::layer::Mapped;
use crate::root::root;

/// The largest entry of the triangular matrices' diagonals: the product of two stays above -1, and slopes
/// above a thousandth.
const DIAGONAL: f64 = 0.9995;

/// Added to squared lengths before a division.
const TINY: f64 = 1e-20;

/// `z = x + Q R tanh(S Q^T x + b)`, where `Q` has `m` orthonormal columns, a product of `m` Householder
/// reflections, and `R` and `S` are upper triangular with diagonals in (-1, 1).
///
/// By Sylvester's identity the determinant is that of `1 + diag(tanh') S R`, a triangular matrix.
///
/// # References
/// Van den Berg, Hasenclever, Tomczak and Welling (2018), "Sylvester Normalizing Flows for Variational
/// Inference", equations 13 to 15 and section 4.2.
#[derive(Module, Debug)]
pub(crate) struct SylvesterLayer {
    /// The reflections' vectors one after another, `R` and `S` row-major, `b`.
    parameters: Amortised,
    #[module(skip)]
    directions: usize,
}

/// The parameters in use; `[1 or rows, ..]`.
struct Subspace {
    /// `[.., features, m]`
    q: Tensor<3>,
    /// `[.., m, m]`
    r: Tensor<3>,
    s: Tensor<3>,
    /// `[.., m]`
    r_diagonal: Tensor<2>,
    s_diagonal: Tensor<2>,
    b: Tensor<2>,
}

impl SylvesterLayer {
    pub fn new(
        config: &NormalizingFlowConfig,
        directions: usize,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let features = config.features();
        let m = directions.min(features);
        let reflections = noise.normal([m * features], device);
        let bound = 1.0 / (m as f64).sqrt();
        let rest = (noise.uniform([2 * m * m + m], device) * 2.0 - 1.0) * bound;
        let parameters = Amortised::new(config, vec![reflections, rest], noise, device);
        Self { parameters, directions: m }
    }

    /// How many parameters an example has.
    pub fn width(features: usize, directions: usize) -> usize {
        let m = directions.min(features);
        count::sum([count::product(&[m, features]), count::product(&[2, m, m]), m])
    }

    fn subspace(&self, features: usize, condition: Option<&Tensor<2>>) -> Subspace {
        let (all, m) = (self.parameters.of(condition), self.directions);
        let rows = all.dims()[0];
        let part = |from: usize, n: usize| all.clone().narrow(1, from, n);
        let vectors = part(0, m * features).reshape([rows, m, features]);
        let square = |i: usize| part(m * features + i * m * m, m * m).reshape([rows, m, m]);
        let (r, r_diagonal) = triangular(square(0));
        let (s, s_diagonal) = triangular(square(1));
        let b = part(m * features + 2 * m * m, m);
        Subspace { q: reflected(vectors), r, s, r_diagonal, s_diagonal, b }
    }

    pub fn forward(&self, x: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let at = self.subspace(x.dims()[1], condition);
        let v = times(x.clone(), at.q.clone());
        let bend = tanh(times(v, at.s.clone().swap_dims(1, 2)) + at.b.clone());
        (x + at.moved(bend.clone()), at.log_det(bend))
    }

    /// Within the subspace `v + R tanh(S v + b) = Q^T y`. Both matrices are triangular, so the last
    /// component's equation has one unknown, and so on up to the first.
    pub fn inverse(&self, y: Tensor<2>, condition: Option<&Tensor<2>>) -> Mapped {
        let at = self.subspace(y.dims()[1], condition);
        let p = times(y.clone(), at.q.clone());
        let m = self.directions;
        // From component i on: the coordinates, and the bends.
        let mut found: Option<(Tensor<2>, Tensor<2>)> = None;
        for i in (0..m).rev() {
            let one = |x: &Tensor<2>| x.clone().narrow(1, i, 1);
            let row = |x: &Tensor<3>| {
                x.clone().narrow(1, i, 1).narrow(2, i + 1, m - i - 1).squeeze_dim::<2>(1)
            };
            let (mut shift, mut target) = (one(&at.b), one(&p));
            if let Some((v, bend)) = &found {
                shift = shift + (row(&at.s) * v.clone()).sum_dim(1);
                target = target - (row(&at.r) * bend.clone()).sum_dim(1);
            }
            let v = bent(one(&at.r_diagonal), one(&at.s_diagonal), shift.clone(), target);
            let bend = tanh(v.clone() * one(&at.s_diagonal) + shift);
            found = Some(match found {
                None => (v, bend),
                Some((w, b)) => (Tensor::cat(vec![v, w], 1), Tensor::cat(vec![bend, b], 1)),
            });
        }
        let (_, bend) = found.expect("at least one direction");
        (y - at.moved(bend.clone()), at.log_det(bend).neg())
    }
}

impl Subspace {
    /// `Q R bend`, `[rows, features]`.
    fn moved(&self, bend: Tensor<2>) -> Tensor<2> {
        let within = times(bend, self.r.clone().swap_dims(1, 2));
        times(within, self.q.clone().swap_dims(1, 2))
    }

    fn log_det(&self, bend: Tensor<2>) -> Tensor<1> {
        let slopes = bend.square().neg() + 1.0;
        let diagonal = slopes * self.r_diagonal.clone() * self.s_diagonal.clone() + 1.0;
        diagonal.log().sum_dim(1).squeeze_dim(1)
    }
}

/// The `v` of `v + r tanh(s v + shift) = target`, where `r s > -1`.
fn bent(r: Tensor<2>, s: Tensor<2>, shift: Tensor<2>, target: Tensor<2>) -> Tensor<2> {
    let reach = r.clone().detach().abs();
    let (low, high) = (target.clone() - reach.clone(), target.clone() + reach);
    let rising = |v: Tensor<2>, free: bool| {
        let held = |x: &Tensor<2>| if free { x.clone().detach() } else { x.clone() };
        let (r, s) = (held(&r), held(&s));
        let bend = tanh(v.clone() * s.clone() + held(&shift));
        (v + r.clone() * bend.clone(), (bend.square().neg() + 1.0) * r * s + 1.0)
    };
    root(rising, target, low, high)
}

/// The upper triangle with a bounded diagonal, and that diagonal: `[rows, m, m]` and `[rows, m]`.
fn triangular(full: Tensor<3>) -> (Tensor<3>, Tensor<2>) {
    let m = full.dims()[1];
    let mask = |inside: fn(usize, usize) -> bool| {
        let cells = (0..m * m).map(|k| f32::from(u8::from(inside(k / m, k % m))));
        let cells = TensorData::new(cells.collect::<Vec<_>>(), [1, m, m]);
        Tensor::<3>::from_data(cells, &full.device())
    };
    let (above, on) = (mask(|i, j| i < j), mask(|i, j| i == j));
    let diagonal = tanh((full.clone() * on.clone()).sum_dim(2)) * DIAGONAL;
    (full * above + on * diagonal.clone(), diagonal.squeeze_dim(2))
}

/// The first columns of the product of the reflections along these vectors, `[rows, m, features]`, as many
/// as there are: `[rows, features, m]`.
fn reflected(vectors: Tensor<3>) -> Tensor<3> {
    let [rows, m, features] = vectors.dims();
    let cells = (0..features * m).map(|k| f32::from(u8::from(k / m == k % m)));
    let cells = TensorData::new(cells.collect::<Vec<_>>(), [1, features, m]);
    let mut q = Tensor::<3>::from_data(cells, &vectors.device()).expand([rows, features, m]);
    for i in (0..m).rev() {
        let v = vectors.clone().narrow(1, i, 1).swap_dims(1, 2);
        let square = v.clone().square().sum_dim(1) + TINY;
        let along = (v.clone() * q.clone()).sum_dim(1) / square;
        q = q - v * along * 2.0;
    }
    q
}

/// Rows times a matrix, the same for all or one a row: `[rows, a]` and `[1 or rows, a, b]` to `[rows, b]`.
fn times(x: Tensor<2>, matrix: Tensor<3>) -> Tensor<2> {
    match matrix.dims()[0] {
        1 => x.matmul(matrix.squeeze_dim(0)),
        _ => (x.unsqueeze_dim::<3>(2) * matrix).sum_dim(1).squeeze_dim(1),
    }
}
