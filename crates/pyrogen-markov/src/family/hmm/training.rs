//! How hidden Markov models train through the door: a step is a step of learning of every start that
//! goes on.

use std::sync::Arc;

use pyrogen_core::{ConfigError, Noise, Seed, config};
use pyrogen_data::Data;
use pyrogen_model::train::{Defaults, Job, Plan, Sweeps, Train, Wanted, fit_sweeps, sweeps};
use pyrogen_model::{Error, ErrorKind, HowMany};
use pyrogen_train::{RunFolder, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::saved::{Columns, Saved, Tried};
use super::settings::{Criterion, EmissionKind};
use super::{HmmFamily, HmmSettings, named};
use crate::hmm::{EmStep, EmissionConfig, Hmm, HmmFit};
use crate::{MarkovError, Sequences};

/// The most steps where nothing else is wished.
const STEPS: u64 = 1000;

/// The most lengths of sequences that are kept for samples.
const LENGTHS: usize = 1000;

/// The whole state of a training.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Search {
    settings: HmmSettings,
    columns: Columns,
    seed: Seed,
    lengths: Vec<usize>,
    missing: Vec<f64>,
    steps: usize,
    /// A model to begin with.
    from: Option<Hmm>,
    /// None before the first step.
    starts: Vec<Start>,
    #[serde(skip)]
    data: Option<Arc<Sequences>>,
}

/// One start of one number of states.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Start {
    states: usize,
    fit: Option<HmmFit>,
    converged: bool,
    log_likelihood: Option<f64>,
    criterion: Option<f64>,
    error: Option<String>,
    weak: Vec<String>,
}

impl Start {
    fn new(search: &Search, states: usize, index: usize, data: &Sequences) -> Self {
        let symbols = search.columns.symbols.as_ref().map(Vec::len);
        let config = search.settings.fit(states, symbols);
        let fit = match &search.from {
            Some(model) => HmmFit::from_model(config, model.clone(), data),
            None => {
                let mut noise = Noise::new(search.seed).fork("hmm").fork_index(index as u64);
                HmmFit::new(config, data, Seed(noise.bits_vec(1)[0]))
            }
        };
        let error = fit.as_ref().err().map(|e| e.to_string());
        let (log_likelihood, criterion, weak) = (None, None, Vec::new());
        Self { states, fit: fit.ok(), converged: false, log_likelihood, criterion, error, weak }
    }

    fn is_running(&self) -> bool {
        self.fit.is_some() && !self.converged
    }

    fn step(&mut self, search: &Settings, data: &Sequences) -> Result<(), MarkovError> {
        let Some(fit) = self.fit.as_mut().filter(|_| !self.converged) else { return Ok(()) };
        let step = fit.step(data)?;
        let least = search.tolerance * search.steps;
        self.converged = step.gain.is_some_and(|gain| gain < least);
        // Of the model as it is, where it will stay so.
        let nats = match self.converged {
            true => fit.model().log_likelihood(data)?,
            false => step.log_likelihood,
        };
        let free = fit.model().free_parameters() as f64;
        self.log_likelihood = Some(nats);
        self.criterion = Some(match search.criterion {
            Criterion::Aic => -2.0 * nats + 2.0 * free,
            Criterion::Bic => -2.0 * nats + free * search.steps.ln(),
        });
        self.weak = weak(&step);
        Ok(())
    }
}

/// What the steps of all starts share.
#[derive(Debug, Clone, Copy)]
struct Settings {
    criterion: Criterion,
    tolerance: f64,
    steps: f64,
}

fn weak(step: &EmStep) -> Vec<String> {
    let empty = step.empty_states.iter().map(|s| format!("no step belongs to state {}", s + 1));
    let held = step.held.iter().map(|s| {
        format!("the variance of state {} is held by the floor: it fits a few equal values", s + 1)
    });
    empty.chain(held).collect()
}

impl Search {
    fn settings(&self) -> Settings {
        let (criterion, tolerance) = (self.settings.criterion, self.settings.tolerance);
        Settings { criterion, tolerance, steps: self.steps.max(1) as f64 }
    }

    /// The best of the starts so far, the first of equals.
    fn best(&self) -> Option<&Start> {
        let found = self.starts.iter().filter(|s| s.criterion.is_some() && s.fit.is_some());
        found.reduce(|best, s| if s.criterion < best.criterion { s } else { best })
    }

