//! Normalisation of the queries and keys of each head.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{apply, on_host};

/// [`rms_norm`](crate::rms_norm) of each head of the queries and of the keys, which stand side by side
/// in front of the values; values stay as they are.
///
/// # Shapes
/// `x` is `[batch, places, (heads[0] + heads[1] + ..) d]`: `heads[0]` heads of queries, `heads[1]` of
/// keys, then anything. `query` and `key` are `[d]`, the scales that all heads of a kind share.
///
/// # Panics
/// If the sizes do not fit.
///
/// # References
/// Henry et al. 2020, "Query-key normalization for transformers", with the root mean square of Zhang
/// and Sennrich 2019.
pub fn query_key_norm(
    x: Tensor<3>,
    [query, key]: [Tensor<1>; 2],
    heads: [usize; 2],
    epsilon: f64,
) -> Tensor<3> {
    let (d, width) = (query.dims()[0], x.dims()[2]);
    assert!(
        key.dims() == [d] && (heads[0] + heads[1]) * d <= width,
        "query_key_norm: {heads:?} heads with scales of {d} and {:?} do not fit {width} features",
        key.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::HeadNorm { heads, epsilon }, [x.into(), query.into(), key.into()]);
    }
    let [batch, places, _] = x.dims();
    let part = |gamma: Tensor<1>, from: usize, count: usize| {
        let part = x.clone().narrow(2, from * d, count * d).reshape([batch, places, count, d]);
        crate::rms_norm(part, gamma, epsilon).reshape([batch, places, count * d])
    };
    let normed = (heads[0] + heads[1]) * d;
    let mut parts = vec![part(query, 0, heads[0]), part(key, heads[0], heads[1])];
    if normed < width {
        parts.push(x.clone().narrow(2, normed, width - normed));
    }
    Tensor::cat(parts, 2)
}

#[cfg(feature = "flex")]
mod host {
    use rayon::prelude::*;

    use crate::host::{Array, HostOp};
    use crate::parallel::{self, kernels, vectorised};
    use crate::rms_norm::host::{backward_row, forward_row};

    /// Rows that one piece works through; its sums for the scales are its own.
    const ROWS: usize = 32;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct HeadNorm {
        pub(super) heads: [usize; 2],
        pub(super) epsilon: f64,
    }

    impl HostOp<3> for HeadNorm {
        type Saved = Option<[Array; 3]>;

        fn forward(&self, [x, query, key]: [Array; 3], track: bool) -> (Array, Self::Saved) {
            let mut y = Array::to_fill(x.dims());
            let width = x.rows()[1];
            if width > 0 {
                let args = (*self, x.values(), [query.values(), key.values()], width);
                parallel::rows::<Forward, _>(y.owned(), width, args);
            }
            if !track {
                x.leave();
                return (y, None);
            }
            (y, Some([x, query, key]))
        }

        fn backward(&self, saved: Self::Saved, grad: Array, _: [bool; 3]) -> [Option<Array>; 3] {
            let [x, query, key] = saved.expect("a tracked forward pass");
            let (width, d) = (x.rows()[1].max(1), query.values().len());
            let mut grad = grad.own();
            let piece = ROWS * width;
            let pieces = grad.owned().par_chunks_mut(piece).zip(x.values().par_chunks(piece));
            let gammas = [query.values(), key.values()];
            let sums: Vec<Vec<f32>> = pieces
                .map(|(dy, x)| vectorised::<Back, _>((*self, dy, x, gammas, width)))
                .collect();
            let mut totals = vec![0f32; 2 * d];
            for part in &sums {
                totals.iter_mut().zip(part).for_each(|(t, s)| *t += s);
            }
            x.leave();
            let of_keys = totals.split_off(d);
            [Some(grad), Some(Array::new(totals, &[d])), Some(Array::new(of_keys, &[d]))]
        }
    }

    type Rows<'a, 'b> = ((HeadNorm, &'a [f32], [&'a [f32]; 2], usize), usize, &'b mut [f32]);
    type Backward<'a> = (HeadNorm, &'a mut [f32], &'a [f32], [&'a [f32]; 2], usize);

    struct Forward;

    impl parallel::Kernel<Rows<'_, '_>> for Forward {
        type Output = ();

        #[inline(always)]
        fn run(((op, x, gammas, width), first, out): Rows) {
            let d = gammas[0].len();
            let normed = (op.heads[0] + op.heads[1]) * d;
            for (i, out) in out.chunks_mut(width).enumerate() {
                let x = &x[(first + i) * width..][..width];
                for (head, out) in out[..normed].chunks_exact_mut(d).enumerate() {
                    let gamma = gammas[usize::from(head >= op.heads[0])];
                    forward_row(&x[head * d..][..d], gamma, op.epsilon, out);
                }
                out[normed..].copy_from_slice(&x[normed..]);
            }
        }
    }

    kernels! {
        ['a] Back: backward, Backward<'a> => Vec<f32>;
    }

    /// Makes of `dy` the gradient of `x`, and returns the sums over the rows for the scales of queries,
    /// then of keys.
    #[inline(always)]
    fn backward((op, dy, x, gammas, width): Backward) -> Vec<f32> {
        let d = gammas[0].len();
        let normed = (op.heads[0] + op.heads[1]) * d;
        let mut sums = vec![0f32; 2 * d];
        let (of_queries, of_keys) = sums.split_at_mut(d);
        for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
            let heads = dy[..normed].chunks_exact_mut(d).zip(x.chunks_exact(d));
            for (head, (dy, x)) in heads.enumerate() {
                let is_key = head >= op.heads[0];
                let sums = if is_key { &mut *of_keys } else { &mut *of_queries };
                backward_row(dy, x, gammas[usize::from(is_key)], op.epsilon, sums);
            }
        }
        sums
    }
}
