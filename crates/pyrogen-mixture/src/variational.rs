//! Bayesian mixtures by variational inference.

use pyrogen_core::config::check::{at_least_one, not_negative, positive};
use pyrogen_core::{ConfigError, Noise};
use serde::{Deserialize, Serialize};

use crate::matrix::{cholesky, packed};
use crate::mixture::Parameters;
use crate::moments::Moments;
use crate::posterior::{Posterior, Prior};
use crate::statistics::Statistics;
use crate::{
    CovarianceModel, Mixture, MixtureConfig, MixtureError, Regularisation, Start, Table, pass,
    start,
};

/// The prior of the components' weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightPrior {
    /// A Dirichlet process by sticks that are broken, cut off after `components` (Blei and Jordan
    /// 2006): each component takes a part of what those before it left, so that few are used.
    #[default]
    Process,
    /// A symmetric Dirichlet distribution (Bishop 2006, section 10.2).
    Dirichlet,
}

/// What the components' covariances are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// A matrix each, with a Wishart prior.
    #[default]
    Full,
    /// A variance a column, with a gamma prior each.
    Diagonal,
}

/// Configuration of a [`Variational`] fit. What is none has the default that scikit-learn takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VariationalConfig {
    /// The most components; those that the data does not need end with a weight near zero.
    pub components: usize,
    /// What covariances are like.
    pub precision: Precision,
    /// The prior of the weights.
    pub weights: WeightPrior,
    /// How many rows the prior of a weight counts as; small values leave components empty. None
    /// stands for `1 / components`.
    pub concentration: Option<f64>,
    /// How many rows the prior of a mean, around the table's mean, counts as.
    pub mean_precision: f64,
    /// Degrees of freedom of the prior of a precision, above `columns - 1`. None stands for the
    /// number of columns.
    pub degrees: Option<f64>,
    /// How the first shares are found.
    pub start: Start,
    /// It has converged when a step changes the bound by less than this, in nats per row.
    pub tolerance: f64,
    /// The most steps.
    pub max_steps: u64,
}

impl Default for VariationalConfig {
    fn default() -> Self {
        Self {
            components: 10,
            precision: Precision::Full,
            weights: WeightPrior::Process,
            concentration: None,
            mean_precision: 1.0,
            degrees: None,
            start: Start::KMeans,
            tolerance: 1e-6,
            max_steps: 1000,
        }
    }
}

impl VariationalConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_least_one("components", self.components)?;
        positive("concentration", self.concentration.unwrap_or(1.0))?;
        positive("mean_precision", self.mean_precision)?;
        positive("degrees", self.degrees.unwrap_or(1.0))?;
        not_negative("tolerance", self.tolerance)?;
        match self.max_steps {
            0 => Err(ConfigError::value("max_steps", "at least 1", 0)),
            _ => Ok(()),
        }
    }

    /// The part of a configuration that finds the first shares.
    fn start(&self) -> MixtureConfig {
        MixtureConfig {
            components: self.components,
            covariance: match self.precision {
                Precision::Full => CovarianceModel::FULL,
                Precision::Diagonal => CovarianceModel::DIAGONAL,
            },
            // The columns are checked as for plain maximum likelihood: the prior is made of them.
            regularisation: Regularisation::None,
            start: self.start,
            ..Default::default()
        }
    }
}