    fn begin(&mut self, data: &Sequences) -> Result<(), Error> {
        let count = if self.from.is_some() { 1 } else { self.settings.starts };
        let pairs: Vec<(usize, usize)> = self
            .settings
            .numbers()
            .into_iter()
            .flat_map(|states| (0..count).map(move |i| (states, i)))
            .collect();
        let start = |&(states, i): &(usize, usize)| Start::new(self, states, i, data);
        self.starts = pairs.par_iter().map(start).collect();
        self.alive()
    }

    /// Where every start failed, why the last one did.
    fn alive(&self) -> Result<(), Error> {
        if self.starts.iter().any(|s| s.fit.is_some()) {
            return Ok(());
        }
        let last = self.starts.last().and_then(|s| s.error.clone());
        Err(Error::other(ErrorKind::Numerics, last.unwrap_or_else(|| "nothing was tried".into())))
    }
}

impl Sweeps for Search {
    fn prepare(&mut self, data: &Data) -> Result<(), Error> {
        self.data = Some(Arc::new(self.columns.read(data)?));
        Ok(())
    }

    fn sweep(&mut self, data: &Data) -> Result<Values, Error> {
        if self.data.is_none() {
            self.prepare(data)?;
        }
        let Some(data) = self.data.clone() else { unreachable!("the data was just read") };
        if self.starts.is_empty() {
            self.begin(&data)?;
        }
        let settings = self.settings();
        let steps: Vec<Result<(), MarkovError>> =
            self.starts.par_iter_mut().map(|s| s.step(&settings, &data)).collect();
        for (start, step) in self.starts.iter_mut().zip(steps) {
            if let Err(e) = step {
                (start.error, start.fit) = (Some(e.to_string()), None);
            }
        }
        self.alive()?;
        let nats = self.best().and_then(|s| s.log_likelihood).unwrap_or(f64::NAN);
        let running = self.starts.iter().filter(|s| s.is_running()).count();
        Ok(vec![("loss".into(), -nats / settings.steps), ("running".into(), running as f64)])
    }

    /// Nats a step.
    fn measure(&self, data: &Data) -> Values {
        let nats = || -> Option<f64> {
            let model = self.best()?.fit.as_ref()?.model();
            let data = self.columns.read(data).ok()?;
            Some(model.log_likelihood(&data).ok()? / data.steps().max(1) as f64)
        };
        vec![("loss".into(), nats().map_or(f64::NAN, |nats| -nats))]
    }

    fn is_done(&self) -> bool {
        !self.starts.is_empty() && !self.starts.iter().any(Start::is_running)
    }

    fn exported(&self) -> Result<Value, Error> {
        let nothing = || Error::Wish("the run has not made a step".into());
        let best = self.best().ok_or_else(nothing)?;
        let fit = best.fit.as_ref().ok_or_else(nothing)?;
        let tried =
            |s: &Start| Tried { states: s.states, criterion: s.criterion, error: s.error.clone() };
        Ok(config::to_value(&Saved {
            columns: self.columns.clone(),
            model: fit.model().clone(),
            lengths: self.lengths.clone(),
            missing: self.missing.clone(),
            steps: self.steps,
            log_likelihood: best.log_likelihood.ok_or_else(nothing)?,
            converged: best.converged,
            tried: self.starts.iter().map(tried).collect(),
            weak: best.weak.clone(),
        }))
    }
}

/// The data as the model's sequences, checked against the settings.
fn read(settings: &HmmSettings, data: &Data) -> Result<(Columns, Sequences), Error> {
    let columns = Columns::of(data, settings.emission)?;
    let sequences = columns.read(data)?;
    if sequences.steps() == 0 {
        return Err(named(MarkovError::Empty { what: "steps: every sequence is empty" }));
    }
    let symbols = columns.symbols.as_ref().map(Vec::len);
    let fewest = settings.numbers().into_iter().min().unwrap_or(1);
    // The checks of a first model, with the columns' names.
    HmmFit::check(&settings.fit(fewest, symbols), &sequences).map_err(|e| {
        let name = |column: usize| columns.names.get(column).cloned().unwrap_or_default();
        match e {
            MarkovError::AllMissing { column } => {
                let name = name(column);
                let message = format!("column `{name}` has no observed value: leave it out");
                Error::other(ErrorKind::Data, message)
            }
            MarkovError::Value { sequence, step, column, expected, value } => {
                let message = format!(
                    "sequence {sequence}, step {step}, column `{}`: must be {expected} for this \
                     emission, got {value}",
                    name(column)
                );
                Error::other(ErrorKind::Data, message)
            }
            e => named(e),
        }
    })?;
    Ok((columns, sequences))
}

