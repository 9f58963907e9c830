//! What a vector-quantised autoencoder is made of.

use pyrogen_core::ConfigError;
use pyrogen_core::config::{check, count};
use serde::{Deserialize, Serialize};

use super::network::VqNetwork;
use crate::Decoder;
use crate::config::check_event;
use pyrogen_core::config::check::{at_least_one, not_negative};

/// More levels than this are a mistake: audio codecs have up to 32.
const MOST_LEVELS: usize = 64;

/// Configuration of a [`VqVae`](crate::VqVae).
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VqConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// The encoder's network; the decoder's mirrors it. It also says how many positions have a
    /// code.
    pub network: VqNetwork,
    /// Number of codes of a codebook.
    pub codes: usize,
    /// Number of dimensions of a code.
    pub dim: usize,
    /// Number of codebooks, each of which quantises what the ones before it leave over; 1 is plain
    /// vector quantisation.
    pub levels: usize,
    /// Weight of the commitment; the paper uses 0.25.
    pub commitment: f64,
    /// How codes are learned.
    pub learning: CodeLearning,
    /// The distribution of an example given its codes.
    pub decoder: Decoder,
}

impl Default for VqConfig {
    /// 64 codes of 8 dimensions at each of 16 positions, for pictures of 8x8.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            network: VqNetwork::default(),
            codes: 64,
            dim: 8,
            levels: 1,
            commitment: 0.25,
            learning: CodeLearning::default(),
            decoder: Decoder::default(),
        }
    }
}

/// How codes follow the encoder.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CodeLearning {
    /// By gradient descent on `|sg[z_e] - e|^2` (van den Oord et al. 2017, eq. 3).
    Gradient,
    /// As moving averages of the vectors that they stand for (van den Oord et al. 2017, appendix
    /// A.1), a step of k-means a batch.
    Average {
        /// Decay of the averages; the paper uses 0.99.
        decay: f64,
        /// A code that is used less often than this share of an equal use begins anew at a vector
        /// of the batch (Dhariwal et al. 2020, section 3.1). 0 leaves it alone. Where workers
        /// share a batch, each chooses one of its own vectors, and the code begins at their mean:
        /// with many workers, in the middle of everything.
        restart: f64,
    },
}

impl Default for CodeLearning {
    fn default() -> Self {
        Self::Average { decay: 0.99, restart: 0.03 }
    }
}

impl VqConfig {
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
        self.network.validate("network", &self.event)?;
        if self.codes < 2 {
            return Err(ConfigError::value("codes", "at least 2", self.codes));
        }
        at_least_one("codes", self.codes)?;
        at_least_one("dim", self.dim)?;
        if !(1..=MOST_LEVELS).contains(&self.levels) {
            let expected = format!("from 1 to {MOST_LEVELS}");
            return Err(ConfigError::value("levels", expected, self.levels));
        }
        not_negative("commitment", self.commitment)?;
        if let CodeLearning::Average { decay, restart } = self.learning {
            if !(0.0..1.0).contains(&decay) {
                return Err(ConfigError::value("learning.average.decay", "in [0, 1)", decay));
            }
            if !(0.0..1.0).contains(&restart) {
                return Err(ConfigError::value("learning.average.restart", "in [0, 1)", restart));
            }
        }
        self.decoder.validate("decoder", &self.event)
    }

    /// Number of elements of one example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// Number of codes that describe an example, over all positions and levels.
    pub fn slots(&self) -> usize {
        self.network.positions(&self.event).saturating_mul(self.levels)
    }

    /// Whether codes that are hardly used begin anew.
    pub fn restarts(&self) -> bool {
        matches!(self.learning, CodeLearning::Average { restart, .. } if restart > 0.0)
    }

    /// Number of parameters of the model, with the averages that it keeps, without building it;
    /// `usize::MAX` where it does not fit.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count_params())
    }

    fn count_params(&self) -> usize {
        let (drawn, maps) = self.decoder.drawn(&self.event);
        let own = match self.learning {
            CodeLearning::Gradient => self.dim,
            CodeLearning::Average { .. } => self.dim.saturating_add(1),
        };
        let all = [
            self.network.params(&self.event, self.dim, &drawn, maps),
            self.codes.saturating_mul(own).saturating_mul(self.levels),
            self.slots().saturating_mul(self.codes),
            self.decoder.learned_scales(self.features()),
            self.decoder.between_params(self.features()),
        ];
        count::sum(all)
    }
}