/// The state of a variational fit of a Bayesian Gaussian mixture:
///
/// ```text
/// precision_k ~ Wishart(degrees, (degrees covariance)^-1) up to scale
/// mean_k | precision_k ~ N(mean, (mean_precision precision_k)^-1)
/// q(z, weights, means, precisions) = q(z) q(weights) prod_k q(mean_k, precision_k)
/// ```
///
/// with the table's mean and covariance as the prior's. Each [`step`](Self::step) updates `q(z)` and
/// then the rest, and gives the evidence lower bound, which never falls. The whole state is
/// serialised and goes on bit for bit.
///
/// Tables are complete and numeric; rows may have weights.
///
/// # Units
/// The bound is in nats and bounds `log p(table)`, all constants included. (scikit-learn's
/// `lower_bound_` leaves out the normalisers of the prior and the powers of `2 pi`; the difference is
/// the same number at every step.)
///
/// # Numerics
/// Steps with full precisions are those of scikit-learn's `BayesianGaussianMixture`. With diagonal
/// ones they are not: there scikit-learn keeps the Wishart's expectations of full matrices, and its
/// bound may fall.
///
/// # References
/// Attias (2000); Bishop (2006), section 10.2; Blei and Jordan (2006), "Variational inference for
/// Dirichlet process mixtures".
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_mixture::{Table, Variational, VariationalConfig};
///
/// let draws = Noise::new(Seed(5)).normal_vec(400);
/// let cell = |(i, z): (usize, &f64)| z + if i % 2 == 0 { 0.0 } else { 8.0 };
/// let table = Table::numeric(draws.iter().enumerate().map(cell).collect(), 1)?;
/// let config = VariationalConfig { components: 6, concentration: Some(0.01), ..Default::default() };
/// let mut fit = Variational::new(config, &table, &Noise::new(Seed(1)))?;
/// while !fit.is_done() {
///     fit.step(&table)?;
/// }
/// // Two of the six components are used.
/// let used = fit.mixture()?.weights().iter().filter(|w| **w > 0.05).count();
/// assert_eq!(used, 2);
/// # Ok::<(), pyrogen_mixture::MixtureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variational {
    config: VariationalConfig,
    prior: Prior,
    posterior: Posterior,
    step: u64,
    bound: Option<f64>,
    converged: bool,
}

fn check(table: &Table) -> Result<(), MixtureError> {
    let found = match table {
        _ if table.columns() == 0 => "no numeric columns",
        _ if !table.levels().is_empty() => "categorical columns",
        _ if table.misses_numbers() => "missing cells",
        _ => return Ok(()),
    };
    Err(MixtureError::Incomplete { method: "variational inference", found })
}

impl Variational {
    /// Starts from the rows' nearest seeds.
    ///
    /// # Errors
    /// A configuration or a table that cannot be used.
    pub fn new(
        config: VariationalConfig,
        table: &Table,
        noise: &Noise,
    ) -> Result<Self, MixtureError> {
        let prior = Self::prior(&config, table)?;
        let (start, moments) = (config.start(), Moments::of(&config.start(), table)?);
        let (picked, shares) = start::nearest_shares(&start, &moments, table, noise)?;
        let seen = picked.as_ref().unwrap_or(table);
        let mut statistics = start::statistics(&start, &moments, seen, &shares);
        statistics.scale(table.total_weight() / seen.total_weight());
        Ok(Self::of(config, prior, &statistics))
    }

    /// Starts from each row's share of every component, `[rows, components]`.
    ///
    /// # Errors
    /// As [`new`](Self::new), or shares of another number.
    pub fn from_responsibilities(
        config: VariationalConfig,
        shares: &[f64],
        table: &Table,
    ) -> Result<Self, MixtureError> {
        let prior = Self::prior(&config, table)?;
        let expected = table.rows() * config.components;
        if shares.len() != expected {
            let (what, got) = ("responsibilities", shares.len());
            return Err(MixtureError::Length { what, expected, got });
        }
        let (start, moments) = (config.start(), Moments::of(&config.start(), table)?);
        let statistics = start::statistics(&start, &moments, table, shares);
        Ok(Self::of(config, prior, &statistics))
    }

    fn prior(config: &VariationalConfig, table: &Table) -> Result<Prior, MixtureError> {
        config.validate()?;
        check(table)?;
        let d = table.columns();
        let degrees = config.degrees.unwrap_or(d as f64);
        if config.precision == Precision::Full && degrees <= d as f64 - 1.0 {
            let expected = format!("above {}", d - 1);
            return Err(ConfigError::value("degrees", expected, degrees).into());
        }
        let moments = Moments::of(&config.start(), table)?;
        Ok(Prior {
            weights: config.weights,
            concentration: config.concentration.unwrap_or(1.0 / config.components as f64),
            mean_precision: config.mean_precision,
            mean: moments.means.clone(),
            degrees,
            scale: moments.scatter(config.precision == Precision::Diagonal),
        })
    }

