//! The collapse monitor: a callback that reads the signs while two players train.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use burn::tensor::Device;
use pyrogen_core::folder::write_file;
use pyrogen_core::parallel::batches;
use pyrogen_core::{Examples, FolderError, Noise, Seed, Watch};
use pyrogen_metrics::collapse::{Alarm, Alertness, Judgements, Reading, Reference};
use pyrogen_metrics::{Features, MetricError};
use serde_json::json;

use crate::adversarial::AdversarialLearner;
use crate::callback::{Callback, CallbackError, Control, Event};
use crate::checkpoint::LoopState;
use crate::error::TrainError;
use crate::learner::Learner;
use crate::players::{MonitorConfig, OnCollapse};
use crate::run::RunFolder;

/// The event of a reading that was not possible.
const UNREAD: &str = "unread";

/// The file of the run folder that holds the readings.
const FILE: &str = "monitor.csv";

const HEADER: &str = "step,recall,coverage,diversity,modes,margin,gap,separation,memory,alarms";

/// Examples that a core works on at once.
const CHUNK: usize = 64;

type Extract<B> = Box<dyn Fn(&B) -> Result<Features, MetricError> + Send + Sync>;

/// Reads the [signs of collapse](pyrogen_metrics::collapse) every so many steps, writes them to
/// `monitor.csv` in the run folder and acts on alarms.
///
/// It looks at the model as it would be exported (the averaged generator, where an average is kept)
/// with the same latents each time, and changes nothing of the training. An alarm is an event in
/// `events.jsonl` and a line on standard error, and so is a reading that is not possible (`unread`). Its memory is `monitor.csv` itself, so a run that is
/// killed and resumed has the readings, the alarms and the weights of an unbroken one.
///
/// A reading with no bad sign is kept for [`OnCollapse::Rollback`], and so is the start.
pub struct CollapseMonitor<B> {
    config: MonitorConfig,
    held_out: Vec<B>,
    training: Vec<B>,
    rows: usize,
    reference: Reference,
    alertness: Alertness,
    extract: Extract<B>,
    noise: Noise,
    quiet: bool,
}

impl<B: Send + Sync + Clone> CollapseMonitor<B> {
    /// A monitor that holds generated examples against some of `held_out`, which is not trained on,
    /// and asks the discriminator for those and for some of `training`.
    ///
    /// `extract` gives the features of the examples of a batch; `classes` are those of `held_out`,
    /// where there are some. Which examples are taken is a function of the seed.
    ///
    /// # Errors
    /// A config that cannot be used, fewer examples than neighbours, or features that cannot be
    /// compared.
    pub fn new<E>(
        config: &MonitorConfig,
        held_out: &E,
        training: &E,
        classes: Option<&[usize]>,
        seed: Seed,
        device: &Device,
        extract: impl Fn(&B) -> Result<Features, MetricError> + Send + Sync + 'static,
    ) -> Result<Self, TrainError>
    where
        E: Examples<Batch = B>,
    {
        config.validate()?;
        let noise = Noise::new(seed).fork("monitor");
        let rows = config.samples.min(held_out.len()).min(training.len());
        if rows <= config.neighbours {
            let (set, k) = ("held-out or training", config.neighbours);
            return Err(MetricError::Neighbours { k, set, rows }.into());
        }
        let device = device.clone().inner();
        let (real, picked) = pick(held_out, rows, &noise.fork("held-out"), &device);
        let (training, _) = pick(training, rows, &noise.fork("training"), &device);
        let classes: Option<Vec<usize>> =
            classes.map(|c| picked.iter().map(|&row| c[row]).collect());
        let reference = Reference::new(
            joined(real.iter().map(&extract))?,
            &joined(training.iter().map(&extract))?,
            classes.as_deref(),
            config.neighbours,
        )?;
        Ok(Self {
            alertness: Alertness::new(config.thresholds.clone(), reference.reach()),
            config: config.clone(),
            held_out: real,
            training,
            rows,
            reference,
            extract: Box::new(extract),
            noise: noise.fork("latents"),
            quiet: false,
        })
    }

