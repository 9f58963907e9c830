//! What is learnt, and under which rules.

use serde::{Deserialize, Serialize};

use pyrogen_core::ConfigError;
use pyrogen_core::config::check;

use super::emission::Covariance;

/// A hidden Markov model to be learnt.
///
/// # Examples
/// ```
/// use pyrogen_markov::hmm::{Covariance, EmissionConfig, HmmConfig, Topology};
///
/// let config = HmmConfig {
///     states: 4,
///     emission: EmissionConfig::Gaussian { covariance: Covariance::Full },
///     topology: Topology::LeftRight { skip: 0 },
///     ..Default::default()
/// };
/// config.validate()?;
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HmmConfig {
    /// Number of hidden states.
    pub states: usize,
    /// What a state shows.
    pub emission: EmissionConfig,
    /// Which states may start and which may follow which.
    pub topology: Topology,
    /// How a step of learning assigns states.
    pub method: Method,
    /// The emission distribution of each state, where states share them; distributions are numbered
    /// from 0 without gaps.
    pub shared: Option<Vec<usize>>,
    /// Whether start probabilities are learnt.
    pub learn_start: bool,
    /// Whether transition probabilities are learnt.
    pub learn_transition: bool,
    /// Whether emission distributions are learnt.
    pub learn_emission: bool,
    /// Added to the expected number of starts in each state that may start (a Dirichlet prior with
    /// parameters 1 more).
    pub start_prior: f64,
    /// Added to the expected number of each transition that is possible.
    pub transition_prior: f64,
    /// Added to the expected counts of symbols, categories, components, and of 0 and 1.
    pub count_prior: f64,
    /// Added to the sums of squares of each column.
    pub covariance_prior: f64,
    /// The least variance of a column in a state, as a share of the column's variance in the data;
    /// of a column that is constant, the variance itself.
    pub variance_floor: f64,
}

impl Default for HmmConfig {
    fn default() -> Self {
        Self {
            states: 2,
            emission: EmissionConfig::default(),
            topology: Topology::default(),
            method: Method::default(),
            shared: None,
            learn_start: true,
            learn_transition: true,
            learn_emission: true,
            start_prior: 0.0,
            transition_prior: 0.0,
            count_prior: 0.0,
            covariance_prior: 0.0,
            variance_floor: 1e-6,
        }
    }
}

/// The emission distributions to be learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum EmissionConfig {
    /// A Gaussian a state.
    Gaussian {
        /// The form of the covariance matrices.
        covariance: Covariance,
    },
    /// A mixture of Gaussians a state.
    GaussianMixture {
        /// Gaussians a state.
        components: usize,
        /// The form of the covariance matrices.
        covariance: Covariance,
    },
    /// Counts.
    Poisson,
    /// Symbols.
    Categorical {
        /// Number of symbols; one past the largest in the data where it is not given.
        symbols: Option<usize>,
    },
    /// Rows of counts of categories.
    Multinomial,
    /// Columns of 0 and 1.
    Bernoulli,
    /// Positive numbers.
    Gamma,
    /// Numbers with heavy tails.
    StudentT,
    /// Linear in earlier rows and in inputs.
    Regression {
        /// Rows before the present one.
        lags: usize,
        /// Columns of the data's inputs that are used, from the first on.
        inputs: usize,
        /// The form of the noise's covariance matrices.
        covariance: Covariance,
    },
}

impl Default for EmissionConfig {
    fn default() -> Self {
        Self::Gaussian { covariance: Covariance::Diagonal }
    }
}

/// Which states may start and which may follow which.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Topology {
    /// Every state may follow every state.
    #[default]
    Ergodic,
    /// Starts in state 0, stays or moves on (Bakis' model).
    LeftRight {
        /// How many states a move may leave out.
        skip: usize,
    },
    /// As the tables say.
    Mask {
        /// Which states may start.
        start: Vec<bool>,
        /// Which states (columns) may follow which (rows).
        transition: Vec<Vec<bool>>,
    },
}

/// How a step of learning assigns states.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By posterior probabilities: expectation maximisation (Baum et al. 1970), which never lowers
    /// the likelihood of the data.
    #[default]
    BaumWelch,
    /// By the most probable path, which never lowers the probability of data and best path together
    /// (segmental k-means; Juang and Rabiner 1990).
    Viterbi,
}

impl Topology {
    pub(super) fn may_start(&self, state: usize) -> bool {
        match self {
            Self::Ergodic => true,
            Self::LeftRight { .. } => state == 0,
            Self::Mask { start, .. } => start[state],
        }
    }

    pub(super) fn may_follow(&self, from: usize, to: usize) -> bool {
        match self {
            Self::Ergodic => true,
            Self::LeftRight { skip } => to >= from && to - from <= skip.saturating_add(1),
            Self::Mask { transition, .. } => transition[from][to],
        }
    }

    fn validate(&self, states: usize) -> Result<(), ConfigError> {
        let Self::Mask { start, transition } = self else { return Ok(()) };
        let square = transition.len() == states && transition.iter().all(|r| r.len() == states);
        if start.len() != states || !square {
            let expected = format!("{states} starts and {states} x {states} transitions");
            let got = format!("{} starts and {} rows", start.len(), transition.len());
            return Err(ConfigError::value("topology.mask", expected, got));
        }
        if !start.contains(&true) {
            return Err(ConfigError::value(
                "topology.mask.start",
                "one state that may start",
                "none",
            ));
        }
        match transition.iter().position(|row| !row.contains(&true)) {
            None => Ok(()),
            Some(row) => {
                let expected = "one state at least that may follow each (itself, where it ends)";
                let got = format!("none after state {row}");
                Err(ConfigError::value("topology.mask.transition", expected, got))
            }
        }
    }
}

impl HmmConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is outside its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check::at_least_one("states", self.states)?;
        if self.states > usize::from(u16::MAX) {
            return Err(ConfigError::value("states", "at most 65535", self.states));
        }
        self.topology.validate(self.states)?;
        for (field, value) in [
            ("start_prior", self.start_prior),
            ("transition_prior", self.transition_prior),
            ("count_prior", self.count_prior),
            ("covariance_prior", self.covariance_prior),
        ] {
            check::not_negative(field, value)?;
        }
        check::positive("variance_floor", self.variance_floor)?;
        match &self.emission {
            EmissionConfig::GaussianMixture { components, .. } => {
                check::at_least_one("emission.gaussian_mixture.components", *components)?;
            }
            EmissionConfig::Categorical { symbols: Some(symbols) } => {
                check::at_least_one("emission.categorical.symbols", *symbols)?;
            }
            _ => {}
        }
        let Some(shared) = &self.shared else { return Ok(()) };
        let classes = self.classes();
        let gaps = (0..classes).any(|c| !shared.contains(&c));
        if shared.len() != self.states || gaps {
            let expected = format!("{} numbers from 0 on without gaps", self.states);
            return Err(ConfigError::value("shared", expected, format!("{shared:?}")));
        }
        Ok(())
    }

    /// Number of emission distributions.
    pub(super) fn classes(&self) -> usize {
        match &self.shared {
            None => self.states,
            Some(shared) => {
                shared.iter().max().map_or(0, |c| c.saturating_add(1)).min(shared.len() + 1)
            }
        }
    }
}
