//! The collapse monitor of a training.

use pyrogen_core::{Batch, Examples};
use pyrogen_data::{Data, Dataset, Prepared};
use pyrogen_evaluate::Embedding;
use pyrogen_metrics::MetricError;
use pyrogen_model::Error;
use pyrogen_model::train::Job;
use pyrogen_train::{CollapseMonitor, TrainError};

/// A monitor, or why the data cannot be watched.
pub(super) type Watch = Result<CollapseMonitor<Batch<2>>, MetricError>;

/// A monitor in the embedding that evaluations use, with the classes of labelled data; none where
/// the settings have none.
pub(super) fn monitor(
    job: &Job,
    train: &Prepared<2>,
    held_out: &Prepared<2>,
) -> Result<Option<Watch>, Error> {
    let players = job.plan.train.players.clone().unwrap_or_default();
    if players.monitor.every == 0 {
        return Ok(None);
    }
    let classes: Option<Vec<usize>> =
        held_out.data().labels().map(|l| l.iter().map(|&l| l as usize).collect());
    let embedding = Embedding::suited_to(&job.data, &job.device);
    let (preparation, layout) = (train.preparation().clone(), train.data().layout().clone());
    let extract = move |batch: &Batch<2>| {
        let prepared: Vec<f32> = batch.x.to_data().iter::<f32>().collect();
        let raw = preparation.inverse(&prepared);
        let rows = Dataset::from_rows(raw, None, layout.clone()).map_err(input_error)?;
        embedding.features(&Data::from_dataset(rows))
    };
    let mut config = players.monitor.clone();
    // Small data is watched by what there is of it.
    config.neighbours = config.neighbours.min(held_out.len().saturating_sub(1)).max(1);
    let classes = classes.as_deref();
    let monitor =
        CollapseMonitor::new(&config, held_out, train, classes, job.seed, &job.device, extract);
    Ok(Some(match monitor {
        Err(TrainError::Metric(reason)) => Err(reason),
        monitor => Ok(monitor?),
    }))
}

fn input_error(e: pyrogen_data::DataError) -> MetricError {
    MetricError::Option {
        metric: "monitor",
        option: "samples",
        expected: "finite numbers".into(),
        got: e.to_string(),
    }
}
