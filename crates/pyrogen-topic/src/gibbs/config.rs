//! What a Gibbs sampler is asked for.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::positive;
use serde::{Deserialize, Serialize};

use crate::LearnPrior;
use crate::variational::check_topics;

/// Settings of latent Dirichlet allocation by Gibbs sampling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GibbsConfig {
    /// Number of topics.
    pub topics: usize,
    /// Each topic's parameter of the documents' Dirichlet prior at the start.
    pub alpha: f64,
    /// Each word's parameter of the topics' Dirichlet prior at the start.
    pub beta: f64,
    /// Which sampler.
    pub sampler: Sampler,
    /// Which parameters of the documents' prior are learnt.
    pub learn_alpha: LearnPrior,
    /// Whether the parameter of the topics' prior is learnt.
    pub learn_beta: bool,
    /// Sweeps before the priors are first learnt.
    pub burn_in: u64,
    /// The priors are learnt after every so many sweeps.
    pub learn_every: u64,
}

/// Which sampler. Both leave the posterior of the assignments as it is, without an approximation,
/// and give the same bytes for any number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// The topics are drawn given all assignments, then each document's assignments given the
    /// topics, with its shares integrated out. Given the topics, documents are independent: all
    /// cores work (Magnusson, Jonsson, Villani and Broman 2018).
    #[default]
    Parallel,
    /// Topics and shares are both integrated out, each word after the other, on one core (Griffiths
    /// and Steyvers 2004). A sweep brings more than one of [`Parallel`](Self::Parallel).
    Collapsed,
}

impl Default for GibbsConfig {
    fn default() -> Self {
        Self {
            topics: 10,
            alpha: 0.1,
            beta: 0.01,
            sampler: Sampler::default(),
            learn_alpha: LearnPrior::default(),
            learn_beta: true,
            burn_in: 20,
            learn_every: 10,
        }
    }
}

impl GibbsConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_topics(self.topics)?;
        positive("alpha", self.alpha)?;
        positive("beta", self.beta)?;
        if self.learn_every == 0 {
            return Err(ConfigError::value("learn_every", "at least 1", 0));
        }
        Ok(())
    }
}
