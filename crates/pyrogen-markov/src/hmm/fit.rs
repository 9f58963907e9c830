//! Learning, one step at a time.

use serde::{Deserialize, Serialize};

use pyrogen_core::Seed;

use super::config::{HmmConfig, Method};
use super::emission::{Emission, Rules};
use super::engine::Engine;
use super::model::Hmm;
use super::pass::Expected;
use super::start::start;
use crate::MarkovError;
use crate::linear::raise_to_floor;
use crate::sequences::Sequences;

/// The whole state of learning: serialised and read again, it goes on with the same bytes.
///
/// # Examples
/// ```
/// use pyrogen_core::Seed;
/// use pyrogen_markov::{Sequences, hmm::{HmmConfig, HmmFit}};
///
/// let data = Sequences::real(vec![0.1, 0.0, 5.1, 4.9, 0.2, 0.1, 5.0, 5.2], 1, vec![8])?;
/// let mut fit = HmmFit::new(HmmConfig::default(), &data, Seed(1))?;
/// let end = fit.run(&data, 1e-6, 100)?;
/// assert!(end.converged);
/// # Ok::<(), pyrogen_markov::MarkovError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmmFit {
    config: HmmConfig,
    model: Hmm,
    rules: Rules,
    step: u64,
    /// Log-likelihood and log-prior at the last step.
    objective: Option<f64>,
}

/// What one step of learning saw.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EmStep {
    /// The step, counted from 1.
    pub step: u64,
    /// Log-likelihood of the data before this step's update, in nats: each sequence times its weight;
    /// with [`Method::Viterbi`] that of data and best paths together.
    pub log_likelihood: f64,
    /// The same with the log-density of the priors, up to a constant: what never falls.
    pub objective: f64,
    /// How much `objective` is above the last step's.
    pub gain: Option<f64>,
    /// States that no step belongs to: they keep their parameters.
    pub empty_states: Vec<usize>,
    /// Emission distributions that a floor holds: without it their likelihood would grow without end.
    pub held: Vec<usize>,
}

/// How a run of steps ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FitEnd {
    /// Steps of the whole fit.
    pub steps: u64,
    /// Log-likelihood of the data, in nats, under the model as it is.
    pub log_likelihood: f64,
    /// Whether the last step gained less than the tolerance. False says that steps ran out.
    pub converged: bool,
}

/// A fall of the objective of this share of it is rounding.
const ROUNDING: f64 = 1e-9;

impl HmmFit {
    /// A first model: emissions from a clustering of the rows (k-means), or from equal parts of each
    /// sequence in a left-right model.
    ///
    /// # Errors
    /// A config that cannot be used, or data that nothing can be learnt from.
    pub fn new(config: HmmConfig, data: &Sequences, seed: Seed) -> Result<Self, MarkovError> {
        let (model, rules) = start(&config, data, seed)?;
        Ok(Self { config, model, rules, step: 0, objective: None })
    }

    /// Learning that starts from a model. Its zeros in start and transition probabilities stay.
    ///
    /// Variance floors are those of [`new`](Self::new), or lower where the model is below them.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a model that does not fit the config.
    pub fn from_model(
        config: HmmConfig,
        model: Hmm,
        data: &Sequences,
    ) -> Result<Self, MarkovError> {
        if config.states != model.states() {
            let expected = model.states().to_string();
            return Err(MarkovError::request("states", expected, config.states));
        }
        model.check()?;
        model.emission.check(data)?;
        let (first, mut rules) = start(&config, data, Seed(0))?;
        if std::mem::discriminant(&first.emission) != std::mem::discriminant(&model.emission) {
            let (expected, got) = ("the emission of the config".into(), "another".into());
            return Err(MarkovError::Kind { expected, got });
        }
        while below(&model.emission, &rules.floors) {
            rules.floors.iter_mut().for_each(|f| *f *= 0.1);
        }
        Ok(Self { config, model, rules, step: 0, objective: None })
    }

    /// The model as it is.
    pub fn model(&self) -> &Hmm {
        &self.model
    }

    /// The model alone.
    pub fn into_model(self) -> Hmm {
        self.model
    }

    /// The config.
    pub fn config(&self) -> &HmmConfig {
        &self.config
    }

