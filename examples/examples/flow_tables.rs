//! Normalizing flows of tables of numbers: test nats, seconds and memory.
//!
//! ```text
//! python benches/peers/flow_tables.py prepare FOLDER --magic keel_magic.csv --letter letter.dat --adult adult.csv
//! cargo run --release -p pyrogen-examples --example flow_tables FOLDER TABLE METHOD [STEPS [SEED]]
//! python benches/peers/flow_tables.py train FOLDER TABLE METHOD --steps STEPS --seed SEED
//! ```
//!
//! `FOLDER/TABLE` holds `train.npy`, `valid.npy` and `test.npy`, which the script writes once; METHOD is `maf` or
//! `nsf`, or another autoregressive or coupling flow. The script says what the numbers are, and trains a flow of the
//! same size on the same rows in PyTorch.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::TensorData;
use pyrogen::core::parallel::batches;
use pyrogen::data::{Dataset, Preparation, Prepared, Recipe, read_npy};
use pyrogen::flow::{FlowKind, NormalizingFlow, NormalizingFlowConfig};
use pyrogen::nn::{Activation, MlpConfig};
use pyrogen::prelude::*;
use pyrogen::train::{
    Decay, GradientConfig, GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode,
    ScheduleConfig, TrainConfig, Trainer, ValidationConfig,
};
use pyrogen_examples::runs;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, table, method, numbers @ ..] = &args[..] else {
        return Err("usage: flow_tables FOLDER TABLE METHOD [STEPS [SEED]]".into());
    };
    let number = |i: usize, otherwise: u64| numbers.get(i).map_or(Ok(otherwise), |n| n.parse());
    let (steps, seed) = (number(0, 4000)?, Seed(number(1, 1)?));
    run(&Path::new(folder).join(table), table, method, steps, seed)
}

/// Trains a flow on the table in `folder` and prints what it reaches.
pub fn run(
    folder: &Path,
    table: &str,
    method: &str,
    steps: u64,
    seed: Seed,
) -> Result<(), Box<dyn Error>> {
    let kinds = [FlowKind::maf(), FlowKind::nsf(), FlowKind::realnvp(), FlowKind::nice()];
    let known = kinds.into_iter().find(|kind| kind.method() == method);
    let flow =
        known.ok_or_else(|| format!("unknown method {method}: maf, nsf, realnvp or nice"))?;
    let [train, valid, test] = ["train", "valid", "test"].map(|part| read(folder, part));
    let (train, valid, test) = (train?, valid?, test?);
    let network = MlpConfig { hidden: vec![128, 128], activation: Activation::Silu };
    let event = vec![train.width()];
    let config = NormalizingFlowConfig { event, flow, layers: 5, network, ..Default::default() };
    let started = Instant::now();
    let (model, best, at) = fit(&config, train, valid, steps, seed)?;
    let seconds = started.elapsed().as_secs_f64();
    let nats = log_density(&model, &test);
    let (mean, spread) = runs::mean_and_deviation(&nats);
    let error = spread / (nats.len() as f64).sqrt();
    let memory = peak_memory().map_or("?".into(), |mb| format!("{mb:.0}"));
    let weights = model.num_params();
    println!(
        "pyrogen {table:7} {method:4} test {mean:9.4} ± {error:.4}  valid {best:9.4} at step {at}  \
         {seconds:6.0} s  {memory:>6} MB  {weights} weights"
    );
    Ok(())
}

/// A part of the table.
fn read(folder: &Path, part: &str) -> Result<Dataset, Box<dyn Error>> {
    let (values, shape) = read_npy(&folder.join(format!("{part}.npy")))?;
    let values = values.into_iter().map(|v| v as f32).collect();
    Ok(Dataset::from_parts(values, shape[1..].to_vec(), None)?)
}

/// The flow at its best validation, the nats of that, and its step.
fn fit(
    config: &NormalizingFlowConfig,
    train: Dataset,
    valid: Dataset,
    steps: u64,
    seed: Seed,
) -> Result<(NormalizingFlow, f64, u64), Box<dyn Error>> {
    let training = TrainConfig {
        batch_size: 512,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 100 },
        gradient: GradientConfig { clip_norm: Some(5.0), ..GradientConfig::default() },
        validation: ValidationConfig { every_epochs: 5, ..ValidationConfig::default() },
        checkpoint_every: steps,
        checkpoint_minutes: None,
        ..TrainConfig::default()
    };
    let raw = Preparation::fit(&Recipe::Raw, &train)?;
    let [train, valid] = [train, valid].map(|part| Prepared::<2>::new(part, raw.clone()));
    let learner = GradientLearner::new(config.init(seed, &Device::flex())?, &training)?;
    let folder = tempfile::tempdir()?;
    let trainer = Trainer::new(training, seed)?.progress(ProgressMode::Hidden);
    let data = (Arc::new(train?), Some(Arc::new(valid?)));
    let mut outcome = trainer.fit(learner, data.0, data.1, folder.path())?;
    outcome.restore_best()?;
    let (loss, at) = outcome.state.best.ok_or("no validation")?;
    Ok((outcome.learner.model(), -loss, at))
}

/// The log-density of each row, in nats.
fn log_density(flow: &NormalizingFlow, data: &Dataset) -> Vec<f64> {
    let width = data.width();
    let parts = batches(data.len(), 1000, &Device::flex(), |rows| {
        let part = data.values()[width * rows.start..width * rows.end].to_vec();
        let x = TensorData::new(part, [rows.len(), width]);
        let x = Tensor::<2>::from_data(x, &Device::flex());
        let given = flow.given(&Condition::none(), rows.len());
        given.log_prob(x).into_data().iter::<f64>().collect::<Vec<_>>()
    });
    parts.concat()
}

/// The largest resident size of this process in megabytes, where the system says it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