    /// Whether alarms are only written down, and not shown.
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// What the model shows at a step.
    ///
    /// # Errors
    /// Generated examples whose features are not finite.
    pub fn read<A>(&self, step: u64, model: &A) -> Result<Reading, TrainError>
    where
        A: Watch<Batch = B> + Sync,
    {
        let device = model.devices().into_iter().next().unwrap_or_default();
        let parts = batches(self.rows, CHUNK, &device, |rows| {
            let chunk = rows.start / CHUNK;
            let (real, known) = (&self.held_out[chunk], &self.training[chunk]);
            let made = model.generate(real, &mut self.noise.rows(rows, self.rows));
            let features = (self.extract)(&made);
            let judged = [real.clone(), known.clone(), made].map(|batch| {
                let said = model.judge(batch).into_data();
                said.iter::<f64>().collect::<Vec<f64>>()
            });
            (features, judged)
        });
        let mut judged: [Vec<f64>; 3] = Default::default();
        let mut features = Vec::new();
        for (part, said) in parts {
            features.push(part);
            judged.iter_mut().zip(said).for_each(|(all, more)| all.extend(more));
        }
        let [held_out, training, generated] = &judged;
        let judgements = Judgements { held_out, training, generated };
        Ok(self.reference.read(step, &joined(features.into_iter())?, &judgements)?)
    }

    /// Writes an alarm down and shows it.
    fn tell(&self, alarm: &Alarm, folder: &RunFolder) -> Result<(), TrainError> {
        if !self.quiet {
            show(&format!("collapse: {alarm}"));
        }
        let mut details = json!(alarm);
        details["message"] = json!(alarm.to_string());
        folder.event("alarm", details)
    }

    fn answer(&self, alarms: &[Alarm], good: bool, rollbacks: u64) -> Control {
        match (self.config.on_collapse, alarms.is_empty()) {
            (OnCollapse::Rollback, true) if good => Control::Keep,
            (_, true) | (OnCollapse::Warn, _) => Control::Continue,
            (OnCollapse::Rollback, false) if rollbacks < self.config.rollbacks => Control::Rollback,
            _ => Control::Stop,
        }
    }
}

/// Shows a line on standard error. That nobody reads it is no failure of the training.
fn show(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes down that nothing can be read at a step, and shows it.
fn tell_unread(
    step: u64,
    reason: &MetricError,
    folder: &RunFolder,
    quiet: bool,
) -> Result<(), TrainError> {
    let message = format!("step {step}: the signs of collapse cannot be read: {reason}");
    if !quiet {
        show(&message);
    }
    folder.event(UNREAD, json!({ "step": step, "message": message }))
}

/// In the place of a [`CollapseMonitor`] that cannot be made, as where all held-out examples are alike:
/// says so when the run begins (event `unread`) and lets it go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Unwatched {
    reason: MetricError,
}

impl Unwatched {
    /// For this reason.
    pub fn new(reason: MetricError) -> Self {
        Self { reason }
    }
}

impl<L: Learner> Callback<L> for Unwatched {
    fn on_start(
        &mut self,
        folder: &RunFolder,
        state: &LoopState,
        _: &L,
    ) -> Result<Control, CallbackError> {
        tell_unread(state.step, &self.reason, folder, false)?;
        Ok(Control::Continue)
    }
}

/// Some rows of the data in chunks, and which rows these are.
fn pick<E: Examples>(
    data: &E,
    rows: usize,
    noise: &Noise,
    device: &Device,
) -> (Vec<E::Batch>, Vec<usize>) {
    let mut picked = noise.fork("rows").permutation(data.len());
    picked.truncate(rows);
    let mut chunks = Vec::new();
    for (i, chunk) in picked.chunks(CHUNK).enumerate() {
        let start = i * CHUNK;
        let mut noise = noise.fork("data").rows(start..start + chunk.len(), rows);
        chunks.push(data.batch(chunk, &mut noise, device));
    }
    (chunks, picked)
}

/// The features of chunks as those of all rows.
fn joined(
    parts: impl Iterator<Item = Result<Features, MetricError>>,
) -> Result<Features, MetricError> {
    let (mut values, mut rows, mut cols, mut name) = (Vec::new(), 0, 0, String::new());
    for part in parts {
        let part = part?;
        values.extend_from_slice(part.values());
        (rows, cols) = (rows + part.rows(), part.cols());
        name = part.name().to_string();
    }
    Features::new(values, rows, cols)?.named(name)
}

