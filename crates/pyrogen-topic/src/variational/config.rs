//! What a variational fit is asked for.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::{at_least_one, not_negative, positive};
use serde::{Deserialize, Serialize};

use crate::LearnPrior;

/// Settings of latent Dirichlet allocation by variational Bayes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VariationalConfig {
    /// Number of topics.
    pub topics: usize,
    /// Each topic's parameter of the documents' Dirichlet prior at the start; none stands for
    /// `1 / topics`.
    pub alpha: Option<f64>,
    /// Each word's parameter of the topics' Dirichlet prior at the start; none stands for
    /// `1 / topics`.
    pub eta: Option<f64>,
    /// Which parameters of the documents' prior are learnt.
    pub learn_alpha: LearnPrior,
    /// Whether the parameter of the topics' prior is learnt.
    pub learn_eta: bool,
    /// Passes before the priors are first learnt: topics that are alike, as they are at the start,
    /// would say that they stay so.
    pub burn_in: u64,
    /// In so many first passes over all documents at once, a document's updates begin with ones: where
    /// they begin with what the pass before came to, documents stay with the topics that they first
    /// had. Ends sooner when a pass would lower the bound.
    pub fresh_passes: u64,
    /// The most updates of a document in a pass.
    pub document_steps: usize,
    /// A document's updates end when its parameters change by less than this in the mean.
    pub document_tolerance: f64,
    /// Learns from minibatches; none learns from all documents at once.
    pub online: Option<Online>,
}

/// Minibatches.
///
/// Update `t` (from 1) moves the topics by the share `(offset + t)^-decay` of the way to what the
/// batch says, taken for all documents.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Online {
    /// Documents of a batch.
    pub batch_size: usize,
    /// Slows the first updates.
    pub offset: f64,
    /// From above 0.5, which convergence needs, to 1.
    pub decay: f64,
}

impl Default for Online {
    fn default() -> Self {
        Self { batch_size: 256, offset: 10.0, decay: 0.7 }
    }
}

impl Default for VariationalConfig {
    fn default() -> Self {
        Self {
            topics: 10,
            alpha: None,
            eta: None,
            learn_alpha: LearnPrior::default(),
            learn_eta: true,
            burn_in: 20,
            fresh_passes: 50,
            document_steps: 100,
            document_tolerance: 1e-3,
            online: None,
        }
    }
}

/// More topics than this are a mistake.
pub(crate) const MOST_TOPICS: usize = 1 << 16;

impl VariationalConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        topics(self.topics)?;
        positive("alpha", self.alpha.unwrap_or(1.0))?;
        positive("eta", self.eta.unwrap_or(1.0))?;
        at_least_one("document_steps", self.document_steps)?;
        not_negative("document_tolerance", self.document_tolerance)?;
        let Some(online) = self.online else { return Ok(()) };
        at_least_one("online.batch_size", online.batch_size)?;
        not_negative("online.offset", online.offset)?;
        if !(online.decay > 0.5 && online.decay <= 1.0) {
            return Err(ConfigError::value("online.decay", "above 0.5, at most 1", online.decay));
        }
        Ok(())
    }
}

/// Checks a number of topics.
pub(crate) fn topics(topics: usize) -> Result<(), ConfigError> {
    match topics {
        0 => Err(ConfigError::value("topics", "at least 1", 0)),
        n if n > MOST_TOPICS => {
            Err(ConfigError::value("topics", format!("at most {MOST_TOPICS}"), n))
        }
        _ => Ok(()),
    }
}
