//! The loop.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pyrogen_core::{ConfigError, Examples, FolderError, Seed};
use serde_json::{Value, json};

use crate::callback::Callback;
use crate::checkpoint::{self, BEST, KEPT, LAST, LoopState};
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::learner::Learner;
use crate::metrics_log::MetricsLog;
use crate::outcome::Outcome;
use crate::progress::ProgressMode;
use crate::run::{Existing, RunFolder};
use crate::steps::Run;
use crate::workers::WorkerCount;

/// Trains a [`Learner`] on [`Examples`] and writes a run folder.
///
/// The random numbers and the rows of step `s` are functions of the seed and of `s`. So a run
/// that is killed at any moment and resumed continues from its last checkpoint to the same bytes
/// as an unbroken run.
pub struct Trainer<'a, L: Learner> {
    config: TrainConfig,
    seed: Seed,
    progress: ProgressMode,
    record: Value,
    existing: Existing,
    callbacks: Vec<Box<dyn Callback<L> + 'a>>,
}

impl<'a, L: Learner> Trainer<'a, L>
where
    L::Batch: 'static,
{
    /// A trainer with a checked config.
    ///
    /// # Errors
    /// When a value of the config cannot be used.
    pub fn new(config: TrainConfig, seed: Seed) -> Result<Self, TrainError> {
        config.validate()?;
        let (progress, record) = (ProgressMode::Auto, Value::Null);
        let existing = Existing::Refuse;
        Ok(Self { config, seed, progress, record, existing, callbacks: Vec::new() })
    }

    /// What `config.json` of the run folder holds beside the seed and the training config: family,
    /// data, model. A run goes on only with the same.
    pub fn record(mut self, record: Value) -> Self {
        self.record = record;
        self
    }

    /// Whether a run that is in the folder goes on; without one a new run begins either way.
    pub fn resume(self, resume: bool) -> Self {
        self.existing(if resume { Existing::Resume } else { Existing::Refuse })
    }

    /// What becomes of a run that is in the folder.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Shows progress in another way.
    pub fn progress(mut self, mode: ProgressMode) -> Self {
        self.progress = mode;
        self
    }

    /// Adds a callback; they are called in the order they were added.
    pub fn callback(mut self, callback: impl Callback<L> + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Trains on `train` and writes into `folder`; `validation` decides which state is best.
    ///
    /// # Errors
    /// No data, a folder in use, a number that is not finite, a refusal of the system. What was
    /// checkpointed stays.
    pub fn fit<E>(
        mut self,
        mut learner: L,
        train: Arc<E>,
        validation: Option<Arc<E>>,
        folder: &Path,
    ) -> Result<Outcome<L>, TrainError>
    where
        E: Examples<Batch = L::Batch> + 'static,
    {
        if train.is_empty() {
            return Err(TrainError::NoData);
        }
        if !self.config.augment.is_none() && !train.is_augmented() {
            let expected = "left as it is: the examples of this family cannot be changed";
            return Err(ConfigError::value("augment", expected, "changes").into());
        }
        let weights = self.config.balance.weights(train.as_ref())?;
        let recorded = match self.existing {
            Existing::Resume => RunFolder::recorded(folder, "/train/gradient/workers")?,
            _ => None,
        };
        let workers = match (self.config.gradient.workers, recorded.and_then(|v| v.as_u64())) {
            (WorkerCount::Auto, Some(recorded)) => recorded as usize,
            (WorkerCount::Auto, None) => learner.workers(),
            (WorkerCount::Exactly(n), _) => n,
        };
        learner.set_workers(workers)?;
        self.config.gradient.workers = WorkerCount::Exactly(workers);
        let folder = RunFolder::open(folder, &self.full_record(), self.existing)?;
        let state = checkpoint::load(&folder, LAST, &mut learner)?.unwrap_or_default();
        if !resume_needed(&state) {
            // A run that was killed before its first checkpoint may have left others.
            remove(&folder.join(BEST))?;
            remove(&folder.join(KEPT))?;
        }
        let log = MetricsLog::open(&folder.join("metrics.csv"), state.step)?;
        let name = if resume_needed(&state) { "resume" } else { "start" };
        folder.event(name, json!({"step": state.step, "examples": train.len()}))?;

        let callbacks = std::mem::take(&mut self.callbacks);
        let Self { config, seed, progress, .. } = self;
        let (saved, earlier) = (Instant::now(), state.seconds);
        let mut run = Run {
            config,
            seed,
            progress,
            learner,
            state,
            earlier,
            log,
            folder,
            callbacks,
            saved,
            total: None,
            weights,
        };
        match run.go(train, validation) {
            Ok(reason) => {
                let details = json!({"step": run.state.step, "reason": reason});
                run.folder.event("end", details)?;
                Ok(Outcome { learner: run.learner, state: run.state, reason, folder: run.folder })
            }
            Err(e) => {
                // A folder that is gone is why a file in it cannot be read or written.
                run.folder.check()?;
                let details = json!({"step": run.state.step, "error": e.to_string()});
                // The first error is the one to report; the disk may be full.
                let _ = run.folder.event("failed", details);
                Err(e)
            }
        }
    }

    fn full_record(&self) -> Value {
        let mut full = json!({"seed": self.seed});
        if let (Value::Object(full), Value::Object(record)) = (&mut full, &self.record) {
            full.extend(record.clone());
        }
        full["train"] = pyrogen_core::config::to_value(&self.config);
        full
    }
}

fn resume_needed(state: &LoopState) -> bool {
    state.step > 0
}

fn remove(path: &Path) -> Result<(), TrainError> {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FolderError::io(path, "remove")(e).into())
        }
        _ => Ok(()),
    }
}
