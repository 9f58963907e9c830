//! What families of two players share.

use pyrogen::core::{Batch, Describe, Examples, Watch};
use pyrogen::data::Prepared;
use pyrogen::train::{AdversarialLearner, CollapseMonitor, Learner, PlayersConfig, Trainer};

use super::gradient::{Save, check_data, fit};
use crate::error::CliError;
use crate::evaluation::features;
use crate::family::TrainJob;
use crate::session::host;

/// Trains two players under a collapse monitor. `check` is told the fewest examples that one thread
/// works on at once.
pub fn train<A>(
    job: TrainJob,
    model: A,
    save: Save<A>,
    check: impl FnOnce(usize) -> Result<(), CliError>,
) -> Result<(), CliError>
where
    A: Watch<Batch = Batch<2>> + Describe + Sync + 'static,
{
    check_data(&model, &job)?;
    let learner = AdversarialLearner::new(model, &job.train)?;
    let rows = job.train.batch_size.min(job.data.len());
    check(rows / learner.parts(rows).max(1))?;
    let (players, seed, device) =
        (job.train.players.clone().unwrap_or_default(), job.seed, job.device.clone());
    fit(job, learner, save, |trainer: Trainer<AdversarialLearner<A>>, train, held_out| {
        if players.monitor.every == 0 {
            return Ok(trainer);
        }
        let monitor = monitor(&players, train, held_out, seed, &device)?;
        Ok(trainer.callback(monitor))
    })
}

/// A monitor in the features that evaluations use, with the classes of labelled data.
fn monitor(
    players: &PlayersConfig,
    train: &Prepared<2>,
    held_out: &Prepared<2>,
    seed: pyrogen::core::Seed,
    device: &burn::tensor::Device,
) -> Result<CollapseMonitor<Batch<2>>, CliError> {
    let classes: Option<Vec<usize>> =
        held_out.data().labels().map(|l| l.iter().map(|&l| l as usize).collect());
    let (preparation, own) = (train.preparation().clone(), device.clone());
    let extract = move |batch: &Batch<2>| {
        let width = batch.x.dims()[1];
        features(&preparation, width, &own, &host(batch.x.clone()))
    };
    let mut config = players.monitor.clone();
    // Small data is watched by what there is of it.
    config.neighbours = config.neighbours.min(held_out.len().saturating_sub(1)).max(1);
    let classes = classes.as_deref();
    Ok(CollapseMonitor::new(&config, held_out, train, classes, seed, device, extract)?)
}
