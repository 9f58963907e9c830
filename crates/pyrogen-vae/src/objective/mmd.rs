//! Maximum mean discrepancy between latents and prior: InfoVAE and the Wasserstein autoencoder.

use burn::tensor::Tensor;
use pyrogen_core::{ConfigError, Loss};
use pyrogen_nn::ops;
use serde::{Deserialize, Serialize};

use super::Pass;
use pyrogen_core::config::check::{not_negative, positive};

/// InfoVAE: a weight of its own for the distance of the latents *as a whole* from the prior (Zhao
/// et al. 2019, eq. 6, with the maximum mean discrepancy as that distance).
///
/// ```text
/// total = reconstruction + (1 - alpha) kl + (alpha + lambda - 1) mmd
/// ```
///
/// `alpha = 1` is MMD-VAE, where an example may be coded as precisely as it takes and the codes of
/// all examples together must fill the prior; `alpha = 0` and `lambda = 1` is the evidence lower
/// bound. `mmd` is that of [`Kernel`] between the latent draws and as many draws from the prior.
///
/// # References
/// Zhao, Song and Ermon (2019), "InfoVAE: Balancing Learning and Inference in Variational
/// Autoencoders" (first published 2017). Gretton et al. (2012), "A Kernel Two-Sample Test", eq. 3,
/// for the estimate.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Info {
    /// How much information between example and latents is preferred; at most 1.
    pub alpha: f64,
    /// Weight of the distance from the prior; at least `1 - alpha`.
    pub lambda: f64,
    /// The kernel.
    pub kernel: Kernel,
}

impl Default for Info {
    /// MMD-VAE with weight 100. The estimate from a batch is noisy, and a weight of thousands makes
    /// its noise all that is learned from.
    fn default() -> Self {
        Self { alpha: 1.0, lambda: 100.0, kernel: Kernel::default() }
    }
}

impl Info {
    pub(super) fn validate(&self, at: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        if !(self.alpha.is_finite() && self.alpha <= 1.0) {
            return Err(ConfigError::value(at("alpha"), "a number of at most 1", self.alpha));
        }
        if !(self.lambda.is_finite() && self.lambda >= 1.0 - self.alpha) {
            let expected = format!("a number of at least 1 - alpha ({})", 1.0 - self.alpha);
            return Err(ConfigError::value(at("lambda"), expected, self.lambda));
        }
        self.kernel.validate(&at("kernel"))
    }

    pub(super) fn loss(&self, pass: &Pass) -> Loss {
        Loss::new()
            .term("reconstruction", pass.reconstruction())
            .weighted("kl", pass.mean_kl(), 1.0 - self.alpha)
            .weighted("mmd", discrepancy(&self.kernel, pass), self.alpha + self.lambda - 1.0)
    }
}

/// Wasserstein autoencoder with an MMD penalty (Tolstikhin et al. 2018, algorithm 2). The encoder
/// is deterministic: one code an example.
///
/// ```text
/// total = reconstruction + lambda mmd
/// ```
///
/// The cost of a reconstruction is `-ln p(x | z)`: with a Gaussian decoder of fixed scale `s` the
/// squared error divided by `2 s^2`, and a constant. There is no likelihood, since codes have no
/// density. [`Encode`](pyrogen_core::Encode) gives a normal distribution with a standard deviation
/// of 5.5e-4 around the code.
///
/// # References
/// Tolstikhin, Bousquet, Gelly and Schölkopf (2018), "Wasserstein Auto-Encoders".
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wae {
    /// Weight of the discrepancy.
    pub lambda: f64,
    /// The kernel.
    pub kernel: Kernel,
}

impl Default for Wae {
    /// Weight 100 with the paper's kernel.
    fn default() -> Self {
        Self { lambda: 100.0, kernel: Kernel::inverse_multiquadratic() }
    }
}

impl Wae {
    pub(super) fn validate(&self, at: impl Fn(&str) -> String) -> Result<(), ConfigError> {
        not_negative(&at("lambda"), self.lambda)?;
        self.kernel.validate(&at("kernel"))
    }

    pub(super) fn loss(&self, pass: &Pass) -> Loss {
        Loss::new().term("reconstruction", pass.reconstruction()).weighted(
            "mmd",
            discrepancy(&self.kernel, pass),
            self.lambda,
        )
    }
}

/// A kernel between latent vectors `z` and `z'`, with `d` their number of dimensions.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Kernel {
    /// `exp(-|z - z'|^2 / (2 bandwidth^2))`.
    Gaussian {
        /// The bandwidth; `sqrt(d)` where none is given, at which draws from the prior are about
        /// `sqrt(2)` bandwidths apart.
        bandwidth: Option<f64>,
    },
    /// `sum_s C / (C + |z - z'|^2)` with `C = 2 d s` (Tolstikhin et al. 2018, section 4): tails
    /// that still pull codes which are far off.
    InverseMultiquadratic {
        /// The scales `s`.
        scales: Vec<f64>,
    },
}

