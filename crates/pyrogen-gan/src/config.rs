//! What a generative adversarial network is made of.

use pyrogen_core::{ConfigError, RequestError};
use serde::{Deserialize, Serialize};

use crate::head::{Conditioning, HeadConfig};
use crate::networks::{Output, Plan};
use crate::{GanLoss, Networks, Regularisers};
use pyrogen_core::config::check::{self, at_least_one, not_negative, shape};
use pyrogen_core::config::count::product;

/// Configuration of a [`Gan`](crate::Gan).
///
/// # Examples
/// ```
/// use pyrogen_core::config;
/// use pyrogen_gan::{GanConfig, GanLoss};
///
/// let text = r#"{
///     "event": [1, 28, 28],
///     "networks": {"dcgan": {"channels": [64, 128]}},
///     "loss": "hinge",
///     "classes": 10
/// }"#;
/// let gan: GanConfig = config::from_json(text)?;
/// gan.validate()?;
/// assert_eq!(gan.loss, GanLoss::Hinge);
/// assert!(gan.regularise.spectral); // what is left out has its default
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// Number of latent dimensions.
    pub latents: usize,
    /// Both networks.
    pub networks: Networks,
    /// Which numbers examples hold.
    pub output: Output,
    /// What the players minimise.
    pub loss: GanLoss,
    /// What holds them back.
    pub regularise: Regularisers,
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// How the discriminator reads the class.
    pub conditioning: Conditioning,
    /// Shape of the picture or vector that is the context of each example, for a model of
    /// examples that belong to something: a sketch's picture, a small picture's large one.
    pub context: Option<Vec<usize>>,
}

impl Default for GanConfig {
    /// A convolutional model of the embedded digits: 8x8 pictures.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            latents: 32,
            networks: Networks::default(),
            output: Output::Unit,
            loss: GanLoss::NonSaturating,
            regularise: Regularisers::default(),
            classes: None,
            conditioning: Conditioning::Projection,
            context: None,
        }
    }
}

impl GanConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_fields()?;
        check::params("networks", self.count_params())
    }

    fn check_fields(&self) -> Result<(), ConfigError> {
        shape("event", &self.event)?;
        at_least_one("latents", self.latents)?;
        if let Some(context) = &self.context {
            shape("context", context)?;
        }
        self.networks.validate("networks", &self.event, self.context.as_deref())?;
        self.loss.validate("loss")?;
        self.regularise.validate("regularise", &self.loss, &self.event, self.context.is_some())?;
        if self.regularise.penalty.is_some() && self.networks.discriminator_normalises() {
            let expected = "none where the discriminator normalises over the batch: its slope is \
                            of the whole batch then (set `networks.dcgan.norm` to false)";
            return Err(ConfigError::value("regularise.penalty", expected, "one"));
        }
        if let Some(classes) = self.classes.filter(|&c| c < 2) {
            let expected = "at least 2 (leave it out for a model without classes)";
            return Err(ConfigError::value("classes", expected, classes));
        }
        at_least_one("classes", self.classes.unwrap_or(1))?;
        let Conditioning::Auxiliary { weight } = self.conditioning else { return Ok(()) };
        if matches!(self.networks, Networks::Unet(_)) {
            let expected = "`projection` with `unet`, whose discriminator reads the class beside \
                            the picture";
            return Err(ConfigError::value("conditioning", expected, "auxiliary"));
        }
        not_negative("conditioning.auxiliary.weight", weight)
    }

    /// Checks the number of rows that a step works on at once: what one worker gets of a batch.
    ///
    /// # Errors
    /// One row where the model compares the rows of a batch: batch normalisation, the deviation over
    /// the batch, a relativistic loss, feature matching.
    pub fn check_batch(&self, rows: usize) -> Result<(), RequestError> {
        let compares = self.networks.generator_normalises()
            || self.networks.discriminator_normalises()
            || self.regularise.minibatch_deviation
            || self.regularise.feature_matching > 0.0
            || self.loss.compares();
        if rows > 1 || !compares {
            return Ok(());
        }
        Err(RequestError::Value {
            name: "batch_size",
            expected: "at least 2 for each worker, because the model compares the examples of a \
                       batch (batch normalisation or a loss that does)",
            got: rows.to_string(),
        })
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
        let plan = self.plan();
        let generator = self.networks.generator_params(&plan);
        generator.saturating_add(self.networks.discriminator_params(&plan))
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        product(&self.event)
    }

    pub(crate) fn plan(&self) -> Plan<'_> {
        let classes = self.classes.unwrap_or(0);
        Plan {
            event: &self.event,
            context: self.context.as_deref(),
            latents: self.latents,
            classes,
            head: HeadConfig {
                maps: [0; 3],
                pooled: false,
                deviation: self.regularise.minibatch_deviation,
                classes,
                conditioning: self.conditioning,
                spectral: self.regularise.spectral,
            },
        }
    }
}
