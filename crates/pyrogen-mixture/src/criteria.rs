//! How well a mixture fits, less what its parameters cost.

use serde::{Deserialize, Serialize};

use crate::pass::{self, Judgement};
use crate::{Mixture, MixtureError, Table};

/// Criteria for choosing among models that were fitted to one table. All are in nats times two, and
/// lower is better.
///
/// ```text
/// aic = -2 log_likelihood + 2 parameters
/// bic = -2 log_likelihood + parameters log(rows)
/// icl = bic - 2 sum_i w_i log max_k r_ik
/// ```
///
/// `rows` is the sum of the weights. `icl` adds what the assignment of rows to components leaves
/// open, and so prefers components that are apart. mclust reports `bic` and `icl` with the other
/// sign; scikit-learn reports `aic` and `bic` with this one.
///
/// # References
/// Schwarz (1978); Akaike (1974); Biernacki, Celeux and Govaert (2000), equation 14, with the rows
/// assigned to their most probable component.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// Weighted sum of the rows' log densities, in nats.
    pub log_likelihood: f64,
    /// Free parameters.
    pub parameters: usize,
    /// Sum of the weights.
    pub rows: f64,
    /// Akaike's criterion.
    pub aic: f64,
    /// The Bayesian information criterion.
    pub bic: f64,
    /// The integrated classification likelihood criterion.
    pub icl: f64,
}

impl Mixture {
    /// The criteria of this mixture on the table that it was fitted to.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn criteria(&self, table: &Table) -> Result<Criteria, MixtureError> {
        self.check(table)?;
        let judged = pass::judge(&self.components, table);
        if let Some(row) = judged.impossible {
            return Err(MixtureError::Impossible { row });
        }
        let Judgement { log_likelihood, certainty, .. } = judged;
        let (parameters, rows) = (self.parameters(), table.total_weight());
        let bic = -2.0 * log_likelihood + parameters as f64 * rows.ln();
        Ok(Criteria {
            log_likelihood,
            parameters,
            rows,
            aic: -2.0 * log_likelihood + 2.0 * parameters as f64,
            bic,
            icl: bic - 2.0 * certainty,
        })
    }
}
