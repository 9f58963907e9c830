//! The model: weights, Gaussians and tables of probabilities.

use serde::{Deserialize, Serialize};

use crate::factors::{Covariance, Factor};
use crate::matrix::{packed, unpack};
use crate::pass::{self, Components};
use crate::{CovarianceModel, Covariances, MixtureError, Table};

/// A mixture of Gaussians, of tables of categories (a latent class model), or of both:
///
/// ```text
/// p(x, c) = sum_k weight_k N(x; mean_k, covariance_k) prod_j probability_kj[c_j]
/// ```
///
/// Within a component the numbers `x` are Gaussian and the categories `c_j` are independent of each
/// other and of the numbers. A missing cell is left out of the product: the density of a row is that
/// of its observed cells.
///
/// It is serialised as its parameters; a deserialised one gives the same bytes.
///
/// # Units
/// Nats per row. Densities are in the units of the columns.
///
/// # References
/// McLachlan and Peel (2000), "Finite Mixture Models", for mixtures; Goodman (1974) for latent
/// classes.
///
/// # Examples
/// ```
/// use pyrogen_mixture::{Covariances, Mixture, Table};
///
/// let variances = Covariances::Spherical(vec![1.0, 0.25]);
/// let mixture = Mixture::gaussian(vec![0.5, 0.5], vec![-1.0, 0.0, 1.0, 0.0], variances)?;
/// let rows = Table::numeric(vec![-1.0, 0.0, f64::NAN, 0.0], 2)?;
/// let log_density = mixture.log_density(&rows)?;
/// // The second row has one observed cell; both components have mean 0 there.
/// let normal = |sd: f64| 1.0 / (sd * std::f64::consts::TAU.sqrt());
/// assert!((log_density[1] - (0.5 * normal(1.0) + 0.5 * normal(0.5)).ln()).abs() < 1e-12);
/// let shares = mixture.responsibilities(&rows)?;
/// assert!((shares[2] - 1.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parameters", into = "Parameters")]
pub struct Mixture {
    parameters: Parameters,
    pub(crate) components: Components,
}

/// What a mixture is made of, as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub covariance: CovarianceModel,
    /// Numeric columns.
    pub columns: usize,
    pub levels: Vec<u32>,
    pub weights: Vec<f64>,
    /// `[k, columns]`.
    pub means: Vec<f64>,
    /// Per component the lower triangle, row by row, or the diagonal.
    pub covariances: Vec<f64>,
    /// `[k, sum of levels]`.
    pub probabilities: Vec<f64>,
}

impl From<Mixture> for Parameters {
    fn from(mixture: Mixture) -> Self {
        mixture.parameters
    }
}

impl TryFrom<Parameters> for Mixture {
    type Error = MixtureError;

    fn try_from(parameters: Parameters) -> Result<Self, MixtureError> {
        parameters.check()?;
        let components = parameters.components()?;
        Ok(Self { parameters, components })
    }
}

/// How far from 1 a sum of probabilities may be: what writing them with ten digits leaves.
const SUM: f64 = 1e-9;

impl Parameters {
    fn k(&self) -> usize {
        self.weights.len()
    }

    fn all_levels(&self) -> usize {
        self.levels.iter().map(|l| *l as usize).sum()
    }

    fn check(&self) -> Result<(), MixtureError> {
        let (k, d) = (self.k(), self.columns);
        if k == 0 || (d == 0 && self.levels.is_empty()) {
            return Err(MixtureError::Empty { rows: k, columns: d + self.levels.len() });
        }
        let size = if self.covariance.is_dense() { packed(d) } else { d };
        let lists = [
            ("means", k * d, &self.means),
            ("covariances", k * size, &self.covariances),
            ("probabilities", k * self.all_levels(), &self.probabilities),
        ];
        for (what, expected, list) in lists {
            if list.len() != expected {
                return Err(MixtureError::Length { what, expected, got: list.len() });
            }
        }
        check_probabilities(&self.weights, "a weight", "the sum of the weights", |c| c)?;
        if let Some(e) = self.means.iter().position(|m| !m.is_finite()) {
            let (component, value) = (e / d, self.means[e]);
            return Err(MixtureError::Parameter { component, what: "a mean", value });
        }
        let all = self.all_levels();
        for component in 0..k {
            let mut rest = &self.probabilities[component * all..][..all];
            for levels in &self.levels {
                let (column, others) = rest.split_at(*levels as usize);
                let sum = "the sum of a column's probabilities";
                check_probabilities(column, "a probability", sum, |_| component)?;
                rest = others;
            }
        }
        Ok(())
    }

