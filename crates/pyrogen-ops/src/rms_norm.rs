//! Normalisation by the root mean square over the last axis.

use burn::tensor::Tensor;

use crate::device;
#[cfg(feature = "flex")]
use crate::host::{apply, on_host};
use crate::normalise_device::NormaliseRootMeanSquare;

/// Divides by the root mean square along the last axis, then scales each element:
/// `x / sqrt(mean(x^2) + epsilon) * gamma`.
///
/// # Shapes
/// `x` is `[.., features]`, `gamma` is `[features]`.
///
/// # Panics
/// If the sizes do not fit.
///
/// # References
/// Zhang and Sennrich 2019, "Root mean square layer normalization", eq. 4.
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    assert_eq!(gamma.dims(), [x.dims()[D - 1]], "rms_norm: one scale a feature");
    #[cfg(feature = "flex")]
    if on_host(&x) {
        return apply(host::RmsNorm { epsilon }, [x.into(), gamma.into()]);
    }
    let (dims, width) = (x.dims(), gamma.dims()[0]);
    let rows = dims[..D - 1].iter().product();
    let inputs = [x.reshape([rows, 1, width]), gamma.unsqueeze()];
    device::apply(NormaliseRootMeanSquare { epsilon }, inputs).0.reshape(dims)
}

#[cfg(feature = "flex")]
pub(crate) mod host {
    use rayon::prelude::*;

    use crate::host::{Array, HostOp};
    use crate::parallel::{self, kernels, vectorised};
    use crate::sums;

    /// Rows that one piece works through; its sums for `gamma` are its own.
    const ROWS: usize = 64;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct RmsNorm {
        pub(super) epsilon: f64,
    }

    impl HostOp<2> for RmsNorm {
        type Saved = Option<(Array, Array)>;

        fn forward(&self, [x, gamma]: [Array; 2], track: bool) -> (Array, Self::Saved) {
            let width = gamma.values().len().max(1);
            let mut y = Array::to_fill(x.dims());
            let args = (x.values(), gamma.values(), self.epsilon);
            parallel::rows::<Forward, _>(y.owned(), width, args);
            if !track {
                x.leave();
                return (y, None);
            }
            (y, Some((x, gamma)))
        }

        fn backward(&self, saved: Self::Saved, grad: Array, _: [bool; 2]) -> [Option<Array>; 2] {
            let (x, gamma) = saved.expect("a tracked forward pass");
            let width = gamma.values().len().max(1);
            let piece = ROWS * width;
            let mut grad = grad.own();
            let pieces = grad.owned().par_chunks_mut(piece).zip(x.values().par_chunks(piece));
            let sums: Vec<Vec<f32>> = pieces
                .map(|(dy, x)| vectorised::<Back, _>((dy, x, gamma.values(), self.epsilon)))
                .collect();
            let mut total = vec![0f32; width];
            for part in &sums {
                total.iter_mut().zip(part).for_each(|(t, s)| *t += s);
            }
            x.leave();
            [Some(grad), Some(Array::new(total, &[width]))]
        }
    }

    struct Forward;

    type Rows<'a, 'b> = ((&'a [f32], &'a [f32], f64), usize, &'b mut [f32]);

    impl parallel::Kernel<Rows<'_, '_>> for Forward {
        type Output = ();

        #[inline(always)]
        fn run(args: Rows) {
            forward(args);
        }
    }

    kernels! {
        ['a] Back: backward, (&'a mut [f32], &'a [f32], &'a [f32], f64) => Vec<f32>;
    }

    /// One over the root mean square.
    #[inline(always)]
    fn scale(x: &[f32], epsilon: f64) -> f32 {
        (1.0 / (sums::dot(x, x) / x.len() as f64 + epsilon).sqrt()) as f32
    }

    #[inline(always)]
    fn forward(((x, gamma, epsilon), first, out): Rows) {
        let width = gamma.len();
        for (i, out) in out.chunks_mut(width).enumerate() {
            forward_row(&x[(first + i) * width..][..width], gamma, epsilon, out);
        }
    }

    /// One row, normalised and scaled.
    #[inline(always)]
    pub(crate) fn forward_row(x: &[f32], gamma: &[f32], epsilon: f64, out: &mut [f32]) {
        let scale = scale(x, epsilon);
        for ((out, x), gamma) in out.iter_mut().zip(x).zip(gamma) {
            *out = x * scale * gamma;
        }
    }

    /// Makes of `dy` the gradient of the row `x`, and adds to `dgamma` what is due to it.
    #[inline(always)]
    pub(crate) fn backward_row(
        dy: &mut [f32],
        x: &[f32],
        gamma: &[f32],
        epsilon: f64,
        dgamma: &mut [f32],
    ) {
        let width = gamma.len();
        let (dy, x, dgamma) = (&mut dy[..width], &x[..width], &mut dgamma[..width]);
        let scale = scale(x, epsilon);
        let along = sums::sum(width, |i| dy[i] * gamma[i] * (x[i] * scale));
        let along = (along / width as f64) as f32;
        for i in 0..width {
            let xhat = x[i] * scale;
            dgamma[i] += dy[i] * xhat;
            dy[i] = scale * (gamma[i] * dy[i] - xhat * along);
        }
    }

    /// Makes of `dy` the gradient of `x`, and returns the sums over the rows for `gamma`.
    #[inline(always)]
    fn backward((dy, x, gamma, epsilon): (&mut [f32], &[f32], &[f32], f64)) -> Vec<f32> {
        let width = gamma.len();
        let mut dgamma = vec![0f32; width];
        for (dy, x) in dy.chunks_mut(width).zip(x.chunks(width)) {
            backward_row(dy, x, gamma, epsilon, &mut dgamma);
        }
        dgamma
    }
}
