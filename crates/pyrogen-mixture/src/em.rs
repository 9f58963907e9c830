//! Expectation maximisation, a step at a time.

use pyrogen_core::Noise;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::moments::Moments;
use crate::mstep::Memory;
use crate::statistics::{Failure, Rules, Statistics};
use crate::{Event, Mixture, MixtureConfig, MixtureError, Table, pass, split, start};

/// The state of a fit by expectation maximisation: all starts, each with its mixture.
///
/// A step is one sweep over the table for every start that goes on. The whole state is serialised,
/// so that a fit which is written down and read back goes on bit for bit; the same table gives the
/// same bytes for any number of threads.
///
/// ```text
/// E: r_ik = weight_k p(x_i | k) / p(x_i)
/// M: weight_k = sum_i w_i r_ik / sum_i w_i;  mean and covariance by the expected sums
/// ```
///
/// Missing numbers enter the sums as their expectation given the row's observed numbers, with the
/// covariance that is left: exact expectation maximisation for the density of the observed cells
/// (Ghahramani and Jordan 1994), not imputation. A missing category is left out.
///
/// # Numerics
/// The log-likelihood and its penalty never fall but for rounding, except under
/// [`Regularisation::Diagonal`](crate::Regularisation::Diagonal). Means and scatter are summed about
/// the last step's means, so that columns far from zero lose no digits.
///
/// # References
/// Dempster, Laird and Rubin (1977); Ghahramani and Jordan (1994), "Supervised learning from
/// incomplete data via an EM approach", section 3; Celeux and Govaert (1995).
///
/// # Examples
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_mixture::{Em, MixtureConfig, Table};
///
/// let rows: Vec<f64> = (0..40).map(|i| f64::from(i % 4) + if i < 20 { 0.0 } else { 50.0 }).collect();
/// let table = Table::numeric(rows, 1)?;
/// let mut em = Em::new(MixtureConfig::default(), &table, &Noise::new(Seed(1)))?;
/// while !em.is_done() {
///     let progress = em.step(&table)?;
///     println!("{}: {} nats per row", progress.step, progress.log_likelihood / 40.0);
/// }
/// let saved = serde_json::to_string(&em)?;
/// assert_eq!(serde_json::from_str::<Em>(&saved)?, em);
/// assert!((em.best().mean(0)[0] - em.best().mean(1)[0]).abs() > 49.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Em {
    config: MixtureConfig,
    moments: Moments,
    step: u64,
    runs: Vec<Run>,
}

/// One start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    mixture: Mixture,
    memory: Memory,
    status: Status,
    /// Of the mixture before the last M-step; none after a split.
    objective: Option<f64>,
    log_likelihood: Option<f64>,
    splits: usize,
}

/// Where a start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on.
    Running,
    /// Its last step changed the objective by less than the tolerance.
    Converged,
    /// It made as many steps as it may.
    StepLimit,
    /// Another start was better after the short steps.
    Dropped,
    /// An error ended it.
    Failed,
}

/// What a step found, of the start that is best so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The step, counted from 1.
    pub step: u64,
    /// The start, counted from 0.
    pub start: usize,
    /// The log-likelihood that the step began with, in nats, summed over the weights.
    pub log_likelihood: f64,
    /// The log-likelihood with what regularisation and smoothing add: what never falls.
    pub objective: f64,
    /// How much the objective rose since the step before; none at the first, and after a split.
    pub gain: Option<f64>,
    /// How many starts go on.
    pub running: usize,
    /// What happened.
    pub events: Vec<Event>,
}

/// How far rounding lets the objective fall, of its size.
const ROUNDING: f64 = 1e-11;

