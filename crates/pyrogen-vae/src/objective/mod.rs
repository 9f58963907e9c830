//! What training minimises.

mod beta_tc;
mod bounds;
mod factor;
mod mmd;
mod pass;

use burn::tensor::Tensor;
use pyrogen_core::{Batch, ConfigError, Loss, Noise, Objective};
use pyrogen_nn::MlpConfig;
use serde::{Deserialize, Serialize};

pub use beta_tc::{BetaTc, TcEstimator};
pub use factor::Factor;
pub use mmd::{Info, Kernel, Wae};
pub(crate) use pass::{Pass, divergence};

use crate::Vae;

use pyrogen_core::config::check::{not_negative, positive, within};

/// More importance samples of an example are a mistake: a batch holds all of them.
const MOST_SAMPLES: usize = 10_000;

/// What training minimises; each file of this module has one, with its formula.
///
/// In JSON a name, `"elbo"`, or a name with its settings, `{"iwae": {"samples": 5}}`.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum VaeObjective {
    /// The evidence lower bound with one latent draw an example and the divergence in closed form
    /// (Kingma and Welling 2014, eq. 10), its divergence weighted with
    /// [`beta`](crate::VaeConfig::beta) (Higgins et al. 2017, eq. 4).
    ///
    /// ```text
    /// reconstruction = mean_b -ln p(x_b | z_b)
    /// kl             = mean_b KL(q(z | x_b) || p(z))
    /// total          = reconstruction + beta kl
    /// ```
    #[default]
    Elbo,
    /// The same with a divergence that is free up to `nats` in each dimension (Kingma et al.
    /// 2016, eq. 15), against posterior collapse:
    ///
    /// ```text
    /// kl    = sum_j max(nats, mean_b KL(q(z_j | x_b) || p(z_j)))
    /// total = reconstruction + beta kl
    /// ```
    ///
    /// `rate` is the divergence itself, and is only logged.
    FreeBits {
        /// The divergence of one dimension that costs nothing.
        nats: f64,
    },
    /// The divergence is drawn to a target instead of to 0 (Burgess et al. 2018, eq. 8):
    ///
    /// ```text
    /// capacity = |mean_b KL(q(z | x_b) || p(z)) - nats|
    /// total    = reconstruction + gamma capacity
    /// ```
    ///
    /// `kl` is only logged. The paper raises the target linearly from 0 during training: the
    /// trainer's `anneal` of the term `capacity` with `of` = `target` does so, over its `steps`.
    Capacity {
        /// Weight of the distance from the target; the paper uses 1000.
        gamma: f64,
        /// The target.
        nats: f64,
    },
    /// The importance-weighted bound (Burda et al. 2016, eq. 8), which rises to `ln p(x)` with its
    /// draws and is the evidence lower bound at one draw.
    ///
    /// ```text
    /// iwae = mean_b -ln (1/K sum_k p(x_b | z_bk) p(z_bk) / q(z_bk | x_b))
    /// ```
    ///
    /// `reconstruction` and `kl` are only logged.
    Iwae {
        /// Latent draws an example, `K`.
        samples: usize,
    },
    /// beta-TC-VAE: the divergence in three parts with a weight each.
    BetaTc(BetaTc),
    /// FactorVAE: total correlation from a discriminator that is trained along.
    Factor(Factor),
    /// InfoVAE, with MMD-VAE as its best-known case.
    Info(Info),
    /// Wasserstein autoencoder with an MMD penalty; its encoder is deterministic.
    Wae(Wae),
}

impl VaeObjective {
    /// Latent draws an example.
    pub fn samples(&self) -> usize {
        match *self {
            Self::Iwae { samples } => samples,
            _ => 1,
        }
    }

    /// Standard normal vectors of the latents' size that one example takes in training: the
    /// latent draws, and one more for draws from the prior or random orders.
    pub fn draws(&self) -> usize {
        let more = matches!(self, Self::Factor(_) | Self::Info(_) | Self::Wae(_));
        self.samples().saturating_add(usize::from(more))
    }

