//! Layer normalisation over the last axis.

use burn::tensor::Tensor;

use crate::device;
#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};
use crate::normalise_device::{After, Normalise, Over};

/// Normalises along the last axis, then scales and shifts each of its elements:
/// `(x - mean) / sqrt(var + epsilon) * gamma + beta`; `var` is divided by the count.
///
/// # Shapes
/// `x` is `[.., features]`, `gamma` and `beta` are `[features]`.
///
/// # Panics
/// If the sizes do not fit.
///
/// # References
/// Ba, Kiros and Hinton 2016, "Layer normalization", eq. 3 and 4.
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    check(x.dims()[D - 1], &gamma, &beta);
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(LayerNorm { epsilon }, [x.into(), gamma.into(), beta.into()]);
    }
    let (dims, width) = (x.dims(), gamma.dims()[0]);
    let rows = dims[..D - 1].iter().product();
    let inputs = [x.reshape([rows, 1, width]), gamma.unsqueeze(), beta.unsqueeze()];
    let op = Normalise { over: Over::Last, epsilon, after: After::Nothing };
    device::apply(op, inputs).0.reshape(dims)
}

/// # Panics
/// If the parameters are not those of so many features.
pub(crate) fn check(width: usize, gamma: &Tensor<1>, beta: &Tensor<1>) {
    assert!(
        gamma.dims() == [width] && beta.dims() == [width],
        "layer_norm: expected gamma and beta of [{width}], got {:?} and {:?}",
        gamma.dims(),
        beta.dims()
    );
}

#[cfg(feature = "flex")]
pub(crate) use host::{fill, gradients};

#[cfg(feature = "flex")]
#[derive(Debug, Clone)]
struct LayerNorm {
    epsilon: f64,
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use super::{Array, HostOp, LayerNorm};
    use crate::group_norm::moments;
    use crate::parallel::{Kernel, kernels, vectorised};
    use crate::sums;

    /// Rows that one piece works through; its sums for `gamma` and `beta` are its own.
    const ROWS: usize = 64;

    impl HostOp<3> for LayerNorm {
        type Saved = Option<(Array, Array)>;

        fn forward(&self, [x, gamma, beta]: [Array; 3], track: bool) -> (Array, Self::Saved) {
            let mut y = Array::to_fill(x.dims());
            fill([&x, &gamma, &beta], self.epsilon, 0, y.owned());
            if !track {
                x.leave();
                return (y, None);
            }
            (y, Some((x, gamma)))
        }

        fn backward(
            &self,
            saved: Self::Saved,
            grad: Array,
            _wanted: [bool; 3],
        ) -> [Option<Array>; 3] {
            let (x, gamma) = saved.expect("a tracked forward pass");
            let grads = gradients(grad, &x, &gamma, self.epsilon);
            x.leave();
            grads.map(Some)
        }
    }

    /// The rows of `x` from `first` on, normalised, scaled and shifted.
    pub(crate) fn fill([x, gamma, beta]: [&Array; 3], epsilon: f64, first: usize, out: &mut [f32]) {
        let width = gamma.values().len().max(1);
        let x = &x.values()[first * width..][..out.len()];
        let args = (x, gamma.values(), beta.values(), epsilon);
        crate::parallel::rows::<RowsForward, _>(out, width, args);
    }

    /// The gradients of `x`, `gamma` and `beta` from that of the result.
    pub(crate) fn gradients(grad: Array, x: &Array, gamma: &Array, epsilon: f64) -> [Array; 3] {
        let width = gamma.values().len().max(1);
        let piece = ROWS * width;
        let mut grad = grad.own();
        let pieces = grad.owned().par_chunks_mut(piece).zip(x.values().par_chunks(piece));
        let sums: Vec<_> = pieces
            .map(|(dy, x)| vectorised::<RowsBackward, _>((dy, x, gamma.values(), epsilon)))
            .collect();
        let mut totals = vec![0f32; 2 * width];
        for part in &sums {
            totals.iter_mut().zip(part).for_each(|(t, s)| *t += s);
        }
        let dbeta = totals.split_off(width);
        [grad, Array::new(totals, &[width]), Array::new(dbeta, &[width])]
    }

    type Forward<'a> = (&'a [f32], &'a [f32], &'a [f32], f64);
    type Backward<'a> = (&'a mut [f32], &'a [f32], &'a [f32], f64);

    kernels! {
        ['a] RowsBackward: rows_backward, Backward<'a> => Vec<f32>;
    }

    struct RowsForward;

    impl<'a, 'b> Kernel<(Forward<'a>, usize, &'b mut [f32])> for RowsForward {
        type Output = ();

        #[inline(always)]
        fn run(args: (Forward<'a>, usize, &'b mut [f32])) {
            rows_forward(args);
        }
    }

    #[inline(always)]
    fn rows_forward(((x, gamma, beta, epsilon), first, out): (Forward, usize, &mut [f32])) {
        let width = gamma.len();
        for (i, out) in out.chunks_mut(width).enumerate() {
            let x = &x[(first + i) * width..][..width];
            let [mean, scale] = moments(x, epsilon);
            for j in 0..width {
                out[j] = (x[j] - mean) * scale * gamma[j] + beta[j];
            }
        }
    }

    /// Makes of `dy` the gradient of `x`, and returns the sums over the rows for `gamma`, then for
    /// `beta`.
    #[inline(always)]
    fn rows_backward((dy, x, gamma, epsilon): Backward) -> Vec<f32> {
        let width = gamma.len();
        let mut out = vec![0f32; 2 * width];
        let (dgamma, dbeta) = out.split_at_mut(width);
        for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
            let [mean, scale] = moments(x, epsilon);
            let a = sums::dot(dy, gamma) / width as f64;
            let b = sums::sum(width, |i| dy[i] * gamma[i] * ((x[i] - mean) * scale));
            let (a, b) = (a as f32, (b / width as f64) as f32);
            for i in 0..width {
                let xhat = (x[i] - mean) * scale;
                dgamma[i] += dy[i] * xhat;
                dbeta[i] += dy[i];
                dy[i] = scale * (gamma[i] * dy[i] - a - xhat * b);
            }
        }
        out
    }
}
