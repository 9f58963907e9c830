//! How mixtures train through the door: a step is a step of expectation maximisation of every
//! candidate that goes on.

use std::sync::Arc;

use pyrogen_core::{ConfigError, Noise, Seed, config};
use pyrogen_data::{Data, Preparation};
use pyrogen_model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps, sweeps};
use pyrogen_model::{Error, HowMany};
use pyrogen_train::{RunFolder, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::columns::Columns;
use super::config::GmmConfig;
use super::saved::{Saved, Tried};
use super::{Covariance, GmmFamily};
use crate::moments::Moments;
use crate::{CovarianceModel, Criterion, Em, Event, Mixture, MixtureError, Status, Table};

/// The most steps where nothing else is wished.
const STEPS: u64 = 1000;

/// The most events that are kept.
const EVENTS: usize = 50;

/// The whole state of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Search {
    config: GmmConfig,
    columns: Columns,
    seed: Seed,
    missing: Vec<f64>,
    rows: f64,
    /// A mixture to begin with.
    from: Option<Mixture>,
    /// None before the first sweep.
    candidates: Vec<Candidate>,
    #[serde(skip)]
    table: Option<Arc<Table>>,
}

/// One number of components with one model of covariances.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Candidate {
    components: usize,
    covariance: CovarianceModel,
    em: Option<Em>,
    log_likelihood: Option<f64>,
    criterion: Option<f64>,
    error: Option<String>,
    events: Vec<String>,
}

impl Candidate {
    fn new(search: &Search, components: usize, covariance: CovarianceModel, table: &Table) -> Self {
        let config = search.config.fit(components, covariance);
        let noise = Noise::new(search.seed).fork("gmm");
        let em = match &search.from {
            Some(mixture) => Em::from_mixture(config, mixture.clone(), table),
            None => Em::new(config, table, &noise),
        };
        let error = em.as_ref().err().map(|e| search.columns.error(e.clone()).to_string());
        let (log_likelihood, criterion, events) = (None, None, Vec::new());
        Self { components, covariance, em: em.ok(), log_likelihood, criterion, error, events }
    }

    fn is_running(&self) -> bool {
        self.em.as_ref().is_some_and(|em| !em.is_done())
    }

    fn step(&mut self, table: &Table, criterion: Criterion) -> Result<(), MixtureError> {
        let Some(em) = self.em.as_mut().filter(|em| !em.is_done()) else { return Ok(()) };
        let progress = em.step(table)?;
        let told = |event: &&Event| {
            matches!(event, Event::Split { .. } | Event::Fell { .. } | Event::Failed { .. })
        };
        let room = EVENTS.saturating_sub(self.events.len());
        self.events.extend(progress.events.iter().filter(told).take(room).map(ToString::to_string));
        let (mixture, nats) = (em.best(), progress.log_likelihood);
        let (free, rows) = (mixture.parameters() as f64, table.total_weight());
        // Of the mixture as it is, where it will stay so.
        let nats = if em.is_done() { mixture.log_likelihood(table)? } else { nats };
        self.log_likelihood = Some(nats);
        self.criterion = Some(match criterion {
            Criterion::Aic => -2.0 * nats + 2.0 * free,
            Criterion::Bic => -2.0 * nats + free * rows.ln(),
            Criterion::Icl => mixture.criteria(table)?.icl,
        });
        Ok(())
    }
}

impl Search {
    /// The best of the candidates so far, the first of equals.
    fn best(&self) -> Option<&Candidate> {
        let found = self.candidates.iter().filter(|c| c.criterion.is_some() && c.em.is_some());
        found.reduce(|best, c| if c.criterion < best.criterion { c } else { best })
    }

    fn begin(&mut self, table: &Table) -> Result<(), Error> {
        let tried = self.config.candidates();
        let candidate =
            |&(k, model): &(usize, CovarianceModel)| Candidate::new(self, k, model, table);
        self.candidates = tried.par_iter().map(candidate).collect();
        self.alive()
    }

    /// Where every candidate failed, why the last one did.
    fn alive(&self) -> Result<(), Error> {
        match self.candidates.iter().all(|c| c.em.is_none()) {
            false => Ok(()),
            true => {
                let last = self.candidates.last().and_then(|c| c.error.clone());
                let message = last.unwrap_or_else(|| "nothing was tried".into());
                Err(Error::other(pyrogen_model::ErrorKind::Numerics, message))
            }
        }
    }
}

