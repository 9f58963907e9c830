//! The loop.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use pyrogen_core::{Examples, FolderError, Noise, Seed};
use pyrogen_data::{BatchOrder, Prefetch, ShuffleMode};
use serde_json::{Value, json};

use crate::callback::{Callback, Control, Event};
use crate::checkpoint::{self, LoopState};
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::learner::{Learner, Part, StepContext, Values};
use crate::metrics_log::{MetricsLog, Part as LogPart};
use crate::outcome::{Outcome, StopReason};
use crate::progress::{Progress, ProgressMode};
use crate::run::RunFolder;
use crate::workers::WorkerCount;

const LAST: &str = "checkpoints/last";
pub(crate) const BEST: &str = "checkpoints/best";

/// Batches that are ready before they are needed.
const PREFETCH: usize = 2;

/// Trains a [`Learner`] on [`Examples`] and writes a run folder.
///
/// The random numbers and the rows of step `s` are functions of the seed and of `s`. So a run
/// that is killed at any moment and resumed continues from its last checkpoint to the same bytes
/// as an unbroken run.
pub struct Trainer<L: Learner> {
    config: TrainConfig,
    seed: Seed,
    progress: ProgressMode,
    record: Value,
    resume: bool,
    callbacks: Vec<Box<dyn Callback<L>>>,
}

