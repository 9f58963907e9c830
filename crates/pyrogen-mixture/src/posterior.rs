//! Prior and variational posterior of a Bayesian mixture, and the bound.
//!
//! # References
//! Bishop (2006), equations 10.57 to 10.70; Blei and Jordan (2006), equations 18 to 22. The bound is
//! taken after the update of the parameters, where conjugacy leaves a sum of normalisers.

use pyrogen_core::special::host::{digamma, lgamma};
use serde::{Deserialize, Serialize};

use crate::factors::{Covariance, normaliser};
use crate::pass::Components;
use crate::statistics::{Statistics, add_square};
use crate::variational::log_det;
use crate::{MixtureError, WeightPrior};

/// The same for all components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prior {
    pub weights: WeightPrior,
    pub concentration: f64,
    pub mean_precision: f64,
    pub mean: Vec<f64>,
    pub degrees: f64,
    /// The inverse scale of a precision: a lower triangle, or a diagonal.
    pub scale: Vec<f64>,
}

/// Parameters of `q`, component by component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Posterior {
    /// `[k]`, or the two of each stick, `[k, 2]`.
    pub concentrations: Vec<f64>,
    pub mean_precisions: Vec<f64>,
    pub means: Vec<f64>,
    pub degrees: Vec<f64>,
    pub scales: Vec<f64>,
}

impl Prior {
    /// The best `q` of the parameters, given sums over shares.
    pub fn posterior(&self, statistics: &Statistics) -> Posterior {
        let d = self.mean.len();
        let size = self.scale.len();
        let mean_precisions: Vec<f64> =
            statistics.n.iter().map(|n| self.mean_precision + n).collect();
        let (mut means, mut scales) = (statistics.means.clone(), statistics.scatter.clone());
        for (c, n) in statistics.n.iter().enumerate() {
            let mean = &mut means[c * d..][..d];
            let apart: Vec<f64> = self.mean.iter().zip(&*mean).map(|(m, x)| m - x).collect();
            let pull = self.mean_precision / mean_precisions[c];
            mean.iter_mut().zip(&apart).for_each(|(m, a)| *m += pull * a);
            let scale = &mut scales[c * size..][..size];
            scale.iter_mut().zip(&self.scale).for_each(|(s, prior)| *s += prior);
            add_square(scale, &apart, n * pull);
        }
        let degrees = statistics.n.iter().map(|n| self.degrees + n).collect();
        let concentrations = self.concentrations(&statistics.n);
        Posterior { concentrations, mean_precisions, means, degrees, scales }
    }

    fn concentrations(&self, n: &[f64]) -> Vec<f64> {
        match self.weights {
            WeightPrior::Dirichlet => n.iter().map(|n| self.concentration + n).collect(),
            WeightPrior::Process => {
                // A stick is broken by its component and all behind it.
                let behind = |c: usize| n[c + 1..].iter().rev().sum::<f64>();
                (0..n.len()).flat_map(|c| [1.0 + n[c], self.concentration + behind(c)]).collect()
            }
        }
    }

    /// `E[log weight_k]`.
    fn expected_log_weights(&self, posterior: &Posterior) -> Vec<f64> {
        let concentrations = &posterior.concentrations;
        match self.weights {
            WeightPrior::Dirichlet => {
                let all = digamma(concentrations.iter().sum());
                concentrations.iter().map(|a| digamma(*a) - all).collect()
            }
            WeightPrior::Process => {
                let mut left = 0.0;
                let sticks = concentrations.chunks_exact(2);
                let log = |stick: &[f64]| {
                    let both = digamma(stick[0] + stick[1]);
                    let log = digamma(stick[0]) - both + left;
                    left += digamma(stick[1]) - both;
                    log
                };
                sticks.map(log).collect()
            }
        }
    }

    /// `E[weight_k]`, divided by their sum.
    pub fn expected_weights(&self, posterior: &Posterior) -> Vec<f64> {
        let concentrations = &posterior.concentrations;
        let mut weights: Vec<f64> = match self.weights {
            WeightPrior::Dirichlet => concentrations.clone(),
            WeightPrior::Process => {
                let mut left = 1.0;
                let mean = |stick: &[f64]| {
                    let part = stick[0] / (stick[0] + stick[1]);
                    let weight = part * left;
                    left *= 1.0 - part;
                    weight
                };
                concentrations.chunks_exact(2).map(mean).collect()
            }
        };
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
        weights
    }

