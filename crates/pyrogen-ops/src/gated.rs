//! The gate of SwiGLU.

use burn::tensor::{Tensor, activation::sigmoid};

use crate::device::{self, DeviceOp};
use crate::elementwise::sigmoid_and_silu_slope;
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// The second half of the last axis, each feature times [`silu`](crate::silu) of the one in the first
/// half: `silu(x[.., i]) * x[.., h + i]`.
///
/// # Shapes
/// `[.., 2 h]` to `[.., h]`.
///
/// # Panics
/// If the last axis is odd.
///
/// # References
/// Shazeer 2020, "GLU variants improve transformer", eq. 6 without the layers.
pub fn gated_silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let width = x.dims()[D - 1];
    assert!(width.is_multiple_of(2), "gated_silu: {width} features are not two halves");
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::Gated, [x.into()]);
    }
    device::apply(Gated, [x]).0
}

/// The gate of Burn's operations, whose gradient keeps the input alone.
#[derive(Debug, Clone)]
struct Gated;

fn halves<const D: usize>(x: &Tensor<D>) -> [Tensor<D>; 2] {
    let width = x.dims()[D - 1];
    [0, 1].map(|i| x.clone().narrow(D - 1, i * width / 2, width / 2))
}

impl<const D: usize> DeviceOp<1, D, D> for Gated {
    fn forward(&self, [x]: [Tensor<D>; 1]) -> (Tensor<D>, Vec<Tensor<D>>) {
        let [gate, values] = halves(&x);
        (gate.clone() * sigmoid(gate) * values, vec![x])
    }

    fn backward(&self, saved: Vec<Tensor<D>>, grad: Tensor<D>) -> [Tensor<D>; 1] {
        let [x] = saved.try_into().expect("the input");
        let [gate, values] = halves(&x);
        let [share, slope] = sigmoid_and_silu_slope(gate.clone());
        let parts = vec![grad.clone() * values * slope, grad * gate * share];
        [Tensor::cat(parts, D - 1)]
    }
}

#[cfg(feature = "flex")]
mod host {
    use crate::host::{Array, HostOp};
    use crate::{parallel, scalar};

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Gated;

    impl HostOp<1> for Gated {
        type Saved = Option<Array>;

        fn forward(&self, [x]: [Array; 1], track: bool) -> (Array, Self::Saved) {
            let mut dims = x.dims().to_vec();
            let half = x.rows()[1] / 2;
            *dims.last_mut().expect("an axis") = half;
            let mut y = Array::to_fill(&dims);
            if half > 0 {
                parallel::rows::<Forward, _>(y.owned(), half, (x.values(), half));
            }
            if !track {
                x.leave();
                return (y, None);
            }
            (y, Some(x))
        }

        /// In the place of the input, where nobody else holds it.
        fn backward(&self, saved: Self::Saved, grad: Array, _: [bool; 1]) -> [Option<Array>; 1] {
            let mut x = saved.expect("a tracked forward pass").own();
            let width = x.rows()[1];
            if width > 0 {
                parallel::rows::<Backward, _>(x.owned(), width, (grad.values(), width / 2));
            }
            grad.leave();
            [Some(x)]
        }
    }

    type Rows<'a, 'b> = ((&'a [f32], usize), usize, &'b mut [f32]);

    struct Forward;

    impl parallel::Kernel<Rows<'_, '_>> for Forward {
        type Output = ();

        #[inline(always)]
        fn run(((x, half), first, out): Rows) {
            for (i, out) in out.chunks_mut(half).enumerate() {
                let (gate, values) = x[(first + i) * 2 * half..][..2 * half].split_at(half);
                for j in 0..half {
                    out[j] = gate[j] * scalar::sigmoid(gate[j]) * values[j];
                }
            }
        }
    }

    struct Backward;

    impl parallel::Kernel<Rows<'_, '_>> for Backward {
        type Output = ();

        #[inline(always)]
        fn run(((grad, half), first, x): Rows) {
            for (i, x) in x.chunks_mut(2 * half).enumerate() {
                let grad = &grad[(first + i) * half..][..half];
                let (gate, values) = x.split_at_mut(half);
                for j in 0..half {
                    let (a, p) = (gate[j], scalar::sigmoid(gate[j]));
                    gate[j] = grad[j] * values[j] * (p + a * p * (1.0 - p));
                    values[j] = grad[j] * (a * p);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::{assert_gradients, leaf};

    #[test]
    fn gradients_of_the_input_alone() {
        assert_gradients(&Gated, [(leaf([3, 2, 10], 1) * 3.0).detach().require_grad()]);
    }
}