    /// Steps that were taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// One step: expected counts under the model, then the parameters that fit them best.
    ///
    /// # Errors
    /// Data that the model cannot have made (with sequence and step), a likelihood that is not
    /// finite or that fell. The state is then as it was before the step.
    pub fn step(&mut self, data: &Sequences) -> Result<EmStep, MarkovError> {
        let step = self.step + 1;
        let expected = {
            let engine = Engine::new(&self.model, data)?;
            match self.config.method {
                Method::BaumWelch => engine.expect()?,
                Method::Viterbi => engine.expect_best_paths()?,
            }
        };
        let log_likelihood = expected.log_likelihood;
        let objective = log_likelihood + self.log_prior();
        if !objective.is_finite() {
            let what = "the log-likelihood with the priors";
            return Err(MarkovError::NotFinite { step, what, value: objective });
        }
        if let Some(before) = self.objective.filter(|b| objective < b - ROUNDING * (1.0 + b.abs()))
        {
            return Err(MarkovError::Fell { step, before, after: objective });
        }
        let held = self.maximise(&expected);
        let gain = self.objective.map(|before| objective - before);
        (self.step, self.objective) = (step, Some(objective));
        let empty = |k: &usize| expected.visits[*k] <= 1e-12;
        let empty_states = (0..self.model.states()).filter(empty).collect();
        Ok(EmStep { step, log_likelihood, objective, gain, empty_states, held })
    }

    /// Steps until one gains less than `tolerance` (in nats), or until `most` steps were taken in all.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn run(
        &mut self,
        data: &Sequences,
        tolerance: f64,
        most: u64,
    ) -> Result<FitEnd, MarkovError> {
        let mut converged = false;
        while self.step < most && !converged {
            let done = self.step(data)?;
            converged = done.gain.is_some_and(|gain| gain < tolerance);
        }
        let log_likelihood = self.model.log_likelihood(data)?;
        Ok(FitEnd { steps: self.step, log_likelihood, converged })
    }

    fn log_prior(&self) -> f64 {
        let logs = |row: &[f64]| row.iter().filter(|p| **p > 0.0).map(|p| p.ln()).sum::<f64>();
        let of = |prior: f64, row: &[f64]| if prior == 0.0 { 0.0 } else { prior * logs(row) };
        of(self.config.start_prior, &self.model.start)
            + of(self.config.transition_prior, &self.model.transition)
            + self.model.emission.density().log_prior(&self.rules)
            + self.covariance_log_prior()
    }

    /// `-prior / 2 Σ 1 / variance`: the density that adding to the sums of squares belongs to.
    fn covariance_log_prior(&self) -> f64 {
        let prior = self.rules.covariance_prior;
        if prior == 0.0 {
            return 0.0;
        }
        -0.5 * prior * self.model.emission.inverse_variances()
    }

    fn maximise(&mut self, expected: &Expected) -> Vec<usize> {
        let k = self.model.states();
        if self.config.learn_start {
            set_row(&mut self.model.start, &expected.start, self.config.start_prior);
        }
        if self.config.learn_transition {
            let rows = self.model.transition.chunks_exact_mut(k);
            for (row, counts) in rows.zip(expected.transitions.chunks_exact(k)) {
                set_row(row, counts, self.config.transition_prior);
            }
        }
        if !self.config.learn_emission {
            return Vec::new();
        }
        self.model.emission.density_mut().maximise(&expected.emissions, &self.rules)
    }
}

/// What a probability that is not 0 stays above: 0 is for what is impossible by the model's structure.
const LEAST: f64 = 1e-300;

/// Probabilities in proportion to counts; zeros stay, and a row without counts does.
fn set_row(row: &mut [f64], counts: &[f64], prior: f64) {
    let possible = |p: f64, n: f64| if p > 0.0 { n + prior } else { 0.0 };
    let total: f64 = row.iter().zip(counts).map(|(p, n)| possible(*p, *n)).sum();
    if total > 0.0 {
        for (p, n) in row.iter_mut().zip(counts).filter(|(p, _)| **p > 0.0) {
            *p = (possible(*p, *n) / total).max(LEAST);
        }
    }
}

/// Whether a variance of the model is below a floor.
fn below(emission: &Emission, floors: &[f64]) -> bool {
    let gaussian = match emission {
        Emission::Gaussian(e) => e,
        Emission::GaussianMixture(e) => &e.gaussians,
        Emission::Regression(e) => &e.noise,
        Emission::StudentT(e) => {
            return e.squared_scales.iter().any(|r| r.iter().zip(floors).any(|(v, f)| v < f));
        }
        _ => return false,
    };
    let d = gaussian.width();
    let largest = floors.iter().copied().fold(0.0, f64::max);
    (0..gaussian.means.len()).any(|state| {
        let mut matrix = gaussian.covariance(state);
        let spherical = gaussian.form == super::Covariance::Spherical;
        let floors = if spherical { &vec![largest; d] } else { floors };
        raise_to_floor(&mut matrix, d, floors)
    })
}
