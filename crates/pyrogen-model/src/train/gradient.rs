//! What families that train on batches of float events share.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen_core::folder::Card;
use pyrogen_core::{
    Batch, ConfigError, Describe, Examples, FolderError, Noise, NumericalError, Objective,
};
use pyrogen_data::{Data, Dataset, Preparation, Prepared, RawRows};
use pyrogen_train::callback::CallbackError;
use pyrogen_train::{
    Callback, Control as Answer, Event, GradientLearner, Learner, ProgressMode, RunFolder,
    StopReason, Trainer,
};

use super::observer::{Event as Seen, Watch};
use super::{Job, Observer, try_untrained};
use crate::{Error, ErrorKind};

/// How a model is written into a folder.
pub type Save<M> = fn(&M, &Path, &Card) -> Result<(), FolderError>;

/// Writes the model folder at every checkpoint, so that a run that was killed can be used.
struct Export<M> {
    folder: PathBuf,
    card: Card,
    save: Save<M>,
}

impl<L: Learner> Callback<L> for Export<L::Model> {
    fn on_checkpoint(&mut self, event: &Event, learner: &L) -> Result<Answer, CallbackError> {
        event.folder.check()?;
        self.card.steps = event.step;
        (self.save)(&learner.model(), &self.folder, &self.card)?;
        Ok(Answer::Continue)
    }
}

/// Numbers that training keeps of each parameter: itself, its gradient and two moments.
const KEPT: usize = 4;

/// Refuses a model that cannot be, before the system ends the process for want of memory.
///
/// # Errors
/// A model that does not fit.
pub fn fits_memory(parameters: usize) -> Result<(), Error> {
    let mut room: Vec<f32> = Vec::new();
    let found = room.try_reserve_exact(parameters.saturating_mul(KEPT));
    // Room that nobody looks at need not be asked for.
    std::hint::black_box(&room);
    found.map_err(|_| {
        Error::Wish(format!(
            "the model would have {parameters} parameters, which do not fit into memory: \
             make it smaller"
        ))
    })
}

/// Checks that the data is what the model takes: the size of an example, and labels where it is
/// conditional.
///
/// # Errors
/// Where it is not.
pub fn check_data(model: &impl Describe, job: &Job) -> Result<(), Error> {
    let preparation = preparation(job)?;
    let (event, expected) = (model.event_shape(), preparation.event_shape());
    if event.iter().product::<usize>() != expected.iter().product::<usize>() {
        let expected = format!("{expected:?} for this data");
        return Err(ConfigError::value("model.event", expected, format!("{event:?}")).into());
    }
    check_context(model, job, preparation)?;
    let Some(classes) = model.classes() else { return Ok(()) };
    for data in [Some(&job.data), job.validation.as_ref()].into_iter().flatten() {
        let labels = data.labels().ok_or_else(|| {
            let got = format!("{classes}, and the data has no labels");
            ConfigError::value("model.classes", "null", got)
        })?;
        let used = labels.iter().max().map_or(0, |&l| l as usize + 1);
        if used > classes {
            let expected = format!("at least {used}, the classes of the data");
            return Err(ConfigError::value("model.classes", expected, classes).into());
        }
    }
    if classes > job.classes && job.from.is_none() {
        // A class without examples would be drawn, and nobody could say what it is.
        let expected = format!("at most {}, the classes of the data", job.classes);
        return Err(ConfigError::value("model.classes", expected, classes).into());
    }
    Ok(())
}

/// Checks that the model takes the context that is made, and none where none is made.
fn check_context(model: &impl Describe, job: &Job, preparation: &Preparation) -> Result<(), Error> {
    let takes = model.context_shape();
    let (expected, made) = match job.context {
        None => ("null without a context".into(), None),
        Some(context) => {
            let shape = context.shape(&preparation.layout().event)?;
            (format!("{shape:?}, which the context {context} makes"), Some(shape))
        }
    };
    if takes == made {
        return Ok(());
    }
    let got = takes.map_or("null".into(), |shape| format!("{shape:?}"));
    Err(ConfigError::value("model.context", expected, got).into())
}

fn preparation<'a>(job: &'a Job) -> Result<&'a Preparation, Error> {
    let missing = || Error::Wish("the plan has no preparation of the data".into());
    job.plan.preparation.as_ref().ok_or_else(missing)
}

/// Data as rows of numbers, all of them in memory; see [`raw_rows`].
///
/// # Errors
/// Data of a modality that is no rows of numbers.
pub fn rows_of(data: &Data) -> Result<Cow<'_, Dataset>, Error> {
    data.dataset().ok_or_else(|| no_rows(data))
}

/// Data as rows of numbers that are read a few at a time: what does not fit into memory stays where it
/// is.
///
/// # Errors
/// Data of a modality that is no rows of numbers.
pub fn raw_rows(data: &Data) -> Result<&dyn RawRows, Error> {
    data.raw_rows().ok_or_else(|| no_rows(data))
}

fn no_rows(data: &Data) -> Error {
    Error::Wish(format!("the model learns rows of numbers, not {}", data.modality()))
}

/// Data as training reads it.
///
/// # Errors
/// Data that the preparation cannot prepare.
pub fn examples(data: &Data, job: &Job) -> Result<Prepared<2>, Error> {
    raw_rows(data)?;
    let prepared = Prepared::of(data, preparation(job)?.clone())?;
    Ok(prepared.with_context(job.context)?)
}

