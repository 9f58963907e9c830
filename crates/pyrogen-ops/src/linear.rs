//! Products of many rows with one matrix.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// `x W + b` along the last axis.
///
/// # Shapes
/// `x` is `[.., d_in]`, `weight` `[d_in, d_out]`, `bias` `[d_out]`; the result is `[.., d_out]`.
///
/// # Numerics
/// On the host sums are in another order than Burn's own.
///
/// # Panics
/// If the sizes do not fit.
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    let [d_in, d_out] = weight.dims();
    assert!(
        x.dims()[D - 1] == d_in && bias.as_ref().is_none_or(|bias| bias.dims() == [d_out]),
        "linear: weight {:?} does not fit inputs {:?} or the bias",
        weight.dims(),
        x.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) && x.shape().num_elements() >= host::ROWS * d_in.max(1) {
        return match bias {
            Some(bias) => apply(host::Linear, [x.into(), weight.into(), bias.into()]),
            None => apply(host::Linear, [x.into(), weight.into()]),
        };
    }
    burn::tensor::module::linear(x, weight, bias)
}

/// The product of two matrices.
///
/// # Shapes
/// `[m, k]` and `[k, n]` to `[m, n]`.
///
/// # Panics
/// If the sizes do not fit.
pub fn matmul(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    linear(a, b, None)
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use crate::host::{Array, HostOp, product_by_rows, whole_product};
    use crate::parallel::{kernels, vectorised};

    /// Rows below which Burn's own product is as good: it cuts columns too.
    pub(super) const ROWS: usize = 64;

    /// Rows that are added up together.
    const PIECE: usize = 256;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Linear;

    /// Inputs and weight.
    type Saved = Option<(Array, Array)>;

    impl<const N: usize> HostOp<N> for Linear {
        type Saved = Saved;

        fn forward(&self, inputs: [Array; N], track: bool) -> (Array, Saved) {
            let mut inputs = inputs.into_iter();
            let (x, weight) = (inputs.next().expect("inputs"), inputs.next().expect("a weight"));
            let mut dims = x.dims().to_vec();
            *dims.last_mut().expect("an axis") = weight.dims()[1];
            let bias = inputs.next();
            let out = product_by_rows(&x, (&weight, false), &dims, None, |part| {
                if let Some(bias) = &bias {
                    crate::parallel::rows::<AddBias, _>(part, bias.values().len(), bias.values());
                }
            });
            if !track {
                x.leave();
                return (out, None);
            }
            (out, Some((x, weight)))
        }

        fn backward(&self, saved: Saved, dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
            let (x, weight) = saved.expect("a tracked forward pass");
            let mut grads = std::array::from_fn(|i| {
                (wanted[i] && i > 0).then(|| match i {
                    1 => whole_product((&x, true), (&dy, false), weight.dims()),
                    _ => {
                        let width = weight.dims()[1];
                        Array::new(column_sums(dy.values(), width), &[width])
                    }
                })
            });
            if wanted[0] {
                // In the memory of the input, which the weight's gradient was the last to need.
                let dims = x.dims().to_vec();
                grads[0] = Some(product_by_rows(&dy, (&weight, true), &dims, Some(x), |_| ()));
            }
            dy.leave();
            grads
        }
    }

    /// The sum of the rows, in pieces that depend on the sizes alone.
    fn column_sums(values: &[f32], cols: usize) -> Vec<f32> {
        let pieces = values.par_chunks(PIECE * cols);
        let sums: Vec<Vec<f32>> =
            pieces.map(|part| vectorised::<SumRows, _>((part, cols))).collect();
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

    impl<'a, 'b> crate::parallel::Kernel<(&'a [f32], usize, &'b mut [f32])> for AddBias {
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
}