impl<A> Callback<AdversarialLearner<A>> for CollapseMonitor<A::Batch>
where
    A: Watch + Sync,
    A::Batch: Sync,
{
    fn on_start(
        &mut self,
        folder: &RunFolder,
        state: &LoopState,
        _: &AdversarialLearner<A>,
    ) -> Result<Control, CallbackError> {
        let path = folder.join(FILE);
        let mut rows = if path.exists() { read_monitor(&path)? } else { Vec::new() };
        rows.retain(|row| row.reading.step <= state.step);
        let lines: String = rows.iter().map(MonitorRow::line).collect();
        write_file(&path, format!("{HEADER}\n{lines}").as_bytes())?;
        self.alertness = Alertness::new(self.config.thresholds.clone(), self.reference.reach());
        for row in &rows {
            self.alertness.push(&row.reading);
        }
        let first = state.step == 0 && self.config.on_collapse == OnCollapse::Rollback;
        Ok(if first { Control::Keep } else { Control::Continue })
    }

    fn on_step(
        &mut self,
        event: &Event,
        learner: &AdversarialLearner<A>,
    ) -> Result<Control, CallbackError> {
        // No step is a multiple of 0.
        if !event.step.is_multiple_of(self.config.every) {
            return Ok(Control::Continue);
        }
        let reading = match self.read(event.step, &learner.model()) {
            Err(TrainError::Metric(reason)) => {
                tell_unread(event.step, &reason, event.folder, self.quiet)?;
                return Ok(Control::Continue);
            }
            reading => reading?,
        };
        let alarms = self.alertness.push(&reading);
        let good = self.alertness.bad(&reading).is_empty();
        let names = alarms.iter().map(|a| a.sign.name().to_string()).collect();
        let row = MonitorRow { reading, alarms: names };
        event.folder.check()?;
        let path = event.folder.join(FILE);
        let written = OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(row.line().as_bytes()));
        written.map_err(FolderError::io(&path, "write"))?;
        for alarm in &alarms {
            self.tell(alarm, event.folder)?;
        }
        Ok(self.answer(&alarms, good, event.rollbacks))
    }
}

/// A row of `monitor.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorRow {
    /// What was read.
    pub reading: Reading,
    /// The signs that gave an alarm.
    pub alarms: Vec<String>,
}

impl MonitorRow {
    fn line(&self) -> String {
        let r = &self.reading;
        let modes = r.modes.map_or(String::new(), |v| v.to_string());
        format!(
            "{},{},{},{},{modes},{},{},{},{},{}\n",
            r.step,
            r.recall,
            r.coverage,
            r.diversity,
            r.margin,
            r.gap,
            r.separation,
            r.memory,
            self.alarms.join("+")
        )
    }

    /// None for a line that was cut off.
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.split(',').collect();
        let [step, numbers @ .., alarms] = cells.as_slice() else { return None };
        let number = |i: usize| numbers.get(i)?.parse::<f64>().ok();
        let alarms = alarms.split('+').filter(|a| !a.is_empty()).map(String::from).collect();
        let reading = Reading {
            step: step.parse().ok()?,
            recall: number(0)?,
            coverage: number(1)?,
            diversity: number(2)?,
            modes: number(3),
            margin: number(4)?,
            gap: number(5)?,
            separation: number(6)?,
            memory: number(7)?,
        };
        Some(Self { reading, alarms })
    }
}

/// Reads a `monitor.csv`; a last line that was cut off is left out.
///
/// # Errors
/// When the file is missing, or a line is not a reading.
pub fn read_monitor(path: &Path) -> Result<Vec<MonitorRow>, TrainError> {
    let text = std::fs::read_to_string(path).map_err(FolderError::io(path, "read"))?;
    let lines = text.split_inclusive('\n').skip(1).filter(|l| l.ends_with('\n'));
    let parsed = lines.map(|line| {
        MonitorRow::parse(line.trim_end()).ok_or_else(|| {
            let message = format!("`{}` is not a reading", line.trim_end());
            TrainError::Folder(FolderError::Json { path: path.to_path_buf(), message })
        })
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written() {
        let reading = Reading {
            step: 12,
            recall: 1.0 / 3.0,
            coverage: 0.1,
            diversity: 1e-7,
            modes: None,
            margin: -3.25,
            gap: 0.0,
            separation: 0.9,
            memory: 0.5,
        };
        let row = MonitorRow { reading, alarms: vec!["recall".into(), "memory".into()] };
        let labelled = Reading { modes: Some(0.7), ..row.reading.clone() };
        let other = MonitorRow { reading: labelled, alarms: Vec::new() };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let text = format!("{HEADER}\n{}{}13,0.", row.line(), other.line());
        std::fs::write(&path, text).unwrap();
        assert_eq!(read_monitor(&path).unwrap(), [row, other]);
        std::fs::write(&path, format!("{HEADER}\n1,2\n")).unwrap();
        let error = read_monitor(&path).unwrap_err().to_string();
        assert!(error.contains("`1,2` is not a reading"), "{error}");
    }
}
