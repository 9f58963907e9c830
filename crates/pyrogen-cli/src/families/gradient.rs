//! What families that train by gradient descent share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen::core::folder::Card;
use pyrogen::core::{Batch, ConfigError, Describe, Examples, FolderError, Objective};
use pyrogen::data::{Dataset, PictureContext, Preparation, Prepared};
use pyrogen::train::callback::CallbackError;
use pyrogen::train::{Callback, Control, Event, GradientLearner, Learner, Trainer};

use crate::error::CliError;
use crate::family::TrainJob;

/// How a model is written into a folder.
pub type Save<M> = fn(&M, &Path, &Card) -> Result<(), FolderError>;

/// Writes the model folder at every checkpoint, so that a run that was killed can be used.
struct Export<M> {
    folder: PathBuf,
    card: Card,
    save: Save<M>,
}

impl<L: Learner> Callback<L> for Export<L::Model> {
    fn on_checkpoint(&mut self, event: &Event, learner: &L) -> Result<Control, CallbackError> {
        self.card.steps = event.step;
        (self.save)(&learner.model(), &self.folder, &self.card)?;
        Ok(Control::Continue)
    }
}

/// Numbers that training keeps of each parameter: itself, its gradient and two moments.
const KEPT: usize = 4;

/// Refuses a model that cannot be, before the system ends the process for want of memory.
pub fn fits_memory(parameters: usize) -> Result<(), CliError> {
    let mut room: Vec<f32> = Vec::new();
    let found = room.try_reserve_exact(parameters.saturating_mul(KEPT));
    // Room that nobody looks at need not be asked for.
    std::hint::black_box(&room);
    found.map_err(|_| {
        CliError::Usage(format!(
            "the model would have {parameters} parameters, which do not fit into memory: \
             make it smaller"
        ))
    })
}

/// Checks that the data is what the model takes: the size of an example, and labels where it is
/// conditional.
pub fn check_data(model: &impl Describe, job: &TrainJob) -> Result<(), CliError> {
    let (event, expected) = (model.event_shape(), job.preparation.event_shape());
    if event.iter().product::<usize>() != expected.iter().product::<usize>() {
        let expected = format!("{expected:?} for this data");
        return Err(ConfigError::value("model.event", expected, format!("{event:?}")).into());
    }
    check_context(model, job)?;
    let Some(classes) = model.classes() else { return Ok(()) };
    for data in [&job.data, &job.validation] {
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
    Ok(())
}

/// Checks that the model is told what `--context` makes, and nothing without it.
fn check_context(model: &impl Describe, job: &TrainJob) -> Result<(), CliError> {
    let takes = model.context_shape();
    let (expected, made) = match job.context {
        None => ("null without --context".into(), None),
        Some(context) => {
            let shape = context.shape(&job.preparation.layout().event)?;
            (format!("{shape:?}, which --context {context} makes"), Some(shape))
        }
    };
    if takes == made {
        return Ok(());
    }
    let got = takes.map_or("null".into(), |shape| format!("{shape:?}"));
    Err(ConfigError::value("model.context", expected, got).into())
}

/// Data as training reads it, with what the model is told.
pub fn examples(
    data: Dataset,
    preparation: &Preparation,
    context: Option<PictureContext>,
) -> Result<Prepared<2>, CliError> {
    Ok(Prepared::new(data, preparation.clone())?.with_context(context)?)
}

/// Trains a model; with early stopping, the best state is what is saved.
pub fn train<O>(job: TrainJob, model: O, save: Save<O>) -> Result<(), CliError>
where
    O: Objective<Batch = Batch<2>> + Describe + 'static,
{
    check_data(&model, &job)?;
    let learner = GradientLearner::new(model, &job.train)?;
    fit(job, learner, save, |trainer, _, _| Ok(trainer))
}

/// Runs a learner, with what `watch` adds to the trainer for this training and validation data.
pub fn fit<L>(
    job: TrainJob,
    learner: L,
    save: Save<L::Model>,
    watch: impl FnOnce(Trainer<L>, &Prepared<2>, &Prepared<2>) -> Result<Trainer<L>, CliError>,
) -> Result<(), CliError>
where
    L: Learner<Batch = Batch<2>>,
    L::Model: 'static,
{
    let train = Arc::new(examples(job.data, &job.preparation, job.context)?);
    let validation = Arc::new(examples(job.validation, &job.preparation, job.context)?);
    let folder = job.out.join("model");
    let export = Export { folder: folder.clone(), card: job.card.clone(), save };
    let best = job.train.validation.patience.is_some();
    let steps = train.len().div_ceil(job.train.batch_size.max(1)) as u64;
    let steps = job.train.limits.total_steps(steps).unwrap_or(0);
    let trainer = Trainer::new(job.train, job.seed)?.record(job.record).resume(job.resume);
    let trainer = watch(trainer, &train, &validation)?;
    let trainer = if job.dashboard { with_dashboard(trainer, steps)? } else { trainer };
    let mut outcome = trainer.callback(export).fit(learner, train, Some(validation), job.out)?;
    let mut card = job.card;
    card.steps = outcome.state.step;
    if best
        && outcome.restore_best()?
        && let Some((_, step)) = outcome.state.best
    {
        card.steps = step;
    }
    Ok(save(&outcome.learner.model(), &folder, &card)?)
}

/// Plots in the place of the bar.
#[cfg(feature = "dashboard")]
fn with_dashboard<L: Learner<Batch = Batch<2>>>(
    trainer: Trainer<L>,
    steps: u64,
) -> Result<Trainer<L>, CliError> {
    use pyrogen::train::{ProgressMode, dashboard::Dashboard};

    let dashboard = Dashboard::new(usize::try_from(steps).unwrap_or(usize::MAX));
    Ok(trainer.progress(ProgressMode::Hidden).callback(dashboard))
}

/// Refuses.
#[cfg(not(feature = "dashboard"))]
fn with_dashboard<L: Learner<Batch = Batch<2>>>(
    _: Trainer<L>,
    _: u64,
) -> Result<Trainer<L>, CliError> {
    let what = "--dashboard is not in this build: build with --features dashboard";
    Err(CliError::Usage(what.into()))
}
