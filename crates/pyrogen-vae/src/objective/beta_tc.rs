//! beta-TC-VAE: the divergence in three parts.

use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal};
use pyrogen_core::{ConfigError, Loss};
use serde::{Deserialize, Serialize};

use super::Pass;
use crate::numerics::log_sum_exp;
use pyrogen_core::config::check::{not_negative, within};

/// beta-TC-VAE: the mean divergence over the data, split into three parts (Chen et al. 2018,
/// eq. 2 and 4).
///
/// ```text
/// mutual_information = E[ln q(z | x) - ln q(z)]            between example and latents
/// total_correlation  = E[ln q(z) - sum_j ln q(z_j)]        dependence between the latents
/// dimension_kl       = E[sum_j (ln q(z_j) - ln p(z_j))]    distance of each latent from the prior
/// total = reconstruction + alpha mutual_information + beta total_correlation + gamma dimension_kl
/// ```
///
/// `q(z) = mean_n q(z | x_n)` over the whole training data is estimated from the examples of the
/// batch; all three are estimates at the latent draws. `kl`, in closed form, is only logged.
///
/// # References
/// Chen, Li, Grosse and Duvenaud (2018), "Isolating Sources of Disentanglement in Variational
/// Autoencoders".
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BetaTc {
    /// Weight of the mutual information.
    pub alpha: f64,
    /// Weight of the total correlation.
    pub beta: f64,
    /// Weight of the distances from the prior.
    pub gamma: f64,
    /// Number of training examples, which the estimators weigh with.
    pub examples: usize,
    /// How `q(z)` is estimated.
    pub estimator: TcEstimator,
}

impl Default for BetaTc {
    /// Weights 1, 2 and 1; the paper uses up to 10 for pictures of thousands of pixels, which
    /// outweigh a larger penalty. The number of examples must be given.
    fn default() -> Self {
        Self { alpha: 1.0, beta: 2.0, gamma: 1.0, examples: 0, estimator: TcEstimator::default() }
    }
}

/// How `q(z)` is estimated from a batch of `B` examples out of `N`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TcEstimator {
    /// Minibatch weighted sampling, `q(z_i) ~ 1/(N B) sum_j q(z_i | x_j)`: biased, smooth (Chen
    /// et al. 2018, eq. 5).
    #[default]
    Weighted,
    /// Minibatch stratified sampling: the example that made `z_i` has the weight `1/N` that it has
    /// in the data, and the others stand for the rest. Unbiased before the logarithm (Chen et al.
    /// 2018, appendix C.2).
    Stratified,
}

impl BetaTc {
    pub(super) fn validate(&self, at: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        not_negative(&at("alpha"), self.alpha)?;
        not_negative(&at("beta"), self.beta)?;
        not_negative(&at("gamma"), self.gamma)?;
        // A number that is divided by, and not one that is allocated.
        within(&at("examples"), self.examples, usize::MAX)
    }

    pub(super) fn loss(&self, pass: &Pass) -> Loss {
        let normal = pass.posterior().base();
        let z = pass.points.z.clone();
        let [rows, latents] = z.dims();
        // ln q(z_ij | x_k) at [i, k, j].
        let all: Normal<3> =
            Normal::new(normal.mean().unsqueeze_dim(0), normal.log_var().unsqueeze_dim(0));
        let each = all.log_prob(z.clone().unsqueeze_dim(1));
        let weights = self.log_weights(rows, &z.device());
        let joint: Tensor<1> =
            log_sum_exp(each.clone().sum_dim(2) + weights.clone(), 1).reshape([rows]);
        let product: Tensor<1> = log_sum_exp(each + weights, 1).sum_dim(2).reshape([rows]);
        let posterior = pass.posterior().log_prob(z.clone());
        let prior = Independent::new(Normal::standard([rows, latents], &z.device())).log_prob(z);
        let information = (posterior - joint.clone()).mean();
        let correlation = (joint - product.clone()).mean();
        Loss::new()
            .term("reconstruction", pass.reconstruction())
            .weighted("mutual_information", information, self.alpha)
            .weighted("total_correlation", correlation, self.beta)
            .weighted("dimension_kl", (product - prior).mean(), self.gamma)
            .logged("kl", pass.mean_kl().detach())
    }

    /// Logarithms of the weights of `q(z_i | x_j)` in the estimate of `q(z_i)`, `[rows, rows, 1]`.
    fn log_weights(&self, rows: usize, device: &Device) -> Tensor<3> {
        let weights: Vec<f32> = self.weights(rows).into_iter().map(|w| w.ln() as f32).collect();
        Tensor::from_data(TensorData::new(weights, [rows, rows, 1]), device)
    }

    /// The weights on the host, row-major. A batch of one has no others to stand for the rest: its
    /// own posterior is all there is.
    fn weights(&self, rows: usize) -> Vec<f64> {
        let n = self.examples.max(rows) as f64;
        let others = (rows - 1) as f64;
        let weight = |i: usize, j: usize| match self.estimator {
            TcEstimator::Weighted => 1.0 / (n * rows as f64),
            TcEstimator::Stratified if rows == 1 => 1.0,
            TcEstimator::Stratified if i == j => 1.0 / n,
            // One of the others stands for what is left.
            TcEstimator::Stratified if j == (i + 1) % rows => (n - others) / (n * others),
            TcEstimator::Stratified => 1.0 / others,
        };
        (0..rows * rows).map(|k| weight(k / rows, k % rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of a few numbers in f64.
    const ROUNDING: f64 = 1e-12;

    /// Over all ordered choices of the two others, the stratified estimate of the mean of five
    /// numbers is that mean.
    #[test]
    fn the_stratified_estimate_is_unbiased() {
        let q = [0.3, 1.1, 0.2, 2.5, 0.9];
        let estimator = TcEstimator::Stratified;
        let config = BetaTc { examples: q.len(), estimator, ..BetaTc::default() };
        let weights = config.weights(3);
        for own in 0..q.len() {
            let (mut sum, mut count) = (0.0, 0.0);
            for a in (0..q.len()).filter(|a| *a != own) {
                for b in (0..q.len()).filter(|b| *b != own && *b != a) {
                    sum += weights[0] * q[own] + weights[1] * q[a] + weights[2] * q[b];
                    count += 1.0;
                }
            }
            let mean = q.iter().sum::<f64>() / q.len() as f64;
            assert!((sum / count - mean).abs() < ROUNDING, "{own}: {}", sum / count);
        }
    }

    #[test]
    fn rows_of_weights_sum_to_one_or_to_what_the_batch_is_of_the_data() {
        let with = |estimator| BetaTc { examples: 10, estimator, ..BetaTc::default() };
        for row in with(TcEstimator::Weighted).weights(4).chunks(4) {
            assert!((row.iter().sum::<f64>() - 0.1).abs() < ROUNDING);
        }
        for row in with(TcEstimator::Stratified).weights(4).chunks(4) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < ROUNDING);
            assert!(row.iter().all(|w| *w > 0.0));
        }
        assert_eq!(with(TcEstimator::Stratified).weights(1), [1.0]);
    }
}
