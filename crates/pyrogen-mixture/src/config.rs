//! What a fit is asked for.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::{at_least_one, not_negative, positive};
use serde::{Deserialize, Serialize};

use crate::CovarianceModel;

/// Configuration of a fit.
///
/// ```
/// use pyrogen_core::config;
/// use pyrogen_mixture::{CovarianceModel, MixtureConfig};
///
/// let config: MixtureConfig =
///     config::from_json(r#"{"components": 3, "covariance": "tied", "starts": 5}"#)?;
/// config.validate()?;
/// assert_eq!(config.covariance, CovarianceModel::EEE);
/// assert!(config::from_json::<MixtureConfig>(r#"{"clusters": 3}"#).is_err());
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixtureConfig {
    /// Number of components.
    pub components: usize,
    /// What their covariances share.
    pub covariance: CovarianceModel,
    /// What keeps covariances away from zero.
    pub regularisation: Regularisation,
    /// Rows that every level of every categorical column is taken to have in each component beside
    /// the data's: `probability = (count + smoothing) / (rows + levels * smoothing)`.
    pub smoothing: f64,
    /// How the first components are found.
    pub start: Start,
    /// How many starts are made, each with random numbers of its own; the best is kept.
    pub starts: usize,
    /// After so many steps only the best start goes on (Biernacki, Celeux and Govaert 2003); all go
    /// on to their ends where it is none.
    pub short_steps: Option<u64>,
    /// A start has converged when a step changes its objective by less than this, in nats per row.
    pub tolerance: f64,
    /// The most steps.
    pub max_steps: u64,
    /// How often a start may replace a collapsed component by half of another one; with 0 a
    /// collapse ends it.
    pub splits: usize,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self {
            components: 2,
            covariance: CovarianceModel::FULL,
            regularisation: Regularisation::default(),
            smoothing: 0.01,
            start: Start::KMeans,
            starts: 1,
            short_steps: None,
            tolerance: 1e-6,
            max_steps: 1000,
            splits: 10,
        }
    }
}

impl MixtureConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_least_one("components", self.components)?;
        self.regularisation.validate()?;
        not_negative("smoothing", self.smoothing)?;
        at_least_one("starts", self.starts)?;
        not_negative("tolerance", self.tolerance)?;
        if self.max_steps == 0 {
            return Err(ConfigError::value("max_steps", "at least 1", 0));
        }
        if self.short_steps == Some(0) {
            return Err(ConfigError::value("short_steps", "at least 1, or none", 0));
        }
        Ok(())
    }
}

/// What keeps covariances away from zero.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Regularisation {
    /// Nothing: plain maximum likelihood.
    None,
    /// Adds a value to the diagonal of every covariance, as `reg_covar` of scikit-learn does. The
    /// value is in the square of the columns' units. This is no maximum of any objective: the
    /// likelihood may fall by a little.
    Diagonal {
        /// What is added.
        value: f64,
    },
    /// Subtracts `strength rows / (2 k) sum_k trace(covariance_k^-1 D)` from the log-likelihood,
    /// `D` the diagonal of the columns' variances. An M-step then adds
    /// `strength rows / (k rows_k) D` to a covariance, which is `strength D` for a component of
    /// average weight. The columns' units do not matter.
    Penalty {
        /// Part of the columns' variances.
        strength: f64,
    },
    /// A conjugate prior of each component, the same for all, as in mclust's `priorControl`:
    ///
    /// ```text
    /// mean_k | covariance_k ~ N(mean, covariance_k / shrinkage)
    /// covariance_k ~ inverse Wishart(degrees, covariance / k^(2 / d))
    /// ```
    ///
    /// with the mean and covariance of the whole table (where cells are missing, the diagonal of
    /// the columns' variances). Components are at the mode of their posterior: Fraley and Raftery
    /// (2007), "Bayesian regularization for normal mixture estimation", Table 1. Models that share
    /// volume, shape or axes maximise the same sum under their constraint.
    Prior {
        /// How many rows the prior of a mean counts as; mclust takes 0.01.
        shrinkage: f64,
        /// Degrees of freedom; none stands for `d + 2`.
        degrees: Option<f64>,
    },
}

impl Default for Regularisation {
    fn default() -> Self {
        Self::Penalty { strength: 1e-6 }
    }
}

impl Regularisation {
    /// mclust's default prior.
    pub const PRIOR: Self = Self::Prior { shrinkage: 0.01, degrees: None };

    fn validate(&self) -> Result<(), ConfigError> {
        match *self {
            Self::None => Ok(()),
            Self::Diagonal { value } => not_negative("regularisation.diagonal.value", value),
            Self::Penalty { strength } => positive("regularisation.penalty.strength", strength),
            Self::Prior { shrinkage, degrees } => {
                not_negative("regularisation.prior.shrinkage", shrinkage)?;
                positive("regularisation.prior.degrees", degrees.unwrap_or(1.0))
            }
        }
    }
}

/// How the first components are found. Columns are divided by their standard deviations for it; a
/// category is one column a level.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// k-means from k-means++ seeds.
    #[default]
    KMeans,
    /// Each row joins the nearest of the k-means++ seeds (Arthur and Vassilvitskii 2007).
    KMeansPlusPlus,
    /// Each row joins the nearest of `k` random rows.
    RandomRows,
}