    fn components(&self) -> Result<Components, MixtureError> {
        let log = |p: &Vec<f64>| p.iter().map(|p| p.ln()).collect::<Vec<f64>>();
        let mut components = Components {
            d: self.columns,
            factors: Vec::new(),
            log_weights: log(&self.weights),
            covariances: self.covariances.clone(),
            dense: self.covariance.is_dense(),
            levels: self.levels.clone(),
            log_probabilities: log(&self.probabilities),
        };
        let (means, d) = (&self.means, self.columns);
        let factor = |c: usize| -> Result<Factor, MixtureError> {
            let mean = &means[c * d..][..d];
            components.covariance(c).factor(mean, components.log_weights[c]).map_err(|bad| {
                let (column, pivot) = (bad.column, bad.pivot);
                MixtureError::NotPositiveDefinite { component: c, column, pivot }
            })
        };
        let factors = (0..self.k()).map(factor).collect::<Result<_, _>>()?;
        components.factors = factors;
        Ok(components)
    }
}

fn check_probabilities(
    p: &[f64],
    what: &'static str,
    sum: &'static str,
    component: impl Fn(usize) -> usize,
) -> Result<(), MixtureError> {
    if let Some(i) = p.iter().position(|p| !(*p >= 0.0 && p.is_finite())) {
        return Err(MixtureError::Parameter { component: component(i), what, value: p[i] });
    }
    let total: f64 = p.iter().sum();
    if (total - 1.0).abs() > SUM {
        return Err(MixtureError::Parameter { component: component(0), what: sum, value: total });
    }
    Ok(())
}

impl Mixture {
    /// A mixture of Gaussians: `means` is `[k, d]`, row-major.
    ///
    /// # Errors
    /// Lists of other lengths, weights that are negative or do not sum to 1, a mean that is not
    /// finite, a covariance that is not positive definite. Of a matrix the lower triangle is read.
    pub fn gaussian(
        weights: Vec<f64>,
        means: Vec<f64>,
        covariances: Covariances,
    ) -> Result<Self, MixtureError> {
        let k = weights.len();
        let d = means.len().checked_div(k).unwrap_or(0);
        if d == 0 {
            return Err(MixtureError::Empty { rows: k, columns: d });
        }
        let covariance = covariances.model();
        let (list, expected) = match &covariances {
            Covariances::Spherical(list) => (list, k),
            Covariances::Diagonal(list) => (list, k * d),
            Covariances::Tied(list) => (list, d * d),
            Covariances::Full(list) => (list, k * d * d),
        };
        if list.len() != expected {
            let (what, got) = ("covariances", list.len());
            return Err(MixtureError::Length { what, expected, got });
        }
        let lower = |m: &[f64]| -> Vec<f64> {
            (0..d).flat_map(|i| m[i * d..=i * d + i].to_vec()).collect()
        };
        let covariances: Vec<f64> = match &covariances {
            Covariances::Spherical(list) => list.iter().flat_map(|v| vec![*v; d]).collect(),
            Covariances::Diagonal(list) => list.clone(),
            Covariances::Tied(list) => lower(list).repeat(k),
            Covariances::Full(list) => list.chunks(d * d).flat_map(lower).collect(),
        };
        let (levels, probabilities) = (Vec::new(), Vec::new());
        let columns = d;
        Parameters { covariance, columns, levels, weights, means, covariances, probabilities }
            .try_into()
    }

    /// A latent class model: `probabilities` is `[k, sum of levels]`, row-major, the levels of one
    /// column after those of the other.
    ///
    /// # Errors
    /// Lists of other lengths, probabilities that are negative or do not sum to 1 within a column.
    ///
    /// ```
    /// use pyrogen_mixture::{MISSING, Mixture, Table};
    ///
    /// // Two classes, one column of three levels and one of two.
    /// let p = vec![0.8, 0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.8, 0.9, 0.1];
    /// let classes = Mixture::latent_classes(vec![0.25, 0.75], vec![3, 2], p)?;
    /// let rows = Table::categorical(vec![0, 1, MISSING, 0], vec![3, 2])?;
    /// let density = classes.log_density(&rows)?;
    /// assert!((density[0] - (0.25 * 0.8 * 0.5 + 0.75 * 0.1 * 0.1f64).ln()).abs() < 1e-12);
    /// assert!((density[1] - (0.25 * 0.5 + 0.75 * 0.9f64).ln()).abs() < 1e-12);
    /// # Ok::<(), pyrogen_mixture::MixtureError>(())
    /// ```
    pub fn latent_classes(
        weights: Vec<f64>,
        levels: Vec<u32>,
        probabilities: Vec<f64>,
    ) -> Result<Self, MixtureError> {
        let covariance = CovarianceModel::DIAGONAL;
        let (means, covariances) = (Vec::new(), Vec::new());
        Parameters { covariance, columns: 0, levels, weights, means, covariances, probabilities }
            .try_into()
    }