    fn of(config: VariationalConfig, prior: Prior, statistics: &Statistics) -> Self {
        let posterior = prior.posterior(statistics);
        Self { config, prior, posterior, step: 0, bound: None, converged: false }
    }

    /// The configuration.
    pub fn config(&self) -> &VariationalConfig {
        &self.config
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The evidence lower bound after the last step, in nats.
    pub fn bound(&self) -> Option<f64> {
        self.bound
    }

    /// Whether the last step changed the bound by less than the tolerance.
    pub fn has_converged(&self) -> bool {
        self.converged
    }

    /// Whether it has converged, or has made as many steps as it may.
    pub fn is_done(&self) -> bool {
        self.converged || self.step >= self.config.max_steps
    }

    /// One step; the evidence lower bound after it, in nats.
    ///
    /// # Errors
    /// A table of other columns or with missing cells; numbers that are not finite.
    pub fn step(&mut self, table: &Table) -> Result<f64, MixtureError> {
        check(table)?;
        let d = self.prior.mean.len();
        if table.columns() != d {
            let (model_levels, levels) = (Vec::new(), Vec::new());
            let columns = table.columns();
            return Err(MixtureError::Columns { model_columns: d, model_levels, columns, levels });
        }
        let components = self.posterior.components(&self.prior)?;
        let sums = pass::expectations(&components, table);
        let statistics = Statistics::new(&sums, &self.posterior.means);
        let posterior = self.prior.posterior(&statistics);
        let bound = self.prior.bound(&posterior, &statistics, sums.entropy)?;
        let step = self.step + 1;
        if !bound.is_finite() {
            return Err(MixtureError::NotFinite { step, what: "the bound", value: bound });
        }
        let still = self.config.tolerance * table.total_weight();
        self.converged = self.bound.is_some_and(|before| (bound - before).abs() <= still);
        (self.posterior, self.bound, self.step) = (posterior, Some(bound), step);
        Ok(bound)
    }

    /// The mixture of the posterior's expectations: weights, means, and the inverses of the expected
    /// precisions.
    ///
    /// # Errors
    /// Covariances that are singular up to rounding.
    pub fn mixture(&self) -> Result<Mixture, MixtureError> {
        let posterior = &self.posterior;
        let size = posterior.scales.len() / posterior.degrees.len();
        let scales = posterior.scales.chunks(size).zip(&posterior.degrees);
        Mixture::from_parameters(Parameters {
            covariance: self.config.start().covariance,
            columns: self.prior.mean.len(),
            levels: Vec::new(),
            weights: self.prior.expected_weights(posterior),
            means: posterior.means.clone(),
            covariances: scales.flat_map(|(s, nu)| s.iter().map(move |s| s / nu)).collect(),
            probabilities: Vec::new(),
        })
    }

    /// Parameters of the posterior, component by component: the weights' concentrations (for the
    /// process `[k, 2]`, a stick's two; else `[k]`), mean precisions and degrees of freedom.
    pub fn posterior(&self) -> (&[f64], &[f64], &[f64]) {
        let Posterior { concentrations, mean_precisions, degrees, .. } = &self.posterior;
        (concentrations, mean_precisions, degrees)
    }
}

/// Twice the sum of the logarithms of a Cholesky factor's diagonal; of a diagonal, the sum of its
/// logarithms.
pub(crate) fn log_det(a: &[f64], d: usize, component: usize) -> Result<f64, MixtureError> {
    let refuse = |column: usize, pivot: f64| {
        Err(MixtureError::NotPositiveDefinite { component, column, pivot })
    };
    if a.len() == d {
        return match a.iter().position(|v| v.is_nan() || *v <= 0.0) {
            Some(column) => refuse(column, a[column]),
            None => Ok(a.iter().map(|v| v.ln()).sum()),
        };
    }
    match cholesky(a, d) {
        Ok(l) => Ok((0..d).map(|i| 2.0 * l[packed(i + 1) - 1].ln()).sum()),
        Err(bad) => refuse(bad.column, bad.pivot),
    }
}
