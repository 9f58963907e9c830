//! What the two players minimise, of the discriminator's logits.

use burn::tensor::Tensor;
use pyrogen_core::ConfigError;
use pyrogen_nn::ops;
use serde::{Deserialize, Serialize};

use pyrogen_core::config::check::positive;

/// What the players minimise.
///
/// `r` and `f` are the discriminator's logits (its values, for a critic) of real and of generated
/// examples, `E` their mean over the batch and over the places of a patch discriminator, `sp` is
/// `ln(1 + exp(x))`, and `s` is the label smoothing.
///
/// In JSON a name, `"hinge"`, or a name with its settings, `{"wasserstein": {"clip": 0.01}}`,
/// `{"relativistic": "hinge"}`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum GanLoss {
    /// The usual loss (Goodfellow et al. 2014, section 3).
    ///
    /// ```text
    /// discriminator  E[(1 - s) sp(-r) + s sp(r)] + E[sp(f)]
    /// generator      E[sp(-f)]
    /// ```
    #[default]
    NonSaturating,
    /// The game's own loss (Goodfellow et al. 2014, eq. 1): the discriminator's as above, and the
    /// generator minimises `-E[sp(f)]`, whose slope vanishes where the discriminator is sure.
    Minimax,
    /// Squares instead of logarithms (Mao et al. 2017, eq. 9).
    ///
    /// ```text
    /// discriminator  E[(r - 1 + s)^2] / 2 + E[f^2] / 2
    /// generator      E[(f - 1)^2] / 2
    /// ```
    LeastSquares,
    /// A margin of one on each side (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17).
    ///
    /// ```text
    /// discriminator  E[max(0, 1 - r)] + E[max(0, 1 + f)]
    /// generator      -E[f]
    /// ```
    Hinge,
    /// The difference of means under a critic that must not be steep (Arjovsky et al. 2017,
    /// algorithm 1): its weights are clipped, or a penalty or spectral normalisation holds it.
    ///
    /// ```text
    /// discriminator  E[f] - E[r]
    /// generator      -E[f]
    /// ```
    Wasserstein {
        /// Weights of the critic stay within this distance of 0; none where something else holds
        /// it.
        clip: Option<f64>,
    },
    /// Each example against the average of the other kind (Jolicoeur-Martineau 2019, algorithm 2 and
    /// appendix A), with `a = r - E[f]` and `b = f - E[r]`.
    Relativistic(Relativistic),
}

/// The relativistic average losses. The generator's is the discriminator's with `a` and `b`
/// exchanged.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relativistic {
    /// `E[(1 - s) sp(-a) + s sp(a)] + E[sp(b)]`: RaSGAN. The smoothing is the discriminator's alone.
    #[default]
    NonSaturating,
    /// `E[(a - 1 + s)^2] + E[(b + 1)^2]`: RaLSGAN.
    LeastSquares,
    /// `E[max(0, 1 - a)] + E[max(0, 1 + b)]`: RaHingeGAN.
    Hinge,
}

impl GanLoss {
    /// Checks the settings; `field` is the path that an error names.
    ///
    /// # Errors
    /// A bound that is not positive.
    pub fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::Wasserstein { clip: Some(clip) } => {
                positive(&format!("{field}.wasserstein.clip"), *clip)
            }
            _ => Ok(()),
        }
    }

    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NonSaturating => "non_saturating",
            Self::Minimax => "minimax",
            Self::LeastSquares => "least_squares",
            Self::Hinge => "hinge",
            Self::Wasserstein { .. } => "wasserstein",
            Self::Relativistic(_) => "relativistic",
        }
    }

    /// Whether the loss has a target for real examples, which smoothing can move.
    pub fn takes_smoothing(&self) -> bool {
        !matches!(
            self,
            Self::Hinge | Self::Wasserstein { .. } | Self::Relativistic(Relativistic::Hinge)
        )
    }

    /// Whether a logit is compared with the batch's others.
    pub fn compares(&self) -> bool {
        matches!(self, Self::Relativistic(_))
    }

    /// The discriminator's loss. `smoothing` is ignored by losses without a target.
    ///
    /// # Shapes
    /// `real` and `fake` are `[batch, places]`, the result is `[1]`.
    pub fn discriminator(&self, real: Tensor<2>, fake: Tensor<2>, smoothing: f64) -> Tensor<1> {
        match self {
            Self::NonSaturating | Self::Minimax => {
                cross_entropy(real, smoothing) + ops::softplus(fake).mean()
            }
            Self::LeastSquares => {
                ((real - (1.0 - smoothing)).square().mean() + fake.square().mean()) * 0.5
            }
            Self::Hinge => margin(real.neg()) + margin(fake),
            Self::Wasserstein { .. } => fake.mean() - real.mean(),
            Self::Relativistic(form) => {
                let (a, b) = relative(real, fake);
                form.apart(a, b, smoothing)
            }
        }
    }

    /// The generator's loss. Relativistic losses look at the real examples, too; the others ignore
    /// them.
    ///
    /// # Shapes
    /// As [`discriminator`](Self::discriminator).
    ///
    /// # Panics
    /// If a relativistic loss is given no real logits.
    pub fn generator(&self, real: Option<Tensor<2>>, fake: Tensor<2>) -> Tensor<1> {
        match self {
            Self::NonSaturating => ops::softplus(fake.neg()).mean(),
            Self::Minimax => ops::softplus(fake).mean().neg(),
            Self::LeastSquares => (fake - 1.0).square().mean() * 0.5,
            Self::Hinge | Self::Wasserstein { .. } => fake.mean().neg(),
            Self::Relativistic(form) => {
                let real = real.expect("GanLoss::generator: a relativistic loss needs real logits");
                let (a, b) = relative(real, fake);
                form.apart(b, a, 0.0)
            }
        }
    }
}

impl Relativistic {
    fn apart(self, above: Tensor<2>, below: Tensor<2>, smoothing: f64) -> Tensor<1> {
        match self {
            Self::NonSaturating => cross_entropy(above, smoothing) + ops::softplus(below).mean(),
            Self::LeastSquares => {
                (above - (1.0 - smoothing)).square().mean() + (below + 1.0).square().mean()
            }
            Self::Hinge => margin(above.neg()) + margin(below),
        }
    }
}

/// Each kind less the other's mean.
fn relative(real: Tensor<2>, fake: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let mean = |x: &Tensor<2>| x.clone().mean().reshape([1, 1]);
    let (of_real, of_fake) = (mean(&real), mean(&fake));
    (real - of_fake, fake - of_real)
}

/// `E[-(1 - s) ln(sigmoid(x)) - s ln(1 - sigmoid(x))]`.
fn cross_entropy(x: Tensor<2>, smoothing: f64) -> Tensor<1> {
    let sure = ops::softplus(x.clone().neg()).mean();
    if smoothing == 0.0 {
        return sure;
    }
    sure * (1.0 - smoothing) + ops::softplus(x).mean() * smoothing
}

/// `E[max(0, 1 + x)]`.
fn margin(x: Tensor<2>) -> Tensor<1> {
    ops::leaky_relu(x + 1.0, 0.0).mean()
}

/// The squared distance of the mean features of real and generated examples (Salimans et al. 2016,
/// section 3.1), a mean over the features.
///
/// # Shapes
/// `real` and `fake` are `[batch, features]`, the result is `[1]`.
pub fn feature_matching(real: Tensor<2>, fake: Tensor<2>) -> Tensor<1> {
    (real.mean_dim(0) - fake.mean_dim(0)).square().mean()
}