impl<L: Learner> Trainer<L>
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
        Ok(Self { config, seed, progress, record, resume: false, callbacks: Vec::new() })
    }

    /// What `config.json` of the run folder holds beside the seed and the training config: family,
    /// data, model. A run goes on only with the same.
    pub fn record(mut self, record: Value) -> Self {
        self.record = record;
        self
    }

    /// Whether a run that is in the folder goes on; without one a new run begins either way.
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Shows progress in another way.
    pub fn progress(mut self, mode: ProgressMode) -> Self {
        self.progress = mode;
        self
    }

    /// Adds a callback; they are called in the order they were added.
    pub fn callback(mut self, callback: impl Callback<L> + 'static) -> Self {
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
        let recorded = match self.resume {
            true => RunFolder::recorded(folder, "/train/gradient/workers")?,
            false => None,
        };
        let workers = match (self.config.gradient.workers, recorded.and_then(|v| v.as_u64())) {
            (WorkerCount::Auto, Some(recorded)) => recorded as usize,
            (WorkerCount::Auto, None) => learner.workers(),
            (WorkerCount::Exactly(n), _) => n,
        };
        learner.set_workers(workers)?;
        self.config.gradient.workers = WorkerCount::Exactly(workers);
        let folder = RunFolder::open(folder, &self.full_record(), self.resume)?;
        let state = checkpoint::load(&folder.join(LAST), &mut learner)?.unwrap_or_default();
        if !resume_needed(&state) {
            // A run that was killed before its first checkpoint may have left a best one.
            remove(&folder.join(BEST))?;
        }
        let log = MetricsLog::open(&folder.join("metrics.csv"), state.step)?;
        let name = if resume_needed(&state) { "resume" } else { "start" };
        folder.event(name, json!({"step": state.step, "examples": train.len()}))?;

        let callbacks = std::mem::take(&mut self.callbacks);
        let mut run = Run { trainer: self, learner, state, log, folder, callbacks };
        match run.go(train, validation) {
            Ok(reason) => {
                let details = json!({"step": run.state.step, "reason": reason});
                run.folder.event("end", details)?;
                run.folder.unlock();
                Ok(Outcome { learner: run.learner, state: run.state, reason, folder: run.folder })
            }
            Err(e) => {
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

/// One step's pieces, made by the worker thread.
struct Prepared<B> {
    step: u64,
    epoch: u64,
    parts: Vec<Part<B>>,
}

/// A run under way.
struct Run<L: Learner> {
    trainer: Trainer<L>,
    learner: L,
    state: LoopState,
    log: MetricsLog,
    folder: RunFolder,
    callbacks: Vec<Box<dyn Callback<L>>>,
}

impl<L: Learner> Run<L>
where
    L::Batch: 'static,
{
    fn go<E>(&mut self, train: Arc<E>, validation: Option<Arc<E>>) -> Result<StopReason, TrainError>
    where
        E: Examples<Batch = L::Batch> + 'static,
    {
        let config = self.trainer.config.clone();
        let root = Noise::new(self.trainer.seed).fork("train");
        let batch = config.batch_size.min(train.len());
        let order = BatchOrder::new(train.len(), batch, &root, ShuffleMode::Shuffled, false)?;
        let per_epoch = order.steps_per_epoch();
        let total = config.limits.total_steps(per_epoch);
        if total.is_some_and(|t| self.state.step >= t) {
            return Ok(StopReason::Limit);
        }
        let mut progress = Progress::new(self.trainer.progress, total, self.state.step);
        let mut reason = None;
        for prepared in self.batches(train, order, &root, total) {
            let (step, epoch) = (prepared.step, prepared.epoch);
            let context = StepContext {
                step,
                epoch,
                total_steps: total,
                noise: root.fork("draws").fork_index(step),
            };
            let values = self.learner.update(prepared.parts, &context)?;
            self.state.step = step;
            progress.step(step, epoch, values[0].1);
            self.accumulate(&values);
            reason = self.stop_reason(total, &config);
            let epoch_end = step % per_epoch == 0;
            let last = reason.is_some();
            if step % config.log_every == 0 || epoch_end || last {
                self.flush(epoch)?;
            }
            let asked = self.call(epoch, &values, |c, e, l| c.on_step(e, l))?;
            let due = epoch_end && epoch % config.validation.every_epochs == 0;
            if let Some(data) = validation.as_ref().filter(|d| !d.is_empty() && (due || last)) {
                let stop = self.validate(data.as_ref(), &root, epoch)?;
                reason = reason.or(stop);
            }
            reason = reason.or(asked);
            let every = config.checkpoint_every;
            let due = if every == 0 { epoch_end } else { step % every == 0 };
            if due || reason.is_some() {
                self.checkpoint(epoch, &values)?;
            }
            if reason.is_some() {
                break;
            }
        }
        progress.finish();
        Ok(reason.unwrap_or(StopReason::Limit))
    }

    /// The remaining steps' batches, made ahead on a worker thread.
    fn batches<E>(
        &self,
        train: Arc<E>,
        mut order: BatchOrder,
        root: &Noise,
        total: Option<u64>,
    ) -> Prefetch<Prepared<L::Batch>>
    where
        E: Examples<Batch = L::Batch> + 'static,
    {
        let device = self.learner.device();
        let noise = root.fork("data");
        let pieces = self.learner.parts(self.trainer.config.batch_size.min(train.len()));
        let steps = self.state.step + 1..=total.unwrap_or(u64::MAX);
        Prefetch::new(
            steps.map(move |step| {
                let (epoch, rows) = order.rows(step - 1);
                let noise = noise.fork_index(step);
                let parts = cut(rows.len(), pieces)
                    .map(|range| read_part(train.as_ref(), &rows, range, &noise, &device))
                    .collect();
                Prepared { step, epoch: epoch + 1, parts }
            }),
            PREFETCH,
        )
    }

    fn accumulate(&mut self, values: &Values) {
        for (i, (name, value)) in values.iter().enumerate() {
            match self.state.sums.get_mut(i) {
                Some((_, sum)) => *sum += value,
                None => self.state.sums.push((name.clone(), *value)),
            }
        }
        self.state.summed += 1;
    }

    fn flush(&mut self, epoch: u64) -> Result<(), TrainError> {
        let n = self.state.summed.max(1) as f64;
        let means: Values =
            std::mem::take(&mut self.state.sums).into_iter().map(|(k, v)| (k, v / n)).collect();
        self.state.summed = 0;
        self.log.append(LogPart::Train, self.state.step, epoch, &means)
    }

    fn stop_reason(&self, total: Option<u64>, config: &TrainConfig) -> Option<StopReason> {
        if total.is_some_and(|t| self.state.step >= t) {
            return Some(StopReason::Limit);
        }
        let minutes = config.limits.minutes?;
        (self.folder.seconds() >= minutes * 60.0).then_some(StopReason::Time)
    }

    /// Means over the validation data, always with the same noise; keeps the best state.
    fn validate<E>(
        &mut self,
        data: &E,
        root: &Noise,
        epoch: u64,
    ) -> Result<Option<StopReason>, TrainError>
    where
        E: Examples<Batch = L::Batch>,
    {
        let values = self.validation_means(data, &root.fork("validation"));
        let (step, loss) = (self.state.step, values[0].1);
        self.log.append(LogPart::Validation, step, epoch, &values)?;
        let config = &self.trainer.config.validation;
        let improved = self.state.best.is_none_or(|(best, _)| loss < best - config.min_improvement);
        let patience = config.patience;
        if improved {
            self.state.best = Some((loss, step));
            self.state.stale = 0;
            self.learner.check(step)?;
            checkpoint::save(&self.folder.join(BEST), &self.learner, &self.state)?;
        } else {
            self.state.stale += 1;
        }
        let asked = self.call(epoch, &values, |c, e, l| c.on_validation(e, l))?;
        let stale = patience.is_some_and(|p| self.state.stale >= p);
        Ok(if stale { Some(StopReason::EarlyStopping) } else { asked })
    }

    fn validation_means<E>(&self, data: &E, noise: &Noise) -> Values
    where
        E: Examples<Batch = L::Batch>,
    {
        let device = self.learner.validation_device();
        let rows: Vec<usize> = (0..data.len()).collect();
        let mut means: Values = Vec::new();
        for (i, rows) in rows.chunks(self.trainer.config.batch_size).enumerate() {
            let noise = noise.fork_index(i as u64);
            let batch = data.batch(rows, &mut noise.fork("data"), &device);
            let weight = rows.len() as f64 / data.len() as f64;
            let values = self.learner.validate(batch, &mut noise.fork("draws"));
            for (j, (name, value)) in values.into_iter().enumerate() {
                if means.len() <= j {
                    means.push((name, 0.0));
                }
                means[j].1 += value * weight;
            }
        }
        means
    }

    fn checkpoint(&mut self, epoch: u64, values: &Values) -> Result<(), TrainError> {
        self.learner.check(self.state.step)?;
        checkpoint::save(&self.folder.join(LAST), &self.learner, &self.state)?;
        self.folder.event("checkpoint", json!({"step": self.state.step}))?;
        // The state is written: whether a callback stops here changes nothing.
        self.call(epoch, values, |c, e, l| c.on_checkpoint(e, l)).map(|_| ())
    }

    fn call(
        &mut self,
        epoch: u64,
        values: &Values,
        mut f: impl FnMut(
            &mut dyn Callback<L>,
            &Event,
            &L,
        ) -> Result<Control, crate::callback::CallbackError>,
    ) -> Result<Option<StopReason>, TrainError> {
        let event = Event { step: self.state.step, epoch, values };
        let mut stop = None;
        for callback in &mut self.callbacks {
            let control =
                f(callback.as_mut(), &event, &self.learner).map_err(TrainError::Callback)?;
            if control == Control::Stop {
                stop = Some(StopReason::Callback);
            }
        }
        Ok(stop)
    }
}

/// Cuts `0..rows` into `pieces` ranges whose lengths differ by at most one.
fn cut(rows: usize, pieces: usize) -> impl Iterator<Item = Range<usize>> {
    let pieces = pieces.clamp(1, rows.max(1));
    (0..pieces).map(move |i| rows * i / pieces..rows * (i + 1) / pieces)
}

fn read_part<E: Examples>(
    data: &E,
    rows: &[usize],
    range: Range<usize>,
    noise: &Noise,
    device: &Device,
) -> Part<E::Batch> {
    let mut noise = noise.rows(range.clone(), rows.len());
    let batch = data.batch(&rows[range.clone()], &mut noise, device);
    Part { batch, rows: range, total: rows.len() }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn pieces_cover_all_rows_once() {
        for (rows, pieces) in [(10, 3), (2, 5), (7, 1), (64, 2)] {
            let ranges: Vec<_> = cut(rows, pieces).collect();
            assert_eq!(ranges.len(), pieces.min(rows));
            assert!(ranges.iter().all(|r| !r.is_empty()));
            assert_eq!(
                ranges.into_iter().flatten().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
        }
    }
}
