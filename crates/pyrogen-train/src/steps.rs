//! The steps of a run.

use std::sync::Arc;
use std::time::Instant;

use pyrogen_core::{Examples, Noise, Seed};
use pyrogen_data::{BatchOrder, ShuffleMode};
use serde_json::json;

use crate::callback::{Callback, CallbackError, Control, Event};
use crate::checkpoint::{self, BEST, KEPT, LAST, LoopState};
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::feed::{Prepared, feed};
use crate::learner::{Learner, StepContext, Values};
use crate::metrics_log::{MetricsLog, Part as LogPart};
use crate::outcome::StopReason;
use crate::progress::{Progress, ProgressMode};
use crate::run::RunFolder;

/// A run under way.
pub(crate) struct Run<'a, L: Learner> {
    pub config: TrainConfig,
    pub seed: Seed,
    pub progress: ProgressMode,
    pub learner: L,
    pub state: LoopState,
    /// Seconds of the run before this process.
    pub earlier: f64,
    pub log: MetricsLog,
    pub folder: RunFolder,
    pub callbacks: Vec<Box<dyn Callback<L> + 'a>>,
    /// When the last checkpoint was written.
    pub saved: Instant,
    /// Steps of the whole run, where they are known.
    pub total: Option<u64>,
    /// How often each row is drawn; none where each is drawn once an epoch.
    pub weights: Option<Vec<f64>>,
}

