//! Stable sums.

use burn::tensor::Tensor;

/// `ln(sum exp(x))` over the axis `dim`, which is kept with length 1.
///
/// # Numerics
/// The largest term is taken out first.
pub(crate) fn log_sum_exp<const D: usize>(x: Tensor<D>, dim: usize) -> Tensor<D> {
    let top = x.clone().detach().max_dim(dim);
    (x - top.clone()).exp().sum_dim(dim).log() + top
}

/// Each row `draws` times, one after the other: `[rows, width]` to `[rows * draws, width]`.
pub(crate) fn spread(x: Tensor<2>, draws: usize) -> Tensor<2> {
    if draws == 1 {
        return x;
    }
    let [rows, width] = x.dims();
    x.unsqueeze_dim::<3>(1).expand([rows, draws, width]).reshape([rows * draws, width])
}

/// The values on the host, in f64.
pub(crate) fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}
