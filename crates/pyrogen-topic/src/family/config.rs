//! What a training through the door is asked for.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::{not_negative, positive};
use serde::{Deserialize, Serialize};

use crate::{GibbsConfig, LearnPrior, Online, PrepareConfig, Sampler, VariationalConfig};

/// How topics are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Inference {
    /// Gibbs sampling: a step is a sweep.
    #[default]
    Gibbs,
    /// Variational Bayes: a step is a pass.
    Variational,
    /// The hierarchical Dirichlet process by Gibbs sampling, which finds the number of topics;
    /// `topics` is not used.
    Hdp,
}

/// What the classes of documents are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Nothing while learning; the report shows the shares of topics in each class.
    #[default]
    Shown,
    /// A topic a class, which only documents of the class have, and `shared_topics` for all
    /// (labelled LDA); `topics` is not used.
    Topics,
}

/// Settings of the family `lda`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LdaConfig {
    /// Number of topics.
    pub topics: usize,
    /// How they are learnt.
    pub inference: Inference,
    /// Which Gibbs sampler.
    pub sampler: Sampler,
    /// Each topic's parameter of the documents' prior at the start; null is 0.1 for Gibbs sampling and
    /// `1 / topics` for variational Bayes; of the hierarchical process its concentration.
    pub alpha: Option<f64>,
    /// Each word's parameter of the topics' prior at the start; null is 0.01 for Gibbs sampling and
    /// `1 / topics` for variational Bayes.
    pub beta: Option<f64>,
    /// Which parameters of the documents' prior are learnt.
    pub learn_alpha: LearnPrior,
    /// Whether the parameter of the topics' prior is learnt.
    pub learn_beta: bool,
    /// Minibatches of variational Bayes; null is all documents at once.
    pub online: Option<Online>,
    /// How documents become counts of words.
    pub prepare: PrepareConfig,
    /// Lists of words that belong to the first topics, one list a topic (Gibbs sampling).
    pub seed_words: Vec<Vec<String>>,
    /// How often each of them counts as seen in its topic.
    pub seed_weight: f64,
    /// What the classes of documents are for (Gibbs sampling).
    pub labels: Labels,
    /// Topics beside those of the classes.
    pub shared_topics: usize,
}

impl Default for LdaConfig {
    fn default() -> Self {
        Self {
            topics: 20,
            inference: Inference::default(),
            sampler: Sampler::default(),
            alpha: None,
            beta: None,
            learn_alpha: LearnPrior::default(),
            learn_beta: true,
            online: None,
            prepare: PrepareConfig::default(),
            seed_words: Vec::new(),
            seed_weight: 100.0,
            labels: Labels::default(),
            shared_topics: 1,
        }
    }
}

impl LdaConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        crate::variational::check_topics(self.topics)?;
        positive("alpha", self.alpha.unwrap_or(1.0))?;
        positive("beta", self.beta.unwrap_or(1.0))?;
        not_negative("seed_weight", self.seed_weight)?;
        self.prepare.validate()?;
        self.variational().validate()?;
        self.gibbs(self.topics).validate()?;
        let gibbs = self.inference == Inference::Gibbs;
        if !gibbs && !self.seed_words.is_empty() {
            return Err(ConfigError::value("seed_words", "[], or inference gibbs", "a list"));
        }
        if !gibbs && self.labels == Labels::Topics {
            return Err(ConfigError::value("labels", "shown, or inference gibbs", "topics"));
        }
        if self.seed_words.len() > self.topics {
            let expected = format!("at most {} lists, one a topic", self.topics);
            return Err(ConfigError::value("seed_words", expected, self.seed_words.len()));
        }
        Ok(())
    }

    /// Settings of variational Bayes.
    pub(super) fn variational(&self) -> VariationalConfig {
        VariationalConfig {
            topics: self.topics,
            alpha: self.alpha,
            eta: self.beta,
            learn_alpha: self.learn_alpha,
            learn_eta: self.learn_beta,
            online: self.online,
            ..VariationalConfig::default()
        }
    }

    /// Settings of the hierarchical Dirichlet process.
    #[cfg(feature = "train")]
    pub(super) fn hdp(&self) -> crate::HdpConfig {
        let default = crate::HdpConfig::default();
        crate::HdpConfig {
            alpha: self.alpha.unwrap_or(default.alpha),
            beta: self.beta.unwrap_or(default.beta),
            ..default
        }
    }

    /// Settings of Gibbs sampling.
    pub(super) fn gibbs(&self, topics: usize) -> GibbsConfig {
        let default = GibbsConfig::default();
        GibbsConfig {
            topics,
            alpha: self.alpha.unwrap_or(default.alpha),
            beta: self.beta.unwrap_or(default.beta),
            sampler: self.sampler,
            learn_alpha: self.learn_alpha,
            learn_beta: self.learn_beta,
            ..default
        }
    }
}
