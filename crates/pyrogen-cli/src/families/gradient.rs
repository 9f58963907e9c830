//! What families that train by gradient descent on one objective share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen::core::folder::Card;
use pyrogen::core::{Batch, FolderError, Objective};
use pyrogen::data::Prepared;
use pyrogen::train::callback::CallbackError;
use pyrogen::train::{Callback, Control, Event, GradientLearner, Learner, Trainer};

use crate::error::CliError;
use crate::family::TrainJob;

/// How a model is written into a folder.
type Save<M> = fn(&M, &Path, &Card) -> Result<(), FolderError>;

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

/// Trains a model; with early stopping, the best state is what is saved.
pub fn train<O>(job: TrainJob, model: O, save: Save<O>) -> Result<(), CliError>
where
    O: Objective<Batch = Batch<2>> + 'static,
{
    let learner = GradientLearner::new(model, &job.train)?;
    let train = Arc::new(Prepared::<2>::new(job.data, job.preparation.clone())?);
    let validation = Arc::new(Prepared::<2>::new(job.validation, job.preparation)?);
    let folder = job.out.join("model");
    let export = Export { folder: folder.clone(), card: job.card.clone(), save };
    let best = job.train.validation.patience.is_some();
    let mut outcome = Trainer::new(job.train, job.seed)?.callback(export).fit(
        learner,
        train,
        Some(validation),
        job.out,
        job.record,
        job.resume,
    )?;
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