impl Sweeps for Search {
    fn prepare(&mut self, data: &Data) -> Result<(), Error> {
        let cells = self.columns.cells(data, false)?;
        self.table = Some(Arc::new(self.columns.table(&cells)?));
        Ok(())
    }

    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        if self.table.is_none() {
            self.prepare(data)?;
        }
        let Some(table) = self.table.clone() else { unreachable!("the data was just read") };
        if self.candidates.is_empty() {
            self.begin(&table)?;
        }
        let criterion = self.config.criterion;
        let steps: Vec<Result<(), MixtureError>> =
            self.candidates.par_iter_mut().map(|c| c.step(&table, criterion)).collect();
        for (candidate, step) in self.candidates.iter_mut().zip(steps) {
            if let Err(e) = step {
                candidate.error = Some(self.columns.error(e).to_string());
                candidate.em = None;
            }
        }
        self.alive()?;
        let rows = table.total_weight();
        let nats = self.best().and_then(|c| c.log_likelihood).unwrap_or(f64::NAN);
        let running = self.candidates.iter().filter(|c| c.is_running()).count();
        Ok(vec![("loss".into(), -nats / rows), ("running".into(), running as f64)])
    }

    fn measure(&self, data: &Data) -> Values {
        let nats = || -> Option<f64> {
            let mixture = self.best()?.em.as_ref()?.best();
            let table = self.columns.table(&self.columns.cells(data, false).ok()?).ok()?;
            Some(mixture.log_likelihood(&table).ok()? / table.total_weight())
        };
        vec![("loss".into(), nats().map_or(f64::NAN, |nats| -nats))]
    }

    fn is_done(&self) -> bool {
        !self.candidates.is_empty() && !self.candidates.iter().any(Candidate::is_running)
    }

    fn exported(&self) -> Result<Value, Error> {
        let nothing = || Error::Wish("the run has not made a step".into());
        let best = self.best().ok_or_else(nothing)?;
        let em = best.em.as_ref().ok_or_else(nothing)?;
        let tried = |c: &Candidate| Tried {
            components: c.components,
            covariance: c.covariance,
            criterion: c.criterion,
            error: c.error.clone(),
        };
        Ok(config::to_value(&Saved {
            columns: self.columns.clone(),
            missing: self.missing.clone(),
            mixture: em.best().clone(),
            rows: self.rows,
            log_likelihood: best.log_likelihood.ok_or_else(nothing)?,
            converged: em.status() == Status::Converged,
            tried: self.candidates.iter().map(tried).collect(),
            events: best.events.clone(),
        }))
    }
}

/// The data as a mixture's table, checked against the settings.
fn read(config: &GmmConfig, data: &Data) -> Result<(Columns, Table, Vec<f64>), Error> {
    let columns = Columns::of(data)?;
    let cells = columns.cells(data, false)?;
    let table = columns.table(&cells)?;
    let candidates = config.candidates();
    let fewest = candidates.iter().min_by_key(|(k, _)| *k).copied();
    if let Some((k, _)) = fewest {
        // The least that any of them needs; what covariances need is found with the first step.
        let config = config.fit(k, CovarianceModel::DIAGONAL);
        Moments::of(&config, &table).map_err(|e| columns.error(e))?;
    }
    let width = columns.width();
    let rows = table.rows() as f64;
    let share =
        |j: usize| cells.iter().skip(j).step_by(width).filter(|v| v.is_nan()).count() as f64 / rows;
    let missing = (0..width).map(share).collect();
    Ok((columns, table, missing))
}

impl Train for GmmFamily {
    fn schema(&self) -> Option<serde_json::Value> {
        Some(schemars::schema_for!(GmmConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let model = config::to_value(&GmmConfig::default());
        Ok(Defaults { model, train: sweeps(wanted.data.len(), STEPS) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let config: GmmConfig = config::from_value(settings.model.clone())?;
        config.validate()?;
        let (columns, table, _) = read(&config, wanted.data)?;
        let d = columns.numbers().len();
        let levels: usize = columns.levels().iter().map(|l| (*l as usize).saturating_sub(1)).sum();
        let free = |(k, model): (usize, CovarianceModel)| {
            k - 1 + k * d + model.parameters(k, d) + k * levels
        };
        let parameters = config.candidates().into_iter().map(free).max().unwrap_or(0);
        let (model, train) = (config::to_value(&config), settings.train);
        // Nothing is prepared; the card says what raw values mean.
        let preparation = Some(Preparation::new(columns.layout().clone(), Vec::new())?);
        Ok(Plan { model, train, preparation, parameters, examples: table.rows() })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let mut config: GmmConfig = config::from_value(job.plan.model.clone())?;
        let (mut columns, table, missing) = read(&config, &job.data)?;
        let mut from = None;
        if let Some(folder) = &job.from {
            let saved: Saved = folder.load_json()?;
            let known = (saved.mixture.components(), saved.mixture.covariance_model());
            if !config.candidates().contains(&known) {
                let expected = format!("{} components, {}, as the model has", known.0, known.1);
                return Err(ConfigError::value("model", expected, "others").into());
            }
            config.components = HowMany::Exactly(known.0);
            config.covariance = Covariance::One(known.1);
            columns = saved.columns;
            from = Some(saved.mixture);
        }
        let (seed, rows) = (job.seed, table.total_weight());
        let candidates = Vec::new();
        let table = Some(Arc::new(table)).filter(|_| from.is_none());
        fit_sweeps(job, Search { config, columns, seed, missing, rows, from, candidates, table })
    }
}
