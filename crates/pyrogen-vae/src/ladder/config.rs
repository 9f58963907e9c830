//! What a ladder variational autoencoder is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use pyrogen_nn::{Activation, ConvConfig, MlpConfig, Network};
use serde::{Deserialize, Serialize};

use crate::Decoder;
use crate::config::check_event;
use pyrogen_core::config::check::{at_least_one, not_negative};

/// More layers than this are a mistake: papers have five.
const MOST_LAYERS: usize = 8;

/// Configuration of a [`LadderVae`](crate::LadderVae).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LadderConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// Number of latent dimensions of each layer, from the example upwards.
    pub latents: Vec<usize>,
    /// The network between the example and the lowest layer; the decoder's mirrors it.
    pub network: Network,
    /// Width of the networks between two layers, which have one hidden layer.
    pub width: usize,
    /// What follows the hidden layers between two layers of latents.
    pub activation: Activation,
    /// The distribution of an example given the lowest latents.
    pub decoder: Decoder,
    /// Weight of the divergence in the training loss; 1 is the bound itself.
    pub beta: f64,
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// Shape of the picture or vector that is the context of each example; with convolutions
    /// `[channels, height, width]` with the example's height and width.
    pub context: Option<Vec<usize>>,
}

impl Default for LadderConfig {
    /// Two layers over a convolutional network, for the embedded digits.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            latents: vec![16, 8],
            network: Network::Conv(ConvConfig::default()),
            width: 128,
            activation: Activation::default(),
            decoder: Decoder::default(),
            beta: 1.0,
            classes: None,
            context: None,
        }
    }
}

impl LadderConfig {
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
        let layers = self.latents.len();
        if !(1..=MOST_LAYERS).contains(&layers) || self.latents.contains(&0) {
            let expected = format!("a list of 1 to {MOST_LAYERS} sizes, each at least 1");
            return Err(ConfigError::value("latents", expected, format!("{:?}", self.latents)));
        }
        check::widths("latents", &self.latents)?;
        self.network.validate("network", &self.event)?;
        at_least_one("width", self.width)?;
        self.activation.validate("activation")?;
        self.decoder.validate("decoder", &self.event)?;
        not_negative("beta", self.beta)?;
        if let Some(context) = &self.context {
            self.network.validate_context("context", &self.event, context)?;
        }
        at_least_one("classes", self.classes.unwrap_or(1))
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Number of latent dimensions of all layers; `usize::MAX` where it does not fit.
    pub fn total_latents(&self) -> usize {
        count::sum(self.latents.iter().copied())
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
        let (classes, context) = (self.classes.unwrap_or(0), self.context.as_deref());
        let step = self.step();
        let read = self.network.joined(&self.event, context);
        let (drawn, maps) = self.decoder.drawn(&self.event);
        let mut count = vec![
            self.network.encoder_params(&read, classes, self.width),
            self.network.decoder_params(
                self.latents[0].saturating_add(classes),
                &drawn,
                maps,
                context,
            ),
            self.decoder.learned_scales(self.features()),
            self.decoder.between_params(self.features()),
        ];
        for (i, &latents) in self.latents.iter().enumerate() {
            let both = latents.saturating_mul(2);
            count.push(self.width.saturating_add(1).saturating_mul(both));
            if let Some(&above) = self.latents.get(i + 1) {
                count.push(step.num_params(self.width, self.width));
                count.push(step.num_params(above, both));
            }
        }
        count::sum(count)
    }

    pub(super) fn step(&self) -> MlpConfig {
        MlpConfig { hidden: vec![self.width], activation: self.activation }
    }
}
