//! Softmax along the last axis.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// `exp(x_i) / sum over j of exp(x_j)` along the last axis.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::Softmax { log: false }, [x.into()]);
    }
    activation::softmax(x, D - 1)
}

/// The logarithm of [`softmax`].
pub fn log_softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::Softmax { log: true }, [x.into()]);
    }
    activation::log_softmax(x, D - 1)
}

#[cfg(feature = "flex")]
mod host {
    use crate::host::{Array, HostOp};
    use crate::parallel::{self, kernels};
    use crate::scalar::exp;
    use crate::sums;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Softmax {
        pub(super) log: bool,
    }

    impl HostOp<1> for Softmax {
        type Saved = Array;

        fn forward(&self, [x]: [Array; 1], _track: bool) -> (Array, Array) {
            let width = x.dims().last().copied().unwrap_or(1).max(1);
            let mut y = x.own();
            parallel::rows::<Forward, _>(y.owned(), width, (width, self.log));
            (y.clone(), y)
        }

        fn backward(&self, y: Array, grad: Array, _wanted: [bool; 1]) -> [Option<Array>; 1] {
            let width = y.dims().last().copied().unwrap_or(1).max(1);
            let mut grad = grad.own();
            parallel::rows::<Backward, _>(grad.owned(), width, (y.values(), width, self.log));
            y.leave();
            [Some(grad)]
        }
    }

    kernels! {
        ['a] Forward: forward, ((usize, bool), usize, &'a mut [f32]) => ();
    }

    struct Backward;

    impl parallel::Kernel<Gradient<'_, '_>> for Backward {
        type Output = ();

        #[inline(always)]
        fn run(args: Gradient) {
            backward(args);
        }
    }

    type Gradient<'a, 'b> = ((&'a [f32], usize, bool), usize, &'b mut [f32]);

    #[inline(always)]
    fn forward(((width, log), _, out): ((usize, bool), usize, &mut [f32])) {
        for row in out.chunks_mut(width) {
            let most = sums::maximum(row);
            if log {
                let sum = sums::sum(row.len(), |i| exp(row[i] - most));
                let shift = most + sum.ln() as f32;
                for x in row.iter_mut() {
                    *x -= shift;
                }
            } else {
                for x in row.iter_mut() {
                    *x = exp(*x - most);
                }
                let factor = (1.0 / sums::total(row)) as f32;
                for x in row.iter_mut() {
                    *x *= factor;
                }
            }
        }
    }

    #[inline(always)]
    fn backward(((y, width, log), first, out): Gradient) {
        for (i, row) in out.chunks_mut(width).enumerate() {
            let y = &y[(first + i) * width..][..row.len()];
            if log {
                let sum = sums::total(row) as f32;
                for (d, y) in row.iter_mut().zip(y) {
                    *d -= exp(*y) * sum;
                }
            } else {
                let sum = sums::dot(row, y) as f32;
                for (d, y) in row.iter_mut().zip(y) {
                    *d = y * (*d - sum);
                }
            }
        }
    }
}
