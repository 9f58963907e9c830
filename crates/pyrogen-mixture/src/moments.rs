//! Means and variances of the columns, and what is wrong with columns.

use serde::{Deserialize, Serialize};

use crate::factors::Covariance;
use crate::matrix::{cholesky, packed};
use crate::pass::{self, Components};
use crate::{MISSING, MixtureConfig, MixtureError, Regularisation, Table};

/// Weighted moments of the numeric columns over their observed cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moments {
    pub means: Vec<f64>,
    /// Dividing by the weight.
    pub variances: Vec<f64>,
    /// The covariance of a complete table, dividing by the weight less 1; a lower triangle.
    covariance: Option<Vec<f64>>,
    /// The weight less 1, by the weight.
    bias: f64,
}

impl Moments {
    /// Reads a table, and refuses one that the configuration cannot be fitted to.
    pub fn of(config: &MixtureConfig, table: &Table) -> Result<Self, MixtureError> {
        check_rows(config, table)?;
        check_categories(table)?;
        let (means, variances) = columns(table)?;
        let needs_extent = !matches!(config.regularisation, Regularisation::Diagonal { .. });
        for (column, variance) in variances.iter().enumerate() {
            if !variance.is_finite() {
                let what = "the variance of a column";
                return Err(MixtureError::NotFinite { step: 0, what, value: *variance });
            }
            if needs_extent && *variance == 0.0 {
                return Err(MixtureError::ConstantColumn { column, value: means[column] });
            }
        }
        let bias = (table.total_weight() - 1.0).max(f64::MIN_POSITIVE) / table.total_weight();
        let mut moments = Self { means, variances, covariance: None, bias };
        if config.covariance.is_dense() && table.columns() > 0 && !table.misses_numbers() {
            moments.add_covariance(config, table)?;
        }
        Ok(moments)
    }

    fn add_covariance(
        &mut self,
        config: &MixtureConfig,
        table: &Table,
    ) -> Result<(), MixtureError> {
        let d = table.columns();
        let mut components = Components { d, dense: true, ..Default::default() };
        let safe = |v: f64| if v > 0.0 { v } else { 1.0 };
        components.covariances = vec![0.0; packed(d)];
        for (i, v) in self.variances.iter().enumerate() {
            components.covariances[packed(i + 1) - 1] = safe(*v);
        }
        let factor = Covariance::Dense(&components.covariances).factor(&self.means, 0.0);
        components.factors = vec![factor.expect("positive variances")];
        components.log_weights = vec![0.0];
        let sums = pass::expectations(&components, table);
        let weight = table.total_weight() * self.bias;
        let covariance: Vec<f64> = sums.second.iter().map(|s| s / weight).collect();
        let singular =
            matches!(config.regularisation, Regularisation::None | Regularisation::Prior { .. });
        match cholesky(&covariance, d) {
            Err(bad) if singular => {
                return Err(MixtureError::CollinearColumn { column: bad.column });
            }
            _ => self.covariance = Some(covariance),
        }
        Ok(())
    }

    /// The covariance of the table, dividing by the weight less 1: a diagonal, or a lower triangle
    /// (with zeros beside the diagonal where cells are missing).
    pub fn scatter(&self, diagonal: bool) -> Vec<f64> {
        let d = self.means.len();
        let variances = self.variances.iter().map(|v| v / self.bias);
        if diagonal {
            return variances.collect();
        }
        self.covariance.clone().unwrap_or_else(|| {
            let mut out = vec![0.0; packed(d)];
            variances.enumerate().for_each(|(i, v)| out[packed(i + 1) - 1] = v);
            out
        })
    }
}

fn check_rows(config: &MixtureConfig, table: &Table) -> Result<(), MixtureError> {
    let rows = (0..table.rows()).filter(|r| table.weight(*r) > 0.0 && table.observes(*r)).count();
    match rows < config.components {
        true => Err(MixtureError::FewRows { rows, components: config.components }),
        false => Ok(()),
    }
}

fn check_categories(table: &Table) -> Result<(), MixtureError> {
    let seen = |column: usize| {
        let shows = |row: usize| table.weight(row) > 0.0 && table.codes(row)[column] != MISSING;
        (0..table.rows()).any(shows)
    };
    match (0..table.levels().len()).find(|j| !seen(*j)) {
        Some(column) => Err(MixtureError::EmptyColumn { kind: "categorical", column }),
        None => Ok(()),
    }
}

/// Means and variances of the observed cells, in two passes. Sums are about the first cell of each
/// column, so that equal cells have a variance of exactly 0.
fn columns(table: &Table) -> Result<(Vec<f64>, Vec<f64>), MixtureError> {
    let d = table.columns();
    let (mut means, mut weights, mut origin) = (vec![0.0; d], vec![0.0; d], vec![0.0; d]);
    each_cell(table, |column, weight, value| {
        if weights[column] == 0.0 {
            origin[column] = value;
        }
        weights[column] += weight;
        means[column] += weight * (value - origin[column]);
    });
    if let Some(column) = weights.iter().position(|w| *w == 0.0) {
        return Err(MixtureError::EmptyColumn { kind: "numeric", column });
    }
    for ((mean, weight), origin) in means.iter_mut().zip(&weights).zip(&origin) {
        *mean = origin + *mean / weight;
    }
    let mut squares = vec![0.0; d];
    each_cell(table, |column, weight, value| {
        let apart = value - means[column];
        squares[column] += weight * apart * apart;
    });
    squares.iter_mut().zip(&weights).for_each(|(s, w)| *s /= w);
    Ok((means, squares))
}

/// Calls `f(column, weight, value)` for all observed cells with a weight.
fn each_cell(table: &Table, mut f: impl FnMut(usize, f64, f64)) {
    for row in 0..table.rows() {
        let weight = table.weight(row);
        if weight > 0.0 {
            for (column, value) in table.numbers(row).iter().enumerate() {
                if !value.is_nan() {
                    f(column, weight, *value);
                }
            }
        }
    }
}