    /// Whether examples have one code each, without a spread. There is then no likelihood.
    pub fn is_deterministic(&self) -> bool {
        matches!(self, Self::Wae(_))
    }

    /// Whether a term looks at the examples of a batch together and is not a mean over them, so
    /// that it depends on the pieces that a batch is cut into.
    pub fn compares_examples(&self) -> bool {
        matches!(
            self,
            Self::FreeBits { .. }
                | Self::Capacity { .. }
                | Self::BetaTc(_)
                | Self::Factor(_)
                | Self::Info(_)
                | Self::Wae(_)
        )
    }

    pub(crate) fn takes_beta(&self) -> bool {
        matches!(self, Self::Elbo | Self::FreeBits { .. })
    }

    pub(crate) fn takes_any_prior(&self) -> bool {
        matches!(self, Self::Elbo | Self::Capacity { .. } | Self::Iwae { .. })
    }

    pub(crate) fn discriminator(&self) -> Option<&MlpConfig> {
        match self {
            Self::Factor(factor) => Some(&factor.discriminator),
            _ => None,
        }
    }

    /// The name in a configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Elbo => "elbo",
            Self::FreeBits { .. } => "free_bits",
            Self::Capacity { .. } => "capacity",
            Self::Iwae { .. } => "iwae",
            Self::BetaTc(_) => "beta_tc",
            Self::Factor(_) => "factor",
            Self::Info(_) => "info",
            Self::Wae(_) => "wae",
        }
    }

    pub(crate) fn validate(&self, field: &str) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{}.{name}", self.name());
        match self {
            Self::Elbo => Ok(()),
            Self::FreeBits { nats } => not_negative(&at("nats"), *nats),
            Self::Capacity { gamma, nats } => {
                positive(&at("gamma"), *gamma)?;
                not_negative(&at("nats"), *nats)
            }
            Self::Iwae { samples } => within(&at("samples"), *samples, MOST_SAMPLES),
            Self::BetaTc(config) => config.validate(at),
            Self::Factor(config) => config.validate(at),
            Self::Info(config) => config.validate(at),
            Self::Wae(config) => config.validate(at),
        }
    }
}

/// The negative bound, or what else [`VaeObjective`] says, in nats; a mean over the batch.
///
/// The batch is flat, `[batch, features]`; the draws are standard normal numbers
/// `[batch, draws, latents]`, with [`VaeObjective::draws`] of them. Labels and contexts
/// are read by a model that takes them and ignored by another.
///
/// Total correlation, mutual information, MMD, free bits and capacity look at the examples of a
/// batch together. Where a batch is cut into pieces, each piece is looked at by itself, so that
/// these terms depend on the number of pieces (see [`VaeObjective::compares_examples`]).
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels or contexts.
impl Objective for Vae {
    type Batch = Batch<2>;
    type Draws = Tensor<3>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<3> {
        let [rows, _] = batch.x.dims();
        let config = self.config();
        noise.normal([rows, config.objective.draws(), config.latents], &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, draws: Tensor<3>) -> Loss {
        let pass = Pass::new(self, batch, draws);
        let beta = self.config().beta;
        match &self.config().objective {
            VaeObjective::Elbo => bounds::elbo(&pass, beta),
            VaeObjective::FreeBits { nats } => bounds::free_bits(&pass, beta, *nats),
            VaeObjective::Capacity { gamma, nats } => bounds::capacity(&pass, *gamma, *nats),
            VaeObjective::Iwae { .. } => bounds::iwae(pass),
            VaeObjective::BetaTc(config) => config.loss(&pass),
            VaeObjective::Info(config) => config.loss(&pass),
            VaeObjective::Wae(config) => config.loss(&pass),
            VaeObjective::Factor(config) => {
                let discriminator = self.discriminator.as_ref();
                config.loss(&pass, discriminator.expect("made with this objective"))
            }
        }
    }
}
