//! What a variational autoencoder is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use pyrogen_nn::{ConvConfig, Network};
use serde::{Deserialize, Serialize};

use crate::{Decoder, Prior, VaeObjective};
use pyrogen_core::config::check::{at_least_one, not_negative};

/// Configuration of a [`Vae`](crate::Vae).
///
/// # Examples
/// ```
/// use pyrogen_core::config;
/// use pyrogen_vae::{Decoder, VaeConfig};
///
/// let text = r#"{
///     "event": [4],
///     "latents": 2,
///     "network": {"mlp": {"hidden": [32], "activation": "relu"}},
///     "decoder": {"gaussian": {"scale": "per_feature"}},
///     "beta": 0.5
/// }"#;
/// let vae: VaeConfig = config::from_json(text)?;
/// vae.validate()?;
/// assert!(matches!(vae.decoder, Decoder::Gaussian { .. }));
/// assert_eq!(vae.classes, None); // what is left out has its default
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaeConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// Number of latent dimensions.
    pub latents: usize,
    /// The encoder's network; the decoder's mirrors it.
    pub network: Network,
    /// The distribution of an example given its latents.
    pub decoder: Decoder,
    /// The distribution of the latents.
    pub prior: Prior,
    /// Weight of the divergence in the training loss (Higgins et al. 2017); 1 is the bound itself.
    /// Objectives that weigh their terms themselves take 1.
    pub beta: f64,
    /// What training minimises.
    pub objective: VaeObjective,
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// Shape of the picture or vector that is the context of each example, for a model of
    /// examples that belong to something: denoising, inpainting, super-resolution. With
    /// convolutions `[channels, height, width]` with the example's height and width.
    pub context: Option<Vec<usize>>,
}

impl Default for VaeConfig {
    /// A convolutional model of the embedded digits: 8x8 pictures of 17 grey values.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            latents: 16,
            network: Network::Conv(ConvConfig::default()),
            decoder: Decoder::default(),
            prior: Prior::Standard,
            beta: 1.0,
            objective: VaeObjective::Elbo,
            classes: None,
            context: None,
        }
    }
}

impl VaeConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_fields()?;
        check::params("network", self.count_params())
    }

    fn check_fields(&self) -> Result<(), ConfigError> {
        check_event(&self.event)?;
        at_least_one("latents", self.latents)?;
        self.network.validate("network", &self.event)?;
        self.decoder.validate("decoder", &self.event)?;
        self.prior.validate("prior")?;
        not_negative("beta", self.beta)?;
        self.objective.validate("objective")?;
        let objective = self.objective.name();
        if self.beta != 1.0 && !self.objective.takes_beta() {
            return Err(ConfigError::value("beta", format!("1 with `{objective}`"), self.beta));
        }
        if self.prior != Prior::Standard {
            if !self.objective.takes_any_prior() {
                let expected = format!("`standard` with `{objective}`");
                return Err(ConfigError::value("prior", expected, self.prior.name()));
            }
            // A pseudo-input has no class and no context for the encoder to read.
            for (given, expected) in [
                (self.classes.is_some(), "`standard` with `classes`"),
                (self.context.is_some(), "`standard` with `context`"),
            ] {
                if given {
                    return Err(ConfigError::value("prior", expected, self.prior.name()));
                }
            }
        }
        if let Some(context) = &self.context {
            self.network.validate_context("context", &self.event, context)?;
        }
        at_least_one("classes", self.classes.unwrap_or(1))
    }

    /// Number of parameters of the model, without building it; `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count_params())
    }

    fn count_params(&self) -> usize {
        let classes = self.classes.unwrap_or(0);
        let latents = self.latents.saturating_add(classes);
        let context = self.context.as_deref();
        let read = self.network.joined(&self.event, context);
        let encoder = self.network.encoder_params(&read, classes, self.posterior_width());
        let (drawn, maps) = self.decoder.drawn(&self.event);
        let decoder = self.network.decoder_params(latents, &drawn, maps, context);
        let own = [
            encoder,
            decoder,
            self.decoder.learned_scales(self.features()),
            self.decoder.between_params(self.features()),
            self.prior.pseudo_inputs().saturating_mul(self.features()),
            self.objective.discriminator().map_or(0, |d| d.num_params(self.latents, 1)),
        ];
        count::sum(own)
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Numbers that the encoder gives: a mean a latent, and a log-variance where it is not
    /// deterministic.
    pub(crate) fn posterior_width(&self) -> usize {
        match self.objective.is_deterministic() {
            true => self.latents,
            false => self.latents.saturating_mul(2),
        }
    }
}

/// A shape of one element or more.
pub(crate) fn check_event(event: &[usize]) -> Result<(), ConfigError> {
    check::shape("event", event)
}