impl Em {
    /// Finds the first components of all starts.
    ///
    /// # Errors
    /// A configuration or a table that cannot be used: fewer rows than components, an empty or
    /// constant column, collinear columns without regularisation.
    pub fn new(config: MixtureConfig, table: &Table, noise: &Noise) -> Result<Self, MixtureError> {
        config.validate()?;
        let moments = Moments::of(&config, table)?;
        let noise = noise.fork("starts");
        let first = |i: usize| start::start(&config, &moments, table, &noise.fork_index(i as u64));
        let first: Vec<_> = (0..config.starts).into_par_iter().map(first).collect();
        let mut runs = Vec::new();
        let mut failed = None;
        for mixture in first {
            match mixture {
                Ok(mixture) => runs.push(Run::new(mixture)),
                Err(error) => failed = Some(error),
            }
        }
        match (runs.is_empty(), failed) {
            (true, Some(error)) => Err(error),
            _ => Ok(Self { config, moments, step: 0, runs }),
        }
    }

    /// Starts from a mixture, with one start. The configuration's number of components and model of
    /// covariances must be those of the mixture.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a mixture that is not of the configuration and the table.
    pub fn from_mixture(
        config: MixtureConfig,
        mixture: Mixture,
        table: &Table,
    ) -> Result<Self, MixtureError> {
        config.validate()?;
        mixture.check(table)?;
        if mixture.components() != config.components {
            let (expected, got) = (config.components, mixture.components());
            return Err(MixtureError::Length { what: "components", expected, got });
        }
        if mixture.covariance_model() != config.covariance && mixture.columns() > 0 {
            let expected = format!("{}, the mixture's", mixture.covariance_model());
            let error = pyrogen_core::ConfigError::value("covariance", expected, config.covariance);
            return Err(error.into());
        }
        let moments = Moments::of(&config, table)?;
        Ok(Self { config, moments, step: 0, runs: vec![Run::new(mixture)] })
    }

    /// Starts from each row's share of every component, `[rows, components]`, with an M-step.
    ///
    /// # Errors
    /// As [`new`](Self::new), or shares of another number.
    pub fn from_responsibilities(
        config: MixtureConfig,
        shares: &[f64],
        table: &Table,
    ) -> Result<Self, MixtureError> {
        config.validate()?;
        let expected = table.rows() * config.components;
        if shares.len() != expected {
            let (what, got) = ("responsibilities", shares.len());
            return Err(MixtureError::Length { what, expected, got });
        }
        let moments = Moments::of(&config, table)?;
        let mixture = start::exactly_from_shares(&config, &moments, table, shares)?;
        Ok(Self { config, moments, step: 0, runs: vec![Run::new(mixture)] })
    }

