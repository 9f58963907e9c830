//! Arguments, training and run folders of the examples.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyrogen::core::{Adversarial, Examples, Objective};
use pyrogen::data::{Dataset, Source};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{
    AdversarialLearner, Decay, GradientConfig, GradientLearner, Learner, Limits, OptimizerConfig,
    ProgressMode, ScheduleConfig, TrainConfig, Trainer,
};

/// The data that the first argument of the program names, the embedded digits where there is
/// none; its name; and the remaining arguments.
///
/// # Errors
/// When the text names no source or the source cannot be read.
pub fn data_from_args() -> Result<(Dataset, String, Vec<String>), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let source: Source = args.next().unwrap_or("digits".into()).parse()?;
    Ok((source.load()?, source.to_string(), args.collect()))
}

/// `runs/NAME` below the current folder, made if it is not there.
///
/// # Errors
/// When the system refuses.
pub fn run_folder(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = Path::new("runs").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// So many random training examples, and a fifth of that number of the test part, where the data has
/// more.
///
/// # Errors
/// When `rows` is no number from 5 up.
pub fn at_most(data: &Dataset, rows: &str, seed: Seed) -> Result<Dataset, Box<dyn Error>> {
    let rows: usize = rows.parse()?;
    let some = |data: &Dataset, rows: usize| {
        let mut order = Noise::new(seed).fork("rows").permutation(data.len());
        order.truncate(rows);
        data.subset(&order)
    };
    if rows < 5 {
        return Err("ROWS must be 5 or more".into());
    }
    let train = some(data, rows);
    Ok(match data.test_part() {
        Some(test) => train.with_test_part(some(test, rows / 5))?,
        None => train,
    })
}

/// Writes `report.html` into a run folder and says where it is.
///
/// # Errors
/// When the system refuses.
pub fn save(report: &Report, folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("report.html");
    report.save(&path)?;
    println!("{}", path.display());
    Ok(())
}

/// Trains a model and gives it back; what the trainer writes is thrown away.
///
/// # Errors
/// When a value of the config cannot be used or a number is not finite.
pub fn fit<O, E>(model: O, data: E, config: TrainConfig, seed: Seed) -> Result<O, Box<dyn Error>>
where
    O: Objective + Send + Sync + 'static,
    E: Examples<Batch = O::Batch> + 'static,
{
    let learner = GradientLearner::new(model, &config)?;
    learn(learner, data, config, seed)
}

/// Trains two players, without a monitor, and gives them back; what the trainer writes is thrown away.
///
/// # Errors
/// As [`fit`].
pub fn play<A, E>(model: A, data: E, config: TrainConfig, seed: Seed) -> Result<A, Box<dyn Error>>
where
    A: Adversarial + Sync + 'static,
    A::Batch: 'static,
    E: Examples<Batch = A::Batch> + 'static,
{
    let learner = AdversarialLearner::new(model, &config)?;
    learn(learner, data, config, seed)
}

fn learn<L, E>(
    learner: L,
    data: E,
    config: TrainConfig,
    seed: Seed,
) -> Result<L::Model, Box<dyn Error>>
where
    L: Learner,
    L::Batch: 'static,
    E: Examples<Batch = L::Batch> + 'static,
{
    let folder = tempfile::tempdir()?;
    let trainer = Trainer::new(config, seed)?.progress(ProgressMode::Hidden);
    Ok(trainer.fit(learner, Arc::new(data), None, folder.path())?.learner.model())
}

/// Mean and standard deviation, with `n - 1` in the denominator (0 for one value).
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// How the examples of normalizing flows train: steps of 256 rows with a rate that falls.
pub fn flow_training(steps: u64) -> TrainConfig {
    TrainConfig {
        batch_size: 256,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 5e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 20 },
        gradient: GradientConfig { clip_norm: Some(5.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    }
}