    /// The same components with these categorical columns beside the numbers; as in
    /// [`latent_classes`](Self::latent_classes).
    ///
    /// # Errors
    /// As [`latent_classes`](Self::latent_classes).
    pub fn with_categories(
        self,
        levels: Vec<u32>,
        probabilities: Vec<f64>,
    ) -> Result<Self, MixtureError> {
        Parameters { levels, probabilities, ..self.parameters }.try_into()
    }

    pub(crate) fn from_parameters(parameters: Parameters) -> Result<Self, MixtureError> {
        parameters.try_into()
    }

    pub(crate) fn parts(&self) -> &Parameters {
        &self.parameters
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.parameters.k()
    }

    /// Number of numeric columns.
    pub fn columns(&self) -> usize {
        self.parameters.columns
    }

    /// Levels of each categorical column.
    pub fn levels(&self) -> &[u32] {
        &self.parameters.levels
    }

    /// What the covariances share.
    pub fn covariance_model(&self) -> CovarianceModel {
        self.parameters.covariance
    }

    /// The components' weights, which sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.parameters.weights
    }

    /// The mean of a component, `[columns]`.
    ///
    /// # Panics
    /// If there is no such component.
    pub fn mean(&self, component: usize) -> &[f64] {
        let d = self.columns();
        &self.parameters.means[component * d..][..d]
    }

    /// The covariance matrix of a component, `[columns, columns]` row-major.
    ///
    /// # Panics
    /// If there is no such component.
    pub fn covariance(&self, component: usize) -> Vec<f64> {
        let d = self.columns();
        match self.components.covariance(component) {
            Covariance::Dense(a) => unpack(a, d),
            Covariance::Diagonal(a) => {
                (0..d * d).map(|e| if e / d == e % d { a[e / d] } else { 0.0 }).collect()
            }
        }
    }

    /// The probabilities of a categorical column's levels in a component.
    ///
    /// # Panics
    /// If there is no such component or column.
    pub fn probabilities(&self, component: usize, column: usize) -> &[f64] {
        let levels = self.levels();
        let before: usize = levels[..column].iter().map(|l| *l as usize).sum();
        let start = component * self.parameters.all_levels() + before;
        &self.parameters.probabilities[start..][..levels[column] as usize]
    }

    /// Free parameters: weights, means, covariances and probabilities.
    pub fn parameters(&self) -> usize {
        let (k, d) = (self.components(), self.columns());
        let categories: usize = self.levels().iter().map(|l| (*l as usize).saturating_sub(1)).sum();
        k - 1 + k * d + self.covariance_model().parameters(k, d) + k * categories
    }

    /// Refuses a table of other columns.
    pub(crate) fn check(&self, table: &Table) -> Result<(), MixtureError> {
        if table.columns() == self.columns() && table.levels() == self.levels() {
            return Ok(());
        }
        Err(MixtureError::Columns {
            model_columns: self.columns(),
            model_levels: self.levels().to_vec(),
            columns: table.columns(),
            levels: table.levels().to_vec(),
        })
    }

    /// The log density of the observed cells of each row, in nats. 0 for a row without any; minus
    /// infinity for a category that no component has.
    ///
    /// # Errors
    /// A table of other columns.
    pub fn log_density(&self, table: &Table) -> Result<Vec<f64>, MixtureError> {
        self.check(table)?;
        Ok(pass::evaluate(&self.components, table, false).0)
    }

    /// The weighted sum of [`log_density`](Self::log_density).
    ///
    /// # Errors
    /// A table of other columns.
    pub fn log_likelihood(&self, table: &Table) -> Result<f64, MixtureError> {
        let densities = self.log_density(table)?;
        let weighted = densities.iter().enumerate().filter(|(row, _)| table.weight(*row) > 0.0);
        Ok(weighted.map(|(row, v)| table.weight(row) * v).sum())
    }

    /// The probability of each component given the observed cells of each row.
    ///
    /// # Shapes
    /// `[rows, components]`, row-major; each row sums to 1.
    ///
    /// # Errors
    /// A table of other columns, or a row that has probability zero under every component.
    pub fn responsibilities(&self, table: &Table) -> Result<Vec<f64>, MixtureError> {
        self.check(table)?;
        let (densities, shares) = pass::evaluate(&self.components, table, true);
        match densities.iter().position(|v| *v == f64::NEG_INFINITY) {
            Some(row) => Err(MixtureError::Impossible { row }),
            None => Ok(shares),
        }
    }

    /// The most probable component of each row; the first of equals.
    ///
    /// # Errors
    /// As [`responsibilities`](Self::responsibilities).
    pub fn assign(&self, table: &Table) -> Result<Vec<usize>, MixtureError> {
        let shares = self.responsibilities(table)?;
        Ok(shares.chunks(self.components()).map(largest).collect())
    }
}

/// The place of the largest number; the first of equals.
pub(crate) fn largest(values: &[f64]) -> usize {
    let better = |best: usize, i: usize| if values[i] > values[best] { i } else { best };
    (0..values.len()).fold(0, better)
}