    /// The evidence lower bound for the best parameters given the shares:
    ///
    /// ```text
    /// H(q(z)) - N d / 2 log(2 pi) + log B(posterior) - log B(prior)
    ///   + sum_k d / 2 log(mean_precision / mean_precision_k) + log Z(posterior_k) - log Z(prior)
    /// ```
    pub fn bound(
        &self,
        posterior: &Posterior,
        statistics: &Statistics,
        entropy: f64,
    ) -> Result<f64, MixtureError> {
        let (k, d) = (posterior.degrees.len(), self.mean.len());
        let total: f64 = statistics.n.iter().sum();
        let mut bound = entropy + total * normaliser(d) + self.weights_part(posterior);
        let prior = self.log_normaliser(self.degrees, &self.scale, 0)?;
        let size = self.scale.len();
        for c in 0..k {
            let scale = &posterior.scales[c * size..][..size];
            let ratio = self.mean_precision / posterior.mean_precisions[c];
            bound += 0.5 * d as f64 * ratio.ln() - prior;
            bound += self.log_normaliser(posterior.degrees[c], scale, c)?;
        }
        Ok(bound)
    }

    /// Of a Wishart distribution by its inverse scale, or of a gamma distribution for each column;
    /// without powers of pi, which are those of the prior.
    fn log_normaliser(
        &self,
        degrees: f64,
        scale: &[f64],
        component: usize,
    ) -> Result<f64, MixtureError> {
        let d = self.mean.len();
        let gamma = match scale.len() == d {
            true => d as f64 * lgamma(0.5 * degrees),
            false => lgamma_many(d, 0.5 * degrees),
        };
        let two = d as f64 * std::f64::consts::LN_2;
        Ok(gamma + 0.5 * degrees * (two - log_det(scale, d, component)?))
    }

    fn weights_part(&self, posterior: &Posterior) -> f64 {
        let (k, prior) = (posterior.degrees.len() as f64, self.concentration);
        match self.weights {
            WeightPrior::Dirichlet => {
                let log_b = |sum: f64, parts: f64| parts - lgamma(sum);
                let concentrations = &posterior.concentrations;
                let parts = concentrations.iter().map(|a| lgamma(*a)).sum();
                log_b(concentrations.iter().sum(), parts) - log_b(k * prior, k * lgamma(prior))
            }
            WeightPrior::Process => {
                let log_b = |a: f64, b: f64| lgamma(a) + lgamma(b) - lgamma(a + b);
                let sticks = posterior.concentrations.chunks_exact(2);
                sticks.map(|s| log_b(s[0], s[1]) - log_b(1.0, prior)).sum()
            }
        }
    }
}

impl Posterior {
    /// Components whose log-joints are `E[log p(x, z = k)]`.
    pub fn components(&self, prior: &Prior) -> Result<Components, MixtureError> {
        let (k, d) = (self.degrees.len(), prior.mean.len());
        let size = prior.scale.len();
        let log_weights = prior.expected_log_weights(self);
        let scales = self.scales.chunks(size).zip(&self.degrees);
        let mut components = Components {
            d,
            dense: size != d,
            covariances: scales.flat_map(|(s, nu)| s.iter().map(move |s| s / nu)).collect(),
            log_weights: vec![0.0; k],
            ..Default::default()
        };
        for (c, log_weight) in log_weights.iter().enumerate() {
            let nu = self.degrees[c];
            // E[log |precision|] by the precision's own expectation, whose factor is below.
            let psi: f64 = match components.dense {
                true => (0..d).map(|j| digamma(0.5 * (nu - j as f64))).sum(),
                false => d as f64 * digamma(0.5 * nu),
            };
            let spread = psi - d as f64 * (0.5 * nu).ln() - d as f64 / self.mean_precisions[c];
            components.log_weights[c] = log_weight + 0.5 * spread;
        }
        let factor = |c: usize| {
            let covariance: Covariance = components.covariance(c);
            let mean = &self.means[c * d..][..d];
            covariance.factor(mean, components.log_weights[c]).map_err(|bad| {
                let (column, pivot) = (bad.column, bad.pivot);
                MixtureError::NotPositiveDefinite { component: c, column, pivot }
            })
        };
        let factors = (0..k).map(factor).collect::<Result<_, _>>()?;
        components.factors = factors;
        Ok(components)
    }
}

/// `log Gamma_d(x)` without its power of pi: `sum_j log Gamma(x - j / 2)`, `j` from 0 to `d - 1`.
fn lgamma_many(d: usize, x: f64) -> f64 {
    (0..d).map(|j| lgamma(x - 0.5 * j as f64)).sum()
}
