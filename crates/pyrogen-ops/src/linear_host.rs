//! Linear maps on the host.

use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::Elementwise;
use crate::host::{Array, HostOp, Input, apply};
use crate::layer_norm;
use crate::parallel::{Kernel, kernels, pieces, rows, vectorised};
use crate::product::Product;

/// Rows that are added up together.
const PIECE: usize = 256;

/// What happens to the rows before the product.
#[derive(Debug, Clone, Copy)]
pub(super) enum Before {
    Nothing,
    Elementwise(Elementwise),
    LayerNorm { epsilon: f64 },
}

/// `before(x) W + b + y` of `x`, `W`, the norm's two parameters, `b` and `y`, as far as they are
/// there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub(super) before: Before,
    pub(super) bias: bool,
    pub(super) residual: bool,
}

/// What the gradient needs: inputs, weight, and the norm's parameters.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    x: Array,
    weight: Array,
    norm: Option<[Array; 2]>,
}

impl Linear {
    /// # Panics
    /// If there are not two to six inputs.
    pub(super) fn apply<const D: usize>(self, inputs: Vec<Input>) -> Tensor<D> {
        fn of<const N: usize, const D: usize>(op: Linear, inputs: Vec<Input>) -> Tensor<D> {
            let Ok(inputs) = <[Input; N]>::try_from(inputs) else { unreachable!("counted") };
            apply(op, inputs)
        }
        match inputs.len() {
            2 => of::<2, D>(self, inputs),
            3 => of::<3, D>(self, inputs),
            4 => of::<4, D>(self, inputs),
            5 => of::<5, D>(self, inputs),
            6 => of::<6, D>(self, inputs),
            n => panic!("a linear map of {n} inputs"),
        }
    }

    fn normed(&self) -> bool {
        matches!(self.before, Before::LayerNorm { .. })
    }

    /// Places of the bias and of what is added among the inputs.
    fn places(&self) -> [Option<usize>; 2] {
        let bias = if self.normed() { 4 } else { 2 };
        [self.bias.then_some(bias), self.residual.then_some(bias + usize::from(self.bias))]
    }
}

impl Before {
    /// Rows of the product's left side, those from `first` on.
    fn fill(self, x: &Array, norm: Option<&[Array; 2]>, first: usize, out: &mut [f32]) {
        match (self, norm) {
            (Self::Elementwise(function), _) => {
                let start = first * x.rows()[1];
                function.fill(&x.values()[start..][..out.len()], out);
            }
            (Self::LayerNorm { epsilon }, Some([gamma, beta])) => {
                layer_norm::fill([x, gamma, beta], epsilon, first, out);
            }
            _ => unreachable!("nothing to be done before"),
        }
    }
}

impl<const N: usize> HostOp<N> for Linear {
    type Saved = Option<Saved>;

    fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Self::Saved) {
        let [bias, residual] = self.places().map(|place| place.map(|place| inputs[place].clone()));
        let mut inputs = inputs.into_iter();
        let mut next = || inputs.next().expect("as many inputs as were put in");
        let (x, weight) = (next(), next());
        let norm = self.normed().then(|| [next(), next()]);
        drop(inputs);
        let mut dims = x.dims().to_vec();
        let width = weight.dims()[1];
        *dims.last_mut().expect("an axis") = width;
        let before =
            |first: usize, out: &mut [f32]| self.before.fill(&x, norm.as_ref(), first, out);
        let after = |first: usize, out: &mut [f32]| {
            if let Some(bias) = &bias {
                rows::<AddBias, _>(out, width, bias.values());
            }
            if let Some(residual) = &residual {
                let residual = &residual.values()[first * width..][..out.len()];
                pieces::<Add, _>(out, residual);
            }
        };
        let product = Product {
            left: (&x, false),
            right: (&weight, false),
            before: (!matches!(self.before, Before::Nothing)).then_some(&before),
            after: &after,
        };
        let out = product.work_out(&dims, None);
        if !track {
            x.leave();
            residual.into_iter().for_each(Array::leave);
            return (out, None);
        }
        (out, Some(Saved { x, weight, norm }))
    }

    fn backward(&self, saved: Self::Saved, dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
        let saved = saved.expect("a tracked forward pass");
        let width = saved.weight.dims()[1];
        let mut grads = [const { None }; N];
        let [bias, residual] = self.places().map(|place| place.filter(|&place| wanted[place]));
        if let Some(place) = bias {
            grads[place] = Some(Array::new(column_sums(dy.values(), width), &[width]));
        }
        if let Some(place) = residual {
            grads[place] = Some(dy.clone());
        }
        match self.before {
            Before::Nothing => plain(saved, &dy, &wanted, &mut grads),
            Before::Elementwise(function) => mapped(function, saved, &dy, &wanted, &mut grads),
            Before::LayerNorm { epsilon } => normed(epsilon, saved, &dy, &wanted, &mut grads),
        }
        dy.leave();
        grads
    }
}