impl<L: Learner> Run<'_, L>
where
    L::Batch: 'static,
{
    /// Steps until the run ends.
    pub fn go<E>(
        &mut self,
        train: Arc<E>,
        validation: Option<Arc<E>>,
    ) -> Result<StopReason, TrainError>
    where
        E: Examples<Batch = L::Batch> + 'static,
    {
        loop {
            if let Some(reason) = self.stretch(train.clone(), validation.as_deref())? {
                return Ok(reason);
            }
            self.roll_back()?;
        }
    }

    /// What all random numbers of the run come from.
    fn root(&self) -> Noise {
        Noise::new(self.seed).fork("train")
    }

    /// Steps until the run ends; None where it is to be taken back.
    fn stretch<E>(
        &mut self,
        train: Arc<E>,
        validation: Option<&E>,
    ) -> Result<Option<StopReason>, TrainError>
    where
        E: Examples<Batch = L::Batch> + 'static,
    {
        let root = match self.state.rollbacks {
            0 => self.root(),
            n => self.root().fork("rollback").fork_index(n),
        };
        let order = self.order(train.len(), &root)?;
        let per_epoch = order.steps_per_epoch();
        let total = self.config.limits.total_steps(per_epoch);
        self.total = total;
        if let Some(reason) = self.stop_reason(total).filter(|_| self.state.step > 0) {
            return Ok(Some(reason));
        }
        if self.start()? == Control::Stop {
            return Ok(Some(StopReason::Callback));
        }
        let pieces = self.learner.parts(self.config.batch_size.min(train.len()));
        let steps = self.state.step + 1..total.map_or(u64::MAX, |t| t.saturating_add(1));
        let batches = feed(train, order, root.fork("data"), steps, pieces, self.learner.device());
        let mut progress = Progress::new(self.progress, total, self.state.step);
        let mut ended = Some(StopReason::Limit);
        for prepared in batches {
            let prepared = prepared.map_err(TrainError::Unreadable)?;
            let epoch_end = prepared.step % per_epoch == 0;
            match self.step(prepared, epoch_end, total, &root, validation, &mut progress)? {
                Next::Step => {}
                Next::End(reason) => {
                    ended = Some(reason);
                    break;
                }
                Next::Back => {
                    ended = None;
                    break;
                }
            }
        }
        progress.finish();
        Ok(ended)
    }

    /// The order of the rows; a last batch that is too small to learn from is left out.
    fn order(&self, rows: usize, noise: &Noise) -> Result<BatchOrder, TrainError> {
        let batch = self.config.batch_size.min(rows);
        let rest = rows % batch;
        let drop_last = rest > 0 && rest < self.learner.fewest_rows();
        Ok(match &self.weights {
            Some(weights) => BatchOrder::weighted(weights, batch, noise, drop_last)?,
            None => BatchOrder::new(rows, batch, noise, ShuffleMode::Shuffled, drop_last)?,
        })
    }

    /// Ends a step on devices that hold operations back. They make kernels of what has come
    /// together, and round as these kernels do: where steps ran into each other, a run that stops
    /// between two of them to be resumed would end with other digits.
    fn hand_over(&self) -> Result<(), TrainError> {
        let flushed = self.learner.device().flush();
        flushed.map_err(|e| TrainError::Device(e.to_string().replace('\n', " ")))
    }

    /// One step with all that follows it.
    fn step<E>(
        &mut self,
        prepared: Prepared<L::Batch>,
        epoch_end: bool,
        total: Option<u64>,
        root: &Noise,
        validation: Option<&E>,
        progress: &mut Progress,
    ) -> Result<Next, TrainError>
    where
        E: Examples<Batch = L::Batch>,
    {
        let Prepared { step, epoch, parts } = prepared;
        let context = StepContext {
            step,
            epoch,
            total_steps: total,
            time: self.time(total),
            noise: root.fork("draws").fork_index(step),
            rate: Control::ROLLBACK_RATE.powf(self.state.rollbacks as f64),
        };
        let mut values = self.learner.update(parts, &context)?;
        self.hand_over()?;
        values.extend(context.time.map(|time| ("time".to_string(), time)));
        self.state.step = step;
        if self.config.limits.minutes.is_some() {
            self.state.seconds = self.earlier + self.folder.seconds();
        }
        progress.step(step, epoch, values[0].1);
        self.accumulate(&values);
        let config = &self.config;
        let (every, log_every) = (config.checkpoint_every, config.log_every);
        let due = epoch_end && epoch % config.validation.every_epochs == 0;
        let mut reason = self.stop_reason(total);
        let last = reason.is_some();
        if step % log_every == 0 || epoch_end || last {
            self.flush(epoch)?;
        }
        let mut asked = self.call(epoch, &values, |c, e, l| c.on_step(e, l))?;
        if let Some(data) = validation.filter(|d| !d.is_empty() && (due || last)) {
            let (answer, stale) = self.validate(data, epoch)?;
            asked = asked.max(answer);
            reason = reason.or(stale);
        }
        match asked {
            Control::Rollback => return Ok(Next::Back),
            Control::Keep => checkpoint::save(&self.folder, KEPT, &self.learner, &self.state)?,
            Control::Stop => reason = reason.or(Some(StopReason::Callback)),
            Control::Continue => {}
        }
        let due = if every == 0 { epoch_end } else { step % every == 0 };
        let due = due || self.long_since_saved();
        if due || reason.is_some() {
            self.checkpoint(epoch, &values)?;
        }
        Ok(reason.map_or(Next::Step, Next::End))
    }

    /// Tells the callbacks where the run is.
    fn start(&mut self) -> Result<Control, TrainError> {
        let mut asked = Control::Continue;
        for callback in &mut self.callbacks {
            let answer = callback.on_start(&self.folder, &self.state, &self.learner);
            asked = asked.max(answer.map_err(TrainError::Callback)?);
        }
        if asked == Control::Keep {
            checkpoint::save(&self.folder, KEPT, &self.learner, &self.state)?;
        }
        Ok(asked)
    }

    /// Takes the run back to the state that was kept last. What is on disk says so before the next
    /// step, so that a run that is killed then goes on from here.
    fn roll_back(&mut self) -> Result<(), TrainError> {
        let from = self.state.clone();
        let kept = checkpoint::load(&self.folder, KEPT, &mut self.learner)?;
        let kept = kept.ok_or(TrainError::NothingKept { step: from.step })?;
        let (best, stale, rollbacks) = (from.best, from.stale, from.rollbacks + 1);
        // Time does not go back.
        let seconds = from.seconds;
        self.state = LoopState { best, stale, rollbacks, seconds, ..kept };
        checkpoint::save(&self.folder, LAST, &self.learner, &self.state)?;
        self.log = MetricsLog::open(&self.folder.join("metrics.csv"), self.state.step)?;
        let details = json!({"step": from.step, "to": self.state.step, "rollbacks": rollbacks});
        self.folder.event("rollback", details)
    }

    fn accumulate(&mut self, values: &Values) {
        for (name, value) in values {
            match self.state.sums.iter_mut().find(|(known, ..)| known == name) {
                Some((_, sum, count)) => (*sum, *count) = (*sum + value, *count + 1),
                None => self.state.sums.push((name.clone(), *value, 1)),
            }
        }
    }

    fn flush(&mut self, epoch: u64) -> Result<(), TrainError> {
        self.folder.check()?;
        let sums = std::mem::take(&mut self.state.sums);
        let means: Values = sums.into_iter().map(|(k, v, n)| (k, v / n as f64)).collect();
        self.log.append(LogPart::Train, self.state.step, epoch, &means)
    }

    fn stop_reason(&self, total: Option<u64>) -> Option<StopReason> {
        if total.is_some_and(|t| self.state.step >= t) {
            return Some(StopReason::Limit);
        }
        let minutes = self.config.limits.minutes?;
        (self.state.seconds >= minutes * 60.0).then_some(StopReason::Time)
    }

    /// The share of the run's time that has passed, where nothing else ends it: by the seconds of the
    /// last step, which the checkpoint holds.
    fn time(&self, total: Option<u64>) -> Option<f64> {
        let minutes = self.config.limits.minutes.filter(|_| total.is_none())?;
        Some((self.state.seconds / (minutes * 60.0)).min(1.0))
    }

    /// Means over the validation data, always with the same noise; keeps the best state where there
    /// is such a thing. Gives what the callbacks ask, and whether patience has run out.
    fn validate<E>(
        &mut self,
        data: &E,
        epoch: u64,
    ) -> Result<(Control, Option<StopReason>), TrainError>
    where
        E: Examples<Batch = L::Batch>,
    {
        let values = self.validation_means(data, &self.root().fork("validation"))?;
        let (step, loss) = (self.state.step, values[0].1);
        self.folder.check()?;
        self.log.append(LogPart::Validation, step, epoch, &values)?;
        if self.learner.ranks() {
            self.rank(loss)?;
        }
        let asked = self.call(epoch, &values, |c, e, l| c.on_validation(e, l))?;
        let patience = self.config.validation.patience;
        let stale = patience.is_some_and(|p| self.state.stale >= p);
        Ok((asked, stale.then_some(StopReason::EarlyStopping)))
    }

    /// Keeps the state if its validation loss is the best so far.
    fn rank(&mut self, loss: f64) -> Result<(), TrainError> {
        let least = self.config.validation.min_improvement;
        let improved = self.state.best.is_none_or(|(best, _)| loss < best - least);
        if !improved {
            self.state.stale += 1;
            return Ok(());
        }
        self.state.best = Some((loss, self.state.step));
        self.state.stale = 0;
        self.learner.check(self.state.step)?;
        checkpoint::save(&self.folder, BEST, &self.learner, &self.state)
    }

    fn validation_means<E>(&self, data: &E, noise: &Noise) -> Result<Values, TrainError>
    where
        E: Examples<Batch = L::Batch>,
    {
        let device = self.learner.validation_device();
        let rows: Vec<usize> = (0..data.len()).collect();
        let mut means: Values = Vec::new();
        for (i, rows) in rows.chunks(self.config.batch_size).enumerate() {
            let noise = noise.fork_index(i as u64);
            let batch = data.try_batch(rows, &mut noise.fork("data"), &device);
            let batch = batch.map_err(TrainError::Unreadable)?;
            let weight = rows.len() as f64 / data.len() as f64;
            let values = self.learner.validate(batch, &mut noise.fork("draws"));
            for (j, (name, value)) in values.into_iter().enumerate() {
                if means.len() <= j {
                    means.push((name, 0.0));
                }
                means[j].1 += value * weight;
            }
        }
        Ok(means)
    }

    /// Whether the last checkpoint is longer ago than a run should lose.
    fn long_since_saved(&self) -> bool {
        let minutes = self.config.checkpoint_minutes;
        minutes.is_some_and(|m| self.saved.elapsed().as_secs_f64() >= m * 60.0)
    }

    fn checkpoint(&mut self, epoch: u64, values: &Values) -> Result<(), TrainError> {
        self.learner.check(self.state.step)?;
        checkpoint::save(&self.folder, LAST, &self.learner, &self.state)?;
        self.saved = Instant::now();
        self.folder.event("checkpoint", json!({"step": self.state.step}))?;
        // The state is written: whether a callback stops here changes nothing.
        self.call(epoch, values, |c, e, l| c.on_checkpoint(e, l)).map(|_| ())
    }

    fn call(
        &mut self,
        epoch: u64,
        values: &Values,
        mut f: impl FnMut(&mut dyn Callback<L>, &Event, &L) -> Result<Control, CallbackError>,
    ) -> Result<Control, TrainError> {
        let LoopState { step, rollbacks, .. } = self.state;
        let total_steps = self.total;
        let event = Event { step, epoch, values, rollbacks, total_steps, folder: &self.folder };
        let mut asked = Control::Continue;
        for callback in &mut self.callbacks {
            let answer = f(callback.as_mut(), &event, &self.learner);
            asked = asked.max(answer.map_err(TrainError::Callback)?);
        }
        Ok(asked)
    }
}

/// What follows a step.
enum Next {
    Step,
    End(StopReason),
    Back,
}
