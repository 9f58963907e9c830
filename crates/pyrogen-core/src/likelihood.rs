//! What a model says about how probable data is, and how sure it is of that.

use serde::{Deserialize, Serialize};

/// What kind of number a log-likelihood is. Numbers of different kinds are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LikelihoodKind {
    /// `log p(x)` itself.
    Exact,
    /// A number that is below `log p(x)` in expectation (an evidence lower bound).
    LowerBound,
    /// A Monte Carlo estimate of `log p(x)`.
    Estimate,
}

/// Log-likelihood of some examples: one value each, of a stated kind.
///
/// # Units
/// Nats. [`bits_per_dim`](Self::bits_per_dim) is derived.
#[derive(Debug, Clone, PartialEq)]
pub struct Likelihood {
    kind: LikelihoodKind,
    nats: Vec<f64>,
    std_err: Option<Vec<f64>>,
    dims: usize,
}

impl Likelihood {
    /// Exact values; `dims` is the number of dimensions of one example.
    pub fn exact(nats: Vec<f64>, dims: usize) -> Self {
        Self { kind: LikelihoodKind::Exact, nats, std_err: None, dims }
    }

    /// Lower bounds, with the Monte Carlo standard error of each where the bound is sampled.
    pub fn lower_bound(nats: Vec<f64>, std_err: Option<Vec<f64>>, dims: usize) -> Self {
        Self { kind: LikelihoodKind::LowerBound, nats, std_err, dims }
    }

    /// Estimates with their Monte Carlo standard errors.
    ///
    /// # Panics
    /// If there is not one standard error a value.
    pub fn estimate(nats: Vec<f64>, std_err: Vec<f64>, dims: usize) -> Self {
        assert_eq!(nats.len(), std_err.len(), "Likelihood::estimate: one standard error a value");
        Self { kind: LikelihoodKind::Estimate, nats, std_err: Some(std_err), dims }
    }

    /// What kind of number this is.
    pub fn kind(&self) -> LikelihoodKind {
        self.kind
    }

    /// One value an example, in nats.
    pub fn nats(&self) -> &[f64] {
        &self.nats
    }

    /// The Monte Carlo standard error of each value.
    pub fn example_std_err(&self) -> Option<&[f64]> {
        self.std_err.as_deref()
    }

    /// Number of dimensions of one example.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Mean over the examples, in nats; NaN without examples.
    pub fn mean_nats(&self) -> f64 {
        self.nats.iter().sum::<f64>() / self.nats.len() as f64
    }

    /// Monte Carlo standard error of [`mean_nats`](Self::mean_nats) on these examples:
    /// `sqrt(sum_i se_i^2) / n`. None where nothing was sampled.
    pub fn std_err(&self) -> Option<f64> {
        let errors = self.std_err.as_ref()?;
        let sum: f64 = errors.iter().map(|e| e * e).sum();
        Some(sum.sqrt() / self.nats.len() as f64)
    }

    /// Standard error of the mean as an estimate for the population the examples come from:
    /// `sd(nats) / sqrt(n)`. NaN with fewer than two examples.
    pub fn population_std_err(&self) -> f64 {
        let n = self.nats.len() as f64;
        let mean = self.mean_nats();
        let ss: f64 = self.nats.iter().map(|v| (v - mean).powi(2)).sum();
        (ss / (n - 1.0) / n).sqrt()
    }

    /// `-mean_nats / (dims * ln 2)`: what one dimension costs in bits when this model codes it.
    pub fn bits_per_dim(&self) -> f64 {
        -self.mean_nats() / (self.dims as f64 * std::f64::consts::LN_2)
    }

    /// Adds one number to each value: the log-determinant of a change of units, which turns a
    /// density of prepared values into one of raw values.
    ///
    /// # Panics
    /// If there is not one number a value.
    pub fn shifted(mut self, by: &[f64]) -> Self {
        assert_eq!(self.nats.len(), by.len(), "Likelihood::shifted: one number a value");
        self.nats.iter_mut().zip(by).for_each(|(v, b)| *v += b);
        self
    }

    /// Joins the values of another part of the same data.
    ///
    /// # Panics
    /// If the kinds or dimensions differ.
    pub fn extend(&mut self, other: Likelihood) {
        assert!(
            self.kind == other.kind && self.dims == other.dims,
            "Likelihood::extend: {:?} of {} dimensions with {:?} of {}",
            self.kind,
            self.dims,
            other.kind,
            other.dims
        );
        self.nats.extend(other.nats);
        if let (Some(mine), Some(theirs)) = (&mut self.std_err, other.std_err) {
            mine.extend(theirs);
        } else {
            self.std_err = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_errors_and_bits() {
        let l = Likelihood::estimate(vec![-1.0, -3.0], vec![0.3, 0.4], 2);
        assert_eq!(l.mean_nats(), -2.0);
        assert!((l.std_err().unwrap() - 0.25).abs() < 1e-12);
        assert!((l.population_std_err() - 1.0).abs() < 1e-12);
        assert!((l.bits_per_dim() - 1.0 / std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    #[should_panic(expected = "Likelihood::extend")]
    fn kinds_do_not_mix() {
        Likelihood::exact(vec![0.0], 1).extend(Likelihood::lower_bound(vec![0.0], None, 1));
    }
}
