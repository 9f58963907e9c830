//! Monte Carlo estimates.

use burn::tensor::Tensor;
use burn::tensor::kind::Basic;

use super::super::Distribution;
use crate::Noise;

/// A Monte Carlo estimate: a mean over draws, with its standard error.
#[derive(Debug, Clone)]
pub struct Estimate<const B: usize> {
    /// The mean over the draws.
    pub mean: Tensor<B>,
    /// The standard error of the mean: the draws' standard deviation over the root of their number.
    pub standard_error: Tensor<B>,
    /// The number of draws.
    pub draws: usize,
}

/// `KL(p || q)` from draws of `p`, for pairs that have no closed form.
///
/// ```text
/// mean_i (log p(x_i) - log q(x_i))    x_i from p
/// ```
///
/// Unbiased. Infinite where a draw is impossible under `q`; where `q` has lighter tails than `p` the
/// error may be too small, since the draws that matter are rare.
///
/// # Panics
/// With fewer than two draws, which have no error.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Cauchy, Normal, kl_estimate};
/// use pyrogen_core::{Noise, Seed};
///
/// let device = Device::flex();
/// let p = Normal::standard([3], &device);
/// let q = Cauchy::new(Tensor::zeros([3], &device), Tensor::ones([3], &device))?;
/// let kl = kl_estimate(&p, &q, 400, &mut Noise::new(Seed(1)));
/// // 0.2592 by quadrature.
/// let error: Vec<f32> = ((kl.mean - 0.2592).abs() / kl.standard_error).into_data().iter().collect();
/// assert!(error.iter().all(|e| *e < 4.0));
/// # Ok::<(), pyrogen_core::ParameterError>(())
/// ```
pub fn kl_estimate<P, Q, const X: usize, const B: usize, K: Basic>(
    p: &P,
    q: &Q,
    draws: usize,
    noise: &mut Noise,
) -> Estimate<B>
where
    P: Distribution<X, B, K>,
    Q: Distribution<X, B, K>,
{
    assert!(draws >= 2, "kl_estimate: two draws are needed for a standard error, got {draws}");
    // Welford's sums, so that no two large numbers are subtracted.
    let mut sums: Option<(Tensor<B>, Tensor<B>)> = None;
    for n in 1..=draws {
        let x = p.sample(noise);
        let ratio = p.log_prob(x.clone()) - q.log_prob(x);
        sums = Some(match sums {
            None => (ratio.clone(), ratio.zeros_like()),
            Some((mean, squares)) => {
                let difference = ratio.clone() - mean.clone();
                let mean = mean + difference.clone() / n as f64;
                (mean.clone(), squares + difference * (ratio - mean))
            }
        });
    }
    let (mean, squares) = sums.expect("two draws at least");
    let variance = squares / ((draws - 1) as f64 * draws as f64);
    Estimate { mean, standard_error: variance.sqrt(), draws }
}