impl Default for Kernel {
    fn default() -> Self {
        Self::Gaussian { bandwidth: None }
    }
}

impl Kernel {
    /// The inverse multiquadratic kernel with the scales 0.1, 0.2, 0.5, 1, 2, 5 and 10.
    pub fn inverse_multiquadratic() -> Self {
        Self::InverseMultiquadratic { scales: vec![0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0] }
    }

    fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::Gaussian { bandwidth: None } => Ok(()),
            Self::Gaussian { bandwidth: Some(b) } => {
                positive(&format!("{field}.gaussian.bandwidth"), *b)
            }
            Self::InverseMultiquadratic { scales } => {
                let field = format!("{field}.inverse_multiquadratic.scales");
                if scales.is_empty() {
                    return Err(ConfigError::value(field, "a list of numbers", "none"));
                }
                scales.iter().try_for_each(|&s| positive(&field, s))
            }
        }
    }

    /// The kernel of squared distances between vectors of `d` dimensions.
    fn apply(&self, squares: Tensor<2>, d: usize) -> Tensor<2> {
        match self {
            Self::Gaussian { bandwidth } => {
                let variance = bandwidth.map_or(d as f64, |b| b * b);
                (squares * (-0.5 / variance)).exp()
            }
            Self::InverseMultiquadratic { scales } => {
                let term = |s: &f64| {
                    let c = 2.0 * d as f64 * s;
                    (squares.clone() + c).recip() * c
                };
                scales.iter().map(term).reduce(|a, b| a + b).expect("checked to be one or more")
            }
        }
    }
}

fn discrepancy(kernel: &Kernel, pass: &Pass) -> Tensor<1> {
    mmd(kernel, pass.points.z.clone(), pass.more.clone().expect("draws from the prior"))
}

/// The unbiased estimate of the squared maximum mean discrepancy between the distributions that
/// two samples of `n` come from (Gretton et al. 2012, eq. 3):
///
/// ```text
/// 1/(n (n - 1)) sum_{i != j} (k(a_i, a_j) + k(b_i, b_j)) - 2/n^2 sum_{ij} k(a_i, b_j)
/// ```
///
/// It may be negative. One draw each says nothing: the estimate is then 0.
fn mmd(kernel: &Kernel, a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let [n, d] = a.dims();
    if n < 2 {
        return Tensor::zeros([1], &a.device());
    }
    let k = |x: &Tensor<2>, y: &Tensor<2>| kernel.apply(squared_distances(x.clone(), y.clone()), d);
    let others = Tensor::<2>::eye(n, &a.device()).neg() + 1.0;
    let within = ops::sum((k(&a, &a) + k(&b, &b)) * others) / (n * (n - 1)) as f64;
    within - k(&a, &b).mean() * 2.0
}

/// `|x_i - y_j|^2` at `[i, j]`, never below 0.
fn squared_distances(x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    let norm = |v: &Tensor<2>| v.clone().square().sum_dim(1);
    let squares = norm(&x) + norm(&y).transpose() - x.matmul(y.transpose()) * 2.0;
    squares.clamp_min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::{Noise, Seed};
    use pyrogen_testkit::{device, host};

    fn kernels() -> [Kernel; 2] {
        [Kernel::default(), Kernel::inverse_multiquadratic()]
    }

    #[test]
    fn draws_of_one_law_do_not_differ_and_of_two_do() {
        // With 500 draws the standard error of either estimate is below 2e-3 times the kernel's
        // largest value (1 and 7), found over twenty seeds.
        const NOISE: f64 = 0.01;
        let mut noise = Noise::new(Seed(1));
        let mut draw = || noise.normal([500, 3], &device());
        let (a, b, c) = (draw(), draw(), draw() + 1.0);
        for (kernel, top) in kernels().into_iter().zip([1.0, 7.0]) {
            let same = host(mmd(&kernel, a.clone(), b.clone()))[0];
            let other = host(mmd(&kernel, a.clone(), c.clone()))[0];
            assert!(same.abs() < NOISE * top && other > 5.0 * NOISE * top, "{same} {other}");
        }
    }

    #[test]
    fn a_batch_of_one_is_left_alone() {
        let one = Tensor::ones([1, 3], &device());
        for kernel in kernels() {
            assert_eq!(host(mmd(&kernel, one.clone(), one.clone() * 2.0)), [0.0]);
        }
    }
}