/// The training part as training reads it: with the weights of its rows, changed as the settings say.
///
/// # Errors
/// As [`examples`]; changes that the data does not have.
pub fn training_examples(job: &Job) -> Result<Prepared<2>, Error> {
    let prepared =
        examples(&job.data, job)?.with_weights(job.data.weights().map(<[f64]>::to_vec))?;
    let augment = job.plan.train.augment;
    augment.check(prepared.data().layout())?;
    Ok(prepared.with_augment(augment)?)
}

/// Training examples that a new model looks at before training.
const START: usize = 512;

/// Some training examples in random order, at least so many where there are, for starting values.
///
/// # Errors
/// As [`examples`].
pub fn start_batch(job: &Job, at_least: usize) -> Result<(Batch<2>, Noise), Error> {
    let mut noise = Noise::new(job.seed).fork("start");
    let mut rows = noise.permutation(job.data.len());
    rows.truncate(START.max(at_least));
    let data = examples(&job.data.select(&rows), job)?;
    let rows: Vec<usize> = (0..rows.len()).collect();
    let batch = data.batch(&rows, &mut noise, &job.device);
    Ok((batch, noise))
}

/// Trains a model of one objective; with early stopping, the best state is what is saved.
///
/// # Errors
/// As [`Train::run`](super::Train::run).
pub fn fit_gradient<O>(job: Job, model: O, save: Save<O>) -> Result<RunFolder, Error>
where
    O: Objective<Batch = Batch<2>> + Describe + 'static,
{
    check_data(&model, &job)?;
    try_untrained(&job, &model, save)?;
    let learner = GradientLearner::new(model, &job.plan.train)?;
    let train = Arc::new(training_examples(&job)?);
    let validation = job.validation.as_ref().map(|v| examples(v, &job)).transpose()?;
    fit(job, learner, train, validation.map(Arc::new), save, |trainer| Ok(trainer))
}

/// Runs a learner on examples, with what `watch` adds to the trainer. The learner's model is written
/// at every checkpoint and at the end.
///
/// # Errors
/// As [`Train::run`](super::Train::run).
pub fn fit<L, E>(
    job: Job,
    learner: L,
    train: Arc<E>,
    validation: Option<Arc<E>>,
    save: Save<L::Model>,
    watch: impl for<'t> FnOnce(Trainer<'t, L>) -> Result<Trainer<'t, L>, Error>,
) -> Result<RunFolder, Error>
where
    L: Learner,
    L::Batch: 'static,
    L::Model: 'static,
    E: Examples<Batch = L::Batch> + 'static,
{
    let Job { plan, seed, out, existing, record, card, observer, control, dashboard, .. } = job;
    let folder = out.join("model");
    let export = Export { folder: folder.clone(), card: card.clone(), save };
    let best = plan.train.validation.patience.is_some();
    let total = plan.total_steps().unwrap_or(0);
    let mut ended = Ended::default();
    let outcome = {
        let watcher = Watch { observer: &mut *observer, control: control.clone() };
        let trainer = Trainer::new(plan.train, seed)?
            .record(record)
            .existing(existing)
            .progress(ProgressMode::Hidden);
        let trainer = watch(trainer)?;
        let trainer = if dashboard { with_dashboard(trainer, total)? } else { trainer };
        // The observer sees a checkpoint when the model is written, too.
        let trainer = trainer.callback(export).callback(watcher);
        trainer.fit(learner, train, validation, out)
    };
    let mut outcome = outcome.map_err(named)?;
    ended.step = outcome.state.step;
    let mut card = card;
    card.steps = outcome.state.step;
    if best
        && outcome.restore_best()?
        && let Some((_, step)) = outcome.state.best
    {
        card.steps = step;
    }
    outcome.folder.check()?;
    save(&outcome.learner.model(), &folder, &card)?;
    tell_end(observer, ended.step, outcome.reason);
    if control.is_cancelled() {
        return Err(Error::Cancelled);
    }
    Ok(outcome.folder)
}

#[derive(Default)]
struct Ended {
    step: u64,
}

fn tell_end(observer: &mut dyn Observer, step: u64, reason: StopReason) {
    observer.on(&Seen::Ended { step, reason });
}

/// An error of training in the door's terms.
fn named(error: pyrogen_train::TrainError) -> Error {
    match error {
        pyrogen_train::TrainError::Callback(e) => match e.downcast::<FolderError>() {
            Ok(e) => Error::Folder(*e),
            Err(e) => match e.downcast::<NumericalError>() {
                Ok(e) => Error::Numerical(*e),
                Err(e) => match e.downcast::<Error>() {
                    Ok(e) => *e,
                    Err(e) => Error::other(ErrorKind::Folder, e),
                },
            },
        },
        e => e.into(),
    }
}

/// Plots in the place of a bar.
#[cfg(feature = "dashboard")]
fn with_dashboard<L: Learner>(trainer: Trainer<L>, steps: u64) -> Result<Trainer<L>, Error>
where
    L::Batch: 'static,
{
    use pyrogen_train::dashboard::Dashboard;

    Ok(trainer.callback(Dashboard::new(usize::try_from(steps).unwrap_or(usize::MAX))))
}

/// Refuses.
#[cfg(not(feature = "dashboard"))]
fn with_dashboard<L: Learner>(_: Trainer<L>, _: u64) -> Result<Trainer<L>, Error> {
    let what = "the dashboard is not in this build: build with --features dashboard";
    Err(Error::Wish(what.into()))
}
