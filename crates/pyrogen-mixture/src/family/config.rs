//! Settings of the family.

use pyrogen_core::ConfigError;
use pyrogen_core::config::check::at_least_one;
use pyrogen_model::HowMany;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CovarianceModel, Criterion, MixtureConfig, Regularisation, Start};

/// Settings of a mixture that is trained through the door.
///
/// ```
/// use pyrogen_mixture::CovarianceModel;
/// use pyrogen_mixture::family::GmmConfig;
/// use serde_json::json;
///
/// let config: GmmConfig = serde_json::from_value(json!({"components": [2, 3], "covariance": "tied"}))?;
/// let tried = config.candidates();
/// assert_eq!(tried, [(2, CovarianceModel::EEE), (3, CovarianceModel::EEE)]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GmmConfig {
    /// Number of components: `auto` is the best of 1 to 6.
    pub components: HowMany,
    /// What the components' covariances share.
    pub covariance: Covariance,
    /// What chooses where there is something to choose.
    pub criterion: Criterion,
    /// What keeps covariances away from zero.
    pub regularisation: Regularisation,
    /// Rows that every category is taken to have in each component beside the data's.
    pub smoothing: f64,
    /// How the first components are found.
    pub start: Start,
    /// How many starts each candidate has; the best is kept.
    pub starts: usize,
    /// After so many steps only the best start of a candidate goes on; all go on to their ends where
    /// it is null.
    pub short_steps: Option<u64>,
    /// A start has converged when a step gains less than this, in nats a row.
    pub tolerance: f64,
    /// How often a start may replace a collapsed component by half of another one.
    pub splits: usize,
}

impl Default for GmmConfig {
    fn default() -> Self {
        let own = MixtureConfig::default();
        Self {
            components: HowMany::Auto,
            covariance: Covariance::One(CovarianceModel::FULL),
            criterion: Criterion::Bic,
            regularisation: own.regularisation,
            smoothing: own.smoothing,
            start: own.start,
            starts: 4,
            short_steps: Some(20),
            tolerance: own.tolerance,
            splits: own.splits,
        }
    }
}

impl GmmConfig {
    /// The numbers of components and the models of covariances that are fitted.
    pub fn candidates(&self) -> Vec<(usize, CovarianceModel)> {
        let models = self.covariance.models();
        let pairs = |k: usize| models.iter().map(move |m| (k, *m));
        self.components.numbers(MOST).into_iter().flat_map(pairs).collect()
    }

    /// The config of one candidate. The run's limits end it.
    pub fn fit(&self, components: usize, covariance: CovarianceModel) -> MixtureConfig {
        MixtureConfig {
            components,
            covariance,
            regularisation: self.regularisation,
            smoothing: self.smoothing,
            start: self.start,
            starts: self.starts,
            short_steps: self.short_steps,
            tolerance: self.tolerance,
            max_steps: u64::MAX,
            splits: self.splits,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for components in self.components.numbers(MOST) {
            at_least_one("components", components)?;
        }
        let candidates = self.candidates();
        let Some(&(k, model)) = candidates.first() else {
            let expected = "one number of components and one model of covariances at least";
            return Err(ConfigError::value("components", expected, "none"));
        };
        self.fit(k, model).validate()
    }
}

/// The most components where the number is chosen and nothing else is said.
const MOST: usize = 6;

/// What the components' covariances share.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Covariance {
    /// The best of `full`, `tied`, `diagonal` and `spherical`.
    Common,
    /// The best of the fourteen models.
    All,
    /// This model.
    One(CovarianceModel),
    /// The best of these models.
    OneOf(Vec<CovarianceModel>),
}

impl Covariance {
    fn models(&self) -> Vec<CovarianceModel> {
        use CovarianceModel as M;
        match self {
            Self::Common => vec![M::SPHERICAL, M::DIAGONAL, M::TIED, M::FULL],
            Self::All => M::ALL.to_vec(),
            Self::One(model) => vec![*model],
            Self::OneOf(models) => models.clone(),
        }
    }
}

impl TryFrom<Value> for Covariance {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let model = |v: &Value| serde_json::from_value::<CovarianceModel>(v.clone()).ok();
        let found = match &value {
            Value::String(text) if text == "common" => Some(Self::Common),
            Value::String(text) if text == "all" => Some(Self::All),
            Value::Array(all) => all.iter().map(model).collect::<Option<_>>().map(Self::OneOf),
            other => model(other).map(Self::One),
        };
        found.ok_or_else(|| {
            let names: Vec<String> = CovarianceModel::ALL.iter().map(|m| m.to_string()).collect();
            format!(
                "covariance must be full, tied, diagonal, spherical, one of {}, common (the best of \
                 the first four), all (the best of the fourteen) or a list, got {value}",
                names.join(", ")
            )
        })
    }
}

impl From<Covariance> for Value {
    fn from(covariance: Covariance) -> Self {
        let name = |m: &CovarianceModel| Value::from(m.to_string());
        match covariance {
            Covariance::Common => "common".into(),
            Covariance::All => "all".into(),
            Covariance::One(model) => match model {
                CovarianceModel::FULL => "full".into(),
                CovarianceModel::TIED => "tied".into(),
                CovarianceModel::DIAGONAL => "diagonal".into(),
                CovarianceModel::SPHERICAL => "spherical".into(),
                other => name(&other),
            },
            Covariance::OneOf(models) => models.iter().map(name).collect(),
        }
    }
}
