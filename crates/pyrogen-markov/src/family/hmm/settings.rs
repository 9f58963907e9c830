//! Settings of the family.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;
use pyrogen_model::HowMany;
use serde::{Deserialize, Serialize};

use crate::hmm::{Covariance, EmissionConfig, HmmConfig, Method, Topology};

/// Settings of a hidden Markov model that is trained through the door.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HmmSettings {
    /// Number of hidden states: `auto` is the best of 1 to 5.
    pub states: HowMany,
    /// What a state shows.
    pub emission: EmissionKind,
    /// The form of covariance matrices, of Gaussians and regressions.
    pub covariance: Covariance,
    /// Gaussians a state, of the emission `gaussian_mixture`.
    pub components: usize,
    /// Rows before the present one, of the emission `regression`.
    pub lags: usize,
    /// Which states may start and which may follow which.
    pub topology: Topology,
    /// How a step of learning assigns states.
    pub method: Method,
    /// What chooses the number of states where there is something to choose; lower is better.
    pub criterion: Criterion,
    /// How many starts each number of states has; the best is kept.
    pub starts: usize,
    /// A start has converged when a step gains less than this, in nats a step of the data.
    pub tolerance: f64,
    /// Added to the expected number of starts in each state that may start.
    pub start_prior: f64,
    /// Added to the expected number of each transition that is possible.
    pub transition_prior: f64,
    /// Added to the expected counts of symbols, categories, components, and of 0 and 1.
    pub count_prior: f64,
    /// Added to the sums of squares of each column.
    pub covariance_prior: f64,
    /// The least variance of a column in a state, as a share of the column's variance.
    pub variance_floor: f64,
}

/// What a state shows.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmissionKind {
    /// A Gaussian.
    #[default]
    Gaussian,
    /// A mixture of Gaussians.
    #[serde(alias = "gaussian-mixture", alias = "mixture")]
    GaussianMixture,
    /// Counts.
    Poisson,
    /// Symbols: one column of words or whole numbers, each a symbol of its own.
    Categorical,
    /// Rows of counts of categories.
    Multinomial,
    /// Columns of 0 and 1.
    Bernoulli,
    /// Positive numbers.
    Gamma,
    /// Numbers with heavy tails.
    #[serde(alias = "student-t")]
    StudentT,
    /// Linear in earlier rows, with Gaussian noise: an autoregression.
    #[serde(alias = "autoregressive")]
    Regression,
}

/// What chooses the number of states.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Akaike's.
    Aic,
    /// The Bayesian information criterion.
    #[default]
    Bic,
}

impl Default for HmmSettings {
    fn default() -> Self {
        let own = HmmConfig::default();
        Self {
            states: HowMany::Auto,
            emission: EmissionKind::Gaussian,
            covariance: Covariance::Diagonal,
            components: 2,
            lags: 1,
            topology: Topology::Ergodic,
            method: Method::BaumWelch,
            criterion: Criterion::Bic,
            starts: 3,
            tolerance: 1e-7,
            start_prior: own.start_prior,
            transition_prior: own.transition_prior,
            count_prior: 0.01,
            covariance_prior: own.covariance_prior,
            variance_floor: own.variance_floor,
        }
    }
}

/// The most states where the number is chosen and nothing else is said.
const MOST: usize = 5;

impl HmmSettings {
    /// The numbers of states that are fitted.
    pub fn numbers(&self) -> Vec<usize> {
        self.states.numbers(MOST)
    }

    /// The config of a fit; `symbols` are those of the data, for symbols.
    pub fn fit(&self, states: usize, symbols: Option<usize>) -> HmmConfig {
        let covariance = self.covariance;
        let emission = match self.emission {
            EmissionKind::Gaussian => EmissionConfig::Gaussian { covariance },
            EmissionKind::GaussianMixture => {
                EmissionConfig::GaussianMixture { components: self.components, covariance }
            }
            EmissionKind::Poisson => EmissionConfig::Poisson,
            EmissionKind::Categorical => EmissionConfig::Categorical { symbols },
            EmissionKind::Multinomial => EmissionConfig::Multinomial,
            EmissionKind::Bernoulli => EmissionConfig::Bernoulli,
            EmissionKind::Gamma => EmissionConfig::Gamma,
            EmissionKind::StudentT => EmissionConfig::StudentT,
            EmissionKind::Regression => {
                EmissionConfig::Regression { lags: self.lags, inputs: 0, covariance }
            }
        };
        HmmConfig {
            states,
            emission,
            topology: self.topology.clone(),
            method: self.method,
            start_prior: self.start_prior,
            transition_prior: self.transition_prior,
            count_prior: self.count_prior,
            covariance_prior: self.covariance_prior,
            variance_floor: self.variance_floor,
            ..HmmConfig::default()
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let numbers = self.numbers();
        if numbers.is_empty() {
            return Err(ConfigError::value("states", "one number at least", "none"));
        }
        check::at_least_one("starts", self.starts)?;
        check::not_negative("tolerance", self.tolerance)?;
        numbers.into_iter().try_for_each(|states| self.fit(states, None).validate())
    }
}
