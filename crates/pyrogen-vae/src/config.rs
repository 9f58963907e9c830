//! What a variational autoencoder is made of.

use pyrogen_core::ConfigError;
use pyrogen_nn::{ConvConfig, Network};
use serde::{Deserialize, Serialize};

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
    /// Weight of the divergence in the training loss (Higgins et al. 2017); 1 is the bound itself.
    pub beta: f64,
    /// What training minimises.
    pub objective: Bound,
    /// Number of classes, for a model that is told the class of an example.
    pub classes: Option<usize>,
}

impl Default for VaeConfig {
    /// A convolutional model of the embedded digits: 8x8 pictures of 17 grey values.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            latents: 16,
            network: Network::Conv(ConvConfig::default()),
            decoder: Decoder::default(),
            beta: 1.0,
            objective: Bound::Elbo,
            classes: None,
        }
    }
}

/// The distribution `p(x | z)` of an example given its latents, independent over its elements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Decoder {
    /// Normal, for real numbers.
    Gaussian {
        /// Its standard deviation.
        scale: Scale,
    },
    /// Bernoulli, for zeros and ones.
    Bernoulli,
    /// Discretised logistic, for grey values `k / (levels - 1)` in `[0, 1]`.
    DiscretisedLogistic {
        /// Number of grey values.
        levels: usize,
        /// Scale of the logistic law.
        scale: Scale,
    },
}

impl Default for Decoder {
    fn default() -> Self {
        Self::DiscretisedLogistic { levels: 17, scale: Scale::Predicted }
    }
}

impl Decoder {
    /// The scale, where the distribution has one.
    pub fn scale(&self) -> Option<&Scale> {
        match self {
            Self::Gaussian { scale } | Self::DiscretisedLogistic { scale, .. } => Some(scale),
            Self::Bernoulli => None,
        }
    }

    /// Numbers that the network predicts for each element: 2 where it predicts the scale too.
    pub(crate) fn maps(&self) -> usize {
        1 + usize::from(self.scale() == Some(&Scale::Predicted))
    }

    /// Number of learned scales that belong to the model and not to an example.
    pub(crate) fn learned_scales(&self, features: usize) -> usize {
        match self.scale() {
            Some(Scale::Shared) => 1,
            Some(Scale::PerFeature) => features,
            _ => 0,
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let name = match self {
            Self::Gaussian { .. } => "gaussian",
            Self::Bernoulli => "bernoulli",
            Self::DiscretisedLogistic { .. } => "discretised_logistic",
        };
        if let Some(Scale::Fixed(value)) = self.scale()
            && !(value.is_finite() && *value > 0.0)
        {
            let field = format!("decoder.{name}.scale.fixed");
            return Err(ConfigError::value(field, "a positive number", value));
        }
        match self {
            Self::DiscretisedLogistic { levels, .. } if !(2..=65536).contains(levels) => {
                let field = format!("decoder.{name}.levels");
                Err(ConfigError::value(field, "from 2 to 65536", levels))
            }
            _ => Ok(()),
        }
    }
}

/// Where the spread of the decoder's distribution comes from: the standard deviation of a
/// Gaussian, the scale of a logistic law, in the units of the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scale {
    /// A constant.
    Fixed(f64),
    /// One learned number for all elements (Rybkin et al. 2021, eq. 4).
    Shared,
    /// One learned number for each element of the event.
    PerFeature,
    /// Predicted by the decoder for each element of each example (Kingma and Welling 2014,
    /// appendix C.2).
    Predicted,
}

/// The bound that training maximises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Bound {
    /// The evidence lower bound with one latent draw an example and the divergence in closed form
    /// (Kingma and Welling 2014, eq. 10), its divergence weighted with `beta`.
    #[default]
    Elbo,
    /// The importance-weighted bound (Burda et al. 2016, eq. 8). It takes `beta` of 1.
    Iwae {
        /// Latent draws an example.
        samples: usize,
    },
}

impl Bound {
    /// Latent draws an example.
    pub fn samples(&self) -> usize {
        match *self {
            Self::Elbo => 1,
            Self::Iwae { samples } => samples,
        }
    }
}

impl VaeConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.event.is_empty() || self.event.contains(&0) {
            let got = format!("{:?}", self.event);
            return Err(ConfigError::value("event", "a list of sizes, each at least 1", got));
        }
        at_least_one("latents", self.latents)?;
        self.network.validate("network", &self.event)?;
        self.decoder.validate()?;
        if !(self.beta.is_finite() && self.beta >= 0.0) {
            let expected = "a number that is not negative";
            return Err(ConfigError::value("beta", expected, self.beta));
        }
        if let Bound::Iwae { samples } = self.objective {
            at_least_one("objective.iwae.samples", samples)?;
            if self.beta != 1.0 {
                return Err(ConfigError::value("beta", "1 with `iwae`", self.beta));
            }
        }
        at_least_one("classes", self.classes.unwrap_or(1))
    }

    /// Number of parameters of the model, without building it; `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        let classes = self.classes.unwrap_or(0);
        let posterior = self.latents.saturating_mul(2);
        let latents = self.latents.saturating_add(classes);
        let maps = self.decoder.maps();
        Ok(self
            .network
            .encoder_params(&self.event, classes, posterior)
            .saturating_add(self.network.decoder_params(latents, &self.event, maps))
            .saturating_add(self.decoder.learned_scales(self.features())))
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        self.event.iter().copied().fold(1, usize::saturating_mul)
    }
}

fn at_least_one(field: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 {
        return Err(ConfigError::value(field, "at least 1", value));
    }
    Ok(())
}
