//! Layer normalisation over the last axis.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host::{Array, HostOp, apply, on_host};

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
    let width = x.dims()[D - 1];
    assert!(
        gamma.dims() == [width] && beta.dims() == [width],
        "layer_norm: expected gamma and beta of [{width}], got {:?} and {:?}",
        gamma.dims(),
        beta.dims()
    );
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(LayerNorm { epsilon }, [x.into(), gamma.into(), beta.into()]);
    }
    let x = x.clone() - x.mean_dim(D - 1);
    let var = (x.clone() * x.clone()).mean_dim(D - 1);
    x / (var + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}

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
    use crate::parallel::vectorised;
    use crate::sums;

    /// Rows that one piece works through; its sums for `gamma` and `beta` are its own.
    const ROWS: usize = 64;

    impl HostOp<3> for LayerNorm {
        type Saved = Option<(Array, Array)>;

        fn forward(&self, [x, gamma, beta]: [Array; 3], track: bool) -> (Array, Self::Saved) {
            let mut out = vec![0.0; x.values().len()];
            let width = gamma.values().len().max(1);
            crate::parallel::rows(&mut out, width, |i, out| {
                let x = &x.values()[i * width..(i + 1) * width];
                let [mean, scale] = moments(x, self.epsilon);
                let affine = gamma.values().iter().zip(beta.values());
                for ((o, x), (g, b)) in out.iter_mut().zip(x).zip(affine) {
                    *o = (x - mean) * scale * g + b;
                }
            });
            let y = Array::new(out, x.dims());
            (y, track.then_some((x, gamma)))
        }

        fn backward(
            &self,
            saved: Self::Saved,
            grad: Array,
            _wanted: [bool; 3],
        ) -> [Option<Array>; 3] {
            let (x, gamma) = saved.expect("a tracked forward pass");
            let width = gamma.values().len().max(1);
            let piece = ROWS * width;
            let mut dx = vec![0.0; x.values().len()];
            let pieces = x.values().par_chunks(piece).zip(grad.values().par_chunks(piece));
            let sums: Vec<_> = dx
                .par_chunks_mut(piece)
                .zip(pieces)
                .map(|(dx, (x, dy))| {
                    vectorised(|| rows_backward(dx, x, dy, gamma.values(), self.epsilon))
                })
                .collect();
            let mut totals = vec![0f32; 2 * width];
            for part in &sums {
                totals.iter_mut().zip(part).for_each(|(t, s)| *t += s);
            }
            let dbeta = totals.split_off(width);
            [
                Some(Array::new(dx, x.dims())),
                Some(Array::new(totals, &[width])),
                Some(Array::new(dbeta, &[width])),
            ]
        }
    }

    /// Fills `dx` and returns the sums over the rows for `gamma`, then for `beta`.
    #[inline(always)]
    fn rows_backward(
        dx: &mut [f32],
        x: &[f32],
        dy: &[f32],
        gamma: &[f32],
        epsilon: f64,
    ) -> Vec<f32> {
        let width = gamma.len();
        let mut out = vec![0f32; 2 * width];
        let (dgamma, dbeta) = out.split_at_mut(width);
        let rows = dx.chunks_mut(width).zip(x.chunks(width)).zip(dy.chunks(width));
        for ((dx, x), dy) in rows {
            let [mean, scale] = moments(x, epsilon);
            let a = sums::dot(dy, gamma) / width as f64;
            let b = sums::sum(width, |i| dy[i] * gamma[i] * ((x[i] - mean) * scale));
            let (a, b) = (a as f32, (b / width as f64) as f32);
            for i in 0..width {
                let xhat = (x[i] - mean) * scale;
                dx[i] = scale * (gamma[i] * dy[i] - a - xhat * b);
                dgamma[i] += dy[i] * xhat;
                dbeta[i] += dy[i];
            }
        }
        out
    }
}