/// Some of the lengths, evenly taken from all of them in order of size.
fn some_lengths(mut lengths: Vec<usize>) -> Vec<usize> {
    lengths.retain(|l| *l > 0);
    lengths.sort_unstable();
    let n = lengths.len();
    match n <= LENGTHS {
        true => lengths,
        false => (0..LENGTHS).map(|i| lengths[i * n / LENGTHS]).collect(),
    }
}

impl Train for HmmFamily {
    fn schema(&self) -> Option<serde_json::Value> {
        Some(schemars::schema_for!(HmmSettings).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let mut settings = HmmSettings::default();
        if let Data::Sequences(data) = wanted.data
            && data.columns().len() == 1
            && data.symbols(0).is_some()
        {
            settings.emission = EmissionKind::Categorical;
        }
        let model = config::to_value(&settings);
        Ok(Defaults { model, train: sweeps(wanted.data.len(), STEPS) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let own: HmmSettings = config::from_value(settings.model.clone())?;
        own.validate()?;
        let (columns, sequences) = read(&own, wanted.data)?;
        let most = own.numbers().into_iter().max().unwrap_or(1);
        let config = own.fit(most, columns.symbols.as_ref().map(Vec::len));
        let parameters = HmmFit::parameters(&config, &sequences).map_err(named)?;
        let examples = wanted.data.len();
        let (model, train) = (config::to_value(&own), settings.train);
        Ok(Plan { model, train, preparation: None, parameters, examples })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let mut settings: HmmSettings = config::from_value(job.plan.model.clone())?;
        let (mut columns, sequences) = read(&settings, &job.data)?;
        let mut from = None;
        if let Some(folder) = &job.from {
            let saved: Saved = folder.load_json()?;
            let states = saved.model.states();
            if !settings.numbers().contains(&states) {
                let expected = format!("{states}, as the model has");
                return Err(ConfigError::value("states", expected, "others").into());
            }
            settings.states = HowMany::Exactly(states);
            columns = saved.columns;
            from = Some(saved.model);
        }
        let width = columns.names.len();
        let missing = missing(&sequences, width);
        let lengths = some_lengths((0..sequences.len()).map(|i| sequences.length(i)).collect());
        let (seed, steps, starts) = (job.seed, sequences.steps(), Vec::new());
        let data = Some(Arc::new(sequences)).filter(|_| from.is_none());
        let search =
            Search { settings, columns, seed, lengths, missing, steps, from, starts, data };
        fit_sweeps(job, search)
    }
}

/// The share of each column's values that are missing.
fn missing(data: &Sequences, width: usize) -> Vec<f64> {
    let steps = data.steps().max(1) as f64;
    match (data.values(), data.all_symbols()) {
        (Some(values), _) => (0..width)
            .map(|j| {
                values.iter().skip(j).step_by(width).filter(|v| v.is_nan()).count() as f64 / steps
            })
            .collect(),
        (None, Some(symbols)) => {
            vec![symbols.iter().filter(|s| **s == crate::MISSING).count() as f64 / steps]
        }
        (None, None) => vec![0.0; width],
    }
}

impl HmmFit {
    /// Checks that a model of a config can be learnt from data, without learning.
    fn check(config: &crate::hmm::HmmConfig, data: &Sequences) -> Result<(), MarkovError> {
        crate::hmm::first_model(config, data, Seed(0)).map(|_| ())
    }

    /// Free parameters of a model of a config for data, at most.
    fn parameters(config: &crate::hmm::HmmConfig, data: &Sequences) -> Result<usize, MarkovError> {
        let k = config.states;
        let d = data.width().unwrap_or(1);
        let gaussian = |count: usize| count * (d + d * (d + 1) / 2);
        let each = match &config.emission {
            EmissionConfig::Gaussian { .. } => gaussian(1),
            EmissionConfig::GaussianMixture { components, .. } => {
                gaussian(*components) + components
            }
            EmissionConfig::Categorical { symbols } => symbols.unwrap_or(1),
            EmissionConfig::Gamma => 2 * d,
            EmissionConfig::StudentT => 3 * d,
            EmissionConfig::Regression { lags, .. } => gaussian(1) + lags * d * d,
            _ => d,
        };
        Ok(k * k + k * each)
    }
}
