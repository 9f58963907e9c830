//! Which model, and how many components.

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use crate::{CovarianceModel, Criteria, Fit, MixtureConfig, MixtureError, Table, fit};

/// What models are compared by; see [`Criteria`].
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Akaike's.
    Aic,
    /// The Bayesian information criterion.
    #[default]
    Bic,
    /// The integrated classification likelihood.
    Icl,
}

impl Criterion {
    /// Its value; lower is better.
    pub fn of(self, criteria: &Criteria) -> f64 {
        match self {
            Self::Aic => criteria.aic,
            Self::Bic => criteria.bic,
            Self::Icl => criteria.icl,
        }
    }
}

/// One of the models that were compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Number of components.
    pub components: usize,
    /// What their covariances share.
    pub covariance: CovarianceModel,
    /// Its criteria, or why it could not be fitted.
    pub result: Result<Criteria, MixtureError>,
}

/// The result of [`select`].
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// All that were tried, in order.
    pub candidates: Vec<Candidate>,
    /// The best.
    pub best: Fit,
}

/// Fits every number of components under every model of covariances, and keeps the best by a
/// criterion; a model that cannot be fitted is listed with its reason. Every other setting is the
/// configuration's. With one component and equal shapes models coincide; the first of equals is kept.
///
/// # Errors
/// Nothing to try, or the last error where no model could be fitted.
///
/// # References
/// Fraley and Raftery (2002), section 2.4.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_mixture::{CovarianceModel, Criterion, MixtureConfig, Table, select};
///
/// let z = Noise::new(Seed(2)).normal_vec(600);
/// let cell = |e: usize| z[e] + [0.0, 12.0, 24.0][e / 2 % 3];
/// let table = Table::numeric((0..600).map(cell).collect(), 2)?;
/// let (models, noise) = ([CovarianceModel::EII, CovarianceModel::VVV], Noise::new(Seed(1)));
/// let config = MixtureConfig::default();
/// let chosen = select(&table, &[2, 3, 4], &models, &config, Criterion::Bic, &noise)?;
/// assert_eq!(chosen.best.mixture.components(), 3);
/// assert_eq!(chosen.best.mixture.covariance_model(), CovarianceModel::EII);
/// assert_eq!(chosen.candidates.len(), 6);
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
pub fn select(
    table: &Table,
    components: &[usize],
    models: &[CovarianceModel],
    config: &MixtureConfig,
    criterion: Criterion,
    noise: &Noise,
) -> Result<Selection, MixtureError> {
    let (mut candidates, mut best, mut last) = (Vec::new(), None::<Fit>, None);
    for &components in components {
        for &covariance in models {
            let config = MixtureConfig { components, covariance, ..config.clone() };
            let result = match fit(&config, table, noise) {
                Ok(fit) => {
                    let criteria = fit.criteria;
                    let better =
                        |best: &Fit| criterion.of(&criteria) < criterion.of(&best.criteria);
                    if best.as_ref().is_none_or(better) {
                        best = Some(fit);
                    }
                    Ok(criteria)
                }
                Err(error) => {
                    last = Some(error.clone());
                    Err(error)
                }
            };
            candidates.push(Candidate { components, covariance, result });
        }
    }
    match (best, last) {
        (Some(best), _) => Ok(Selection { candidates, best }),
        (None, Some(error)) => Err(error),
        (None, None) => {
            let error =
                pyrogen_core::ConfigError::value("components and models", "one of each", "none");
            Err(error.into())
        }
    }
}