/// The gradient of the product's left side, whose memory it may take, finished by `after`.
fn left_gradient(left: Array, weight: &Array, dy: &Array, after: &crate::product::Rows) -> Array {
    let dims = left.dims().to_vec();
    let product = Product { after, ..Product::new((dy, false), (weight, true)) };
    product.work_out(&dims, Some(left))
}

fn weight_gradient(left: &Array, dy: &Array, weight: &Array) -> Array {
    Product::new((left, true), (dy, false)).work_out(weight.dims(), None)
}

fn plain(saved: Saved, dy: &Array, wanted: &[bool], grads: &mut [Option<Array>]) {
    let Saved { x, weight, .. } = saved;
    grads[1] = wanted[1].then(|| weight_gradient(&x, dy, &weight));
    grads[0] = wanted[0].then(|| left_gradient(x, &weight, dy, &|_, _| ()));
}

fn mapped(
    function: Elementwise,
    saved: Saved,
    dy: &Array,
    wanted: &[bool],
    grads: &mut [Option<Array>],
) {
    let Saved { x, weight, .. } = saved;
    let mut values = Array::to_fill(x.dims());
    let mut slopes = x.own();
    function.values_and_slopes(slopes.owned(), values.owned());
    grads[1] = wanted[1].then(|| weight_gradient(&values, dy, &weight));
    let [_, width] = slopes.rows();
    let times = |first: usize, out: &mut [f32]| {
        let slopes = &slopes.values()[first * width..][..out.len()];
        pieces::<Times, _>(out, slopes);
    };
    grads[0] = wanted[0].then(|| left_gradient(values, &weight, dy, &times));
    slopes.leave();
}

fn normed(epsilon: f64, saved: Saved, dy: &Array, wanted: &[bool], grads: &mut [Option<Array>]) {
    let Saved { x, weight, norm } = saved;
    let [gamma, beta] = norm.expect("the norm's parameters");
    let mut left = Array::to_fill(x.dims());
    if wanted[1] {
        layer_norm::fill([&x, &gamma, &beta], epsilon, 0, left.owned());
        grads[1] = Some(weight_gradient(&left, dy, &weight));
    }
    let grad = left_gradient(left, &weight, dy, &|_, _| ());
    let [dx, dgamma, dbeta] = layer_norm::gradients(grad, &x, &gamma, epsilon);
    for (place, grad) in [(0, dx), (2, dgamma), (3, dbeta)] {
        grads[place] = wanted[place].then_some(grad);
    }
    x.leave();
}

/// The sum of the rows, in pieces that depend on the sizes alone.
fn column_sums(values: &[f32], cols: usize) -> Vec<f32> {
    let pieces = values.par_chunks(PIECE * cols);
    let sums: Vec<Vec<f32>> = pieces.map(|part| vectorised::<SumRows, _>((part, cols))).collect();
    let mut total = vec![0.0; cols];
    for part in sums {
        total.iter_mut().zip(part).for_each(|(t, s)| *t += s);
    }
    total
}

kernels! {
    ['a] SumRows: sum_rows, (&'a [f32], usize) => Vec<f32>;
}

#[inline(always)]
fn sum_rows((values, cols): (&[f32], usize)) -> Vec<f32> {
    let mut sum = vec![0.0; cols];
    for row in values.chunks_exact(cols) {
        for (s, v) in sum.iter_mut().zip(row) {
            *s += v;
        }
    }
    sum
}

struct AddBias;

impl<'a, 'b> Kernel<(&'a [f32], usize, &'b mut [f32])> for AddBias {
    type Output = ();

    #[inline(always)]
    fn run((bias, _, out): (&'a [f32], usize, &'b mut [f32])) {
        for row in out.chunks_exact_mut(bias.len()) {
            for (o, b) in row.iter_mut().zip(bias) {
                *o += b;
            }
        }
    }
}

/// Adds an array of the same length.
struct Add;

impl<'a, 'b> Kernel<(&'a [f32], usize, &'b mut [f32])> for Add {
    type Output = ();

    #[inline(always)]
    fn run((values, first, out): (&'a [f32], usize, &'b mut [f32])) {
        for (o, v) in out.iter_mut().zip(&values[first..]) {
            *o += v;
        }
    }
}

/// Multiplies by an array of the same length.
struct Times;

impl<'a, 'b> Kernel<(&'a [f32], usize, &'b mut [f32])> for Times {
    type Output = ();

    #[inline(always)]
    fn run((values, first, out): (&'a [f32], usize, &'b mut [f32])) {
        for (o, v) in out.iter_mut().zip(&values[first..]) {
            *o *= v;
        }
    }
}