    /// The configuration.
    pub fn config(&self) -> &MixtureConfig {
        &self.config
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Whether no start goes on.
    pub fn is_done(&self) -> bool {
        self.runs.iter().all(|r| r.status != Status::Running)
    }

    /// Where each start is.
    pub fn statuses(&self) -> Vec<Status> {
        self.runs.iter().map(|r| r.status).collect()
    }

    /// The start with the largest objective so far, the first of equals.
    fn best_run(&self) -> usize {
        let key = |r: &Run| match r.status {
            Status::Failed => f64::NEG_INFINITY,
            _ => r.objective.unwrap_or(f64::MIN),
        };
        let better = |best: usize, i: usize| {
            if key(&self.runs[i]) > key(&self.runs[best]) { i } else { best }
        };
        (0..self.runs.len()).fold(0, better)
    }

    /// The mixture of the start that is best so far.
    pub fn best(&self) -> &Mixture {
        &self.runs[self.best_run()].mixture
    }

    /// Where the start that is best so far is.
    pub fn status(&self) -> Status {
        self.runs[self.best_run()].status
    }

    /// One step of every start that goes on.
    ///
    /// # Errors
    /// A table of other columns; when the last start fails, why it did. The state is then as before.
    pub fn step(&mut self, table: &Table) -> Result<Progress, MixtureError> {
        self.runs[0].mixture.check(table)?;
        let (config, step) = (&self.config, self.step + 1);
        let rules = Rules { config, moments: &self.moments, levels: table.levels() };
        let mut runs = self.runs.clone();
        let results: Vec<_> = runs
            .par_iter_mut()
            .enumerate()
            .map(|(start, run)| match run.status {
                Status::Running => run.step(&rules, table, step, start),
                _ => Ok(Vec::new()),
            })
            .collect();
        let before = self.runs[self.best_run()].objective;
        let mut events = Vec::new();
        let mut last = None;
        for (start, result) in results.into_iter().enumerate() {
            match result {
                Ok(found) => events.extend(found),
                Err(error) => {
                    runs[start].status = Status::Failed;
                    events.push(Event::Failed { step, start, message: error.to_string() });
                    last = Some(error);
                }
            }
        }
        if let Some(last) = last
            && runs.iter().all(|r| r.status == Status::Failed)
        {
            let starts = runs.len();
            return Err(match starts {
                1 => last,
                _ => MixtureError::AllFailed { starts, last: Box::new(last) },
            });
        }
        (self.runs, self.step) = (runs, step);
        self.drop_others(step, &mut events);
        let start = self.best_run();
        let run = &self.runs[start];
        let (Some(log_likelihood), objective) = (run.log_likelihood, run.objective) else {
            unreachable!("a start that did not fail has made a step")
        };
        Ok(Progress {
            step,
            start,
            log_likelihood,
            objective: objective.unwrap_or(log_likelihood),
            gain: before.zip(objective).map(|(before, now)| now - before),
            running: self.runs.iter().filter(|r| r.status == Status::Running).count(),
            events,
        })
    }

    /// Ends all starts but the best after the short steps.
    fn drop_others(&mut self, step: u64, events: &mut Vec<Event>) {
        if self.config.short_steps != Some(step) {
            return;
        }
        let best = self.best_run();
        for (start, run) in self.runs.iter_mut().enumerate() {
            if start != best && run.status == Status::Running {
                run.status = Status::Dropped;
                events.push(Event::Dropped { step, start });
            }
        }
    }
}

impl Run {
    fn new(mixture: Mixture) -> Self {
        Self {
            mixture,
            memory: Memory::default(),
            status: Status::Running,
            objective: None,
            log_likelihood: None,
            splits: 0,
        }
    }

    fn step(
        &mut self,
        rules: &Rules,
        table: &Table,
        step: u64,
        start: usize,
    ) -> Result<Vec<Event>, MixtureError> {
        let total = table.total_weight();
        let sums = pass::expectations(&self.mixture.components, table);
        if let Some(row) = sums.impossible {
            return Err(MixtureError::Impossible { row });
        }
        let objective = sums.log_likelihood + rules.log_prior(&self.mixture, total);
        if !objective.is_finite() {
            let what = "the log-likelihood";
            return Err(MixtureError::NotFinite { step, what, value: objective });
        }
        let mut events = Vec::new();
        let gain = self.objective.map(|before| objective - before);
        self.objective = Some(objective);
        self.log_likelihood = Some(sums.log_likelihood);
        if let Some(gain) = gain
            && gain < -ROUNDING * objective.abs().max(total)
        {
            events.push(Event::Fell { step, start, by: -gain / total });
        }
        let statistics = Statistics::new(&sums, &self.mixture.parts().means);
        match rules.m_step(statistics, &mut self.memory) {
            Ok(mixture) => self.mixture = mixture,
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::Collapse(component, reason)) => {
                let splits = self.splits;
                let error = MixtureError::Collapsed { step, component, splits, reason };
                if splits >= rules.config.splits {
                    return Err(error);
                }
                let found = split::split(&self.mixture, component, rules.moments, step)?;
                let Some((mixture, donor)) = found else { return Err(error) };
                (self.mixture, self.memory, self.objective) = (mixture, Memory::default(), None);
                self.splits += 1;
                events.push(Event::Split { step, start, component, donor, reason });
                return Ok(self.at_limit(rules, step, events));
            }
        }
        if gain.is_some_and(|gain| gain.abs() <= rules.config.tolerance * total) {
            self.status = Status::Converged;
            events.push(Event::Converged { step, start });
        }
        Ok(self.at_limit(rules, step, events))
    }

    fn at_limit(&mut self, rules: &Rules, step: u64, events: Vec<Event>) -> Vec<Event> {
        if self.status == Status::Running && step >= rules.config.max_steps {
            self.status = Status::StepLimit;
        }
        events
    }
}
