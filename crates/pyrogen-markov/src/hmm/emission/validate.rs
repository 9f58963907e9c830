//! Checks of parameters, for models that come from outside.

use super::{Covariance, Emission, Gaussian};
use crate::MarkovError;
use crate::hmm::model::probabilities;
use crate::linear::cholesky;

impl Emission {
    /// Checks that every parameter is in its range and every table has its size.
    ///
    /// # Errors
    /// The first parameter that is not, or table that has not.
    pub fn validate(&self) -> Result<(), MarkovError> {
        match self {
            Self::Gaussian(e) => gaussian(e),
            Self::GaussianMixture(e) => {
                table("weights", &e.weights, |w| w >= 0.0, "probabilities")?;
                e.weights.iter().try_for_each(|row| probabilities("weights", row))?;
                gaussian(&e.gaussians)?;
                let expected = e.weights.len() * e.weights[0].len();
                count("means", expected, e.gaussians.means.len())
            }
            Self::Poisson(e) => table("means", &e.means, |v| v >= 0.0, "at least 0"),
            Self::Categorical(e) => rows(&e.probabilities),
            Self::Multinomial(e) => rows(&e.probabilities),
            Self::Bernoulli(e) => {
                let ok = |p: f64| (0.0..=1.0).contains(&p);
                table("probabilities", &e.probabilities, ok, "within 0 and 1")
            }
            Self::Gamma(e) => {
                table("shapes", &e.shapes, |v| v > 0.0, "above 0")?;
                table("rates", &e.rates, |v| v > 0.0, "above 0")?;
                same("rates", &e.shapes, &e.rates)
            }
            Self::StudentT(e) => {
                table("locations", &e.locations, |_| true, "finite")?;
                table("squared_scales", &e.squared_scales, |v| v > 0.0, "above 0")?;
                table("degrees", &e.degrees, |v| v > 0.0, "above 0")?;
                same("squared_scales", &e.locations, &e.squared_scales)?;
                same("degrees", &e.locations, &e.degrees)
            }
            Self::Regression(e) => {
                gaussian(&e.noise)?;
                table("coefficients", &e.coefficients, |_| true, "finite")?;
                count("coefficients", e.noise.means.len(), e.coefficients.len())?;
                let expected = e.noise.width() * e.regressors();
                count("a row of coefficients", expected, e.coefficients[0].len())
            }
        }
    }
}

fn count(name: &'static str, expected: usize, got: usize) -> Result<(), MarkovError> {
    if expected == got { Ok(()) } else { Err(MarkovError::Count { name, expected, got }) }
}

/// Rows of one length with entries in a range.
fn table(
    name: &'static str,
    rows: &[Vec<f64>],
    ok: impl Fn(f64) -> bool,
    expected: &'static str,
) -> Result<(), MarkovError> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 {
        return Err(MarkovError::request(name, "a table with entries", "none"));
    }
    rows.iter().try_for_each(|row| count(name, width, row.len()))?;
    match rows.iter().flatten().find(|v| !v.is_finite() || !ok(**v)) {
        Some(v) => Err(MarkovError::request(name, expected, v)),
        None => Ok(()),
    }
}

fn rows(rows: &[Vec<f64>]) -> Result<(), MarkovError> {
    table("probabilities", rows, |p| p >= 0.0, "probabilities")?;
    rows.iter().try_for_each(|row| probabilities("probabilities", row))
}

fn same(name: &'static str, like: &[Vec<f64>], rows: &[Vec<f64>]) -> Result<(), MarkovError> {
    count(name, like.len(), rows.len())?;
    count(name, like[0].len(), rows[0].len())
}

fn gaussian(e: &Gaussian) -> Result<(), MarkovError> {
    table("means", &e.means, |_| true, "finite")?;
    let d = e.width();
    let (states, size) = match e.form {
        Covariance::Spherical => (e.means.len(), 1),
        Covariance::Diagonal => (e.means.len(), d),
        Covariance::Full => (e.means.len(), d * d),
        Covariance::Tied => (1, d * d),
    };
    count("covariances", states, e.covariances.len())?;
    table("covariances", &e.covariances, |_| true, "finite")?;
    count("a row of covariances", size, e.covariances[0].len())?;
    for (state, row) in e.covariances.iter().enumerate() {
        let ok = match e.form {
            Covariance::Spherical | Covariance::Diagonal => row.iter().all(|v| *v > 0.0),
            Covariance::Full | Covariance::Tied => {
                let largest = row.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                let even = |p: usize| (row[p] - row[p % d * d + p / d]).abs() <= 1e-9 * largest;
                (0..d * d).all(even) && cholesky(row, d).is_some()
            }
        };
        if !ok {
            return Err(MarkovError::Covariance { state });
        }
    }
    Ok(())
}
