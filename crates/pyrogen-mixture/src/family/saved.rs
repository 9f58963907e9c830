//! What `model.json` of the family holds.

use serde::{Deserialize, Serialize};

use super::columns::Columns;
use crate::{CovarianceModel, Mixture};

/// A trained mixture: its columns, its parameters, and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The columns of the data.
    pub columns: Columns,
    /// The share of each column's cells that were missing in training.
    pub missing: Vec<f64>,
    /// The mixture.
    pub mixture: Mixture,
    /// Training rows.
    pub rows: f64,
    /// Log-likelihood of the training rows at the last step, in nats.
    pub log_likelihood: f64,
    /// Whether expectation maximisation had converged.
    pub converged: bool,
    /// Everything that was fitted, with its value of the criterion.
    pub tried: Vec<Tried>,
    /// What happened on the way: collapsed components, starts that failed.
    pub events: Vec<String>,
}

/// A candidate that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Number of components.
    pub components: usize,
    /// What their covariances share.
    pub covariance: CovarianceModel,
    /// Its criterion; lower is better. None where it failed.
    pub criterion: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Saved {
    /// Akaike's criterion of the training rows.
    pub fn aic(&self) -> f64 {
        -2.0 * self.log_likelihood + 2.0 * self.mixture.parameters() as f64
    }

    /// The Bayesian information criterion of the training rows.
    pub fn bic(&self) -> f64 {
        -2.0 * self.log_likelihood + self.mixture.parameters() as f64 * self.rows.ln()
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// What does not.
    pub fn check(&self) -> Result<(), String> {
        let (numbers, levels) = (self.columns.numbers().len(), self.columns.levels());
        if self.mixture.columns() != numbers || self.mixture.levels() != levels {
            return Err(format!(
                "model.json: the mixture has {} numbers and the levels {:?}, its columns {numbers} \
                 and {levels:?}",
                self.mixture.columns(),
                self.mixture.levels()
            ));
        }
        let shares = self.missing.len() == self.columns.width()
            && self.missing.iter().all(|p| (0.0..=1.0).contains(p));
        match shares {
            true => Ok(()),
            false => Err("model.json: `missing` must hold a share for each column".into()),
        }
    }
}
