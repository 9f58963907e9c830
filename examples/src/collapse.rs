//! Small GANs under the collapse monitor.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use pyrogen::core::{Batch, config};
use pyrogen::data::{Dataset, Holdout, Preparation, Prepared, Recipe, Split, Toy, digits};
use pyrogen::gan::{DcganConfig, GanConfig, MlpPair, Networks, Output, Penalty};
use pyrogen::metrics::{DigitsClassifier, FeatureExtractor, Features};
use pyrogen::nn::MlpConfig;
use pyrogen::prelude::*;
use pyrogen::train::{
    AdversarialLearner, CollapseMonitor, GradientConfig, Limits, MonitorConfig, MonitorRow,
    OptimizerConfig, PlayersConfig, ProgressMode, TrainConfig, Trainer, WorkerCount, read_monitor,
};
use serde_json::json;

/// One GAN: its data, and what differs from the defaults of this module.
#[derive(Debug, Clone)]
pub struct Run {
    /// `digits`, `digits:N` for the first `N` training digits, or the name of a toy.
    pub data: String,
    /// Settings, as `model.loss=hinge` or `train.optimizer.learning_rate=0.01`.
    pub set: Vec<String>,
    /// Seed of weights, order and noise.
    pub seed: u64,
}

/// Points of a toy that are trained on, and that are held out.
const POINTS: [usize; 2] = [10_000, 1_000];

/// The share of the digits that is held out.
const TEST: f64 = 0.2;

impl Run {
    /// Trains, and gives the monitor's readings.
    ///
    /// # Errors
    /// Settings that cannot be used, or a number that is not finite.
    pub fn readings(&self, folder: &Path) -> Result<Vec<MonitorRow>, Box<dyn Error>> {
        let (device, seed) = (Device::flex(), Seed(self.seed));
        let (train, test) = self.data()?;
        let (gan, training) = self.configs(&train)?;
        let classes: Option<Vec<usize>> =
            test.labels().map(|l| l.iter().map(|&l| l as usize).collect());
        let preparation = Preparation::fit(&Recipe::suited_to(&train), &train)?;
        let train = Arc::new(Prepared::<2>::new(train, preparation.clone())?);
        let test = Prepared::<2>::new(test, preparation)?;
        let learner = AdversarialLearner::new(gan.init(seed, &device)?, &training)?;
        let monitor = &training.players.as_ref().expect("two players").monitor;
        let monitor = CollapseMonitor::new(
            monitor,
            &test,
            train.as_ref(),
            classes.as_deref(),
            seed,
            &device,
            move |batch: &Batch<2>| features(batch.x.clone()),
        )?;
        Trainer::new(training, seed)?
            .progress(ProgressMode::Hidden)
            .callback(monitor.quiet(true))
            .fit(learner, train, None, folder)?;
        Ok(read_monitor(&folder.join("monitor.csv"))?)
    }

    /// Training and held-out examples.
    fn data(&self) -> Result<(Dataset, Dataset), Box<dyn Error>> {
        if let Some(rest) = self.data.strip_prefix("digits") {
            let Split { train, test } = digits().split(Holdout::Fraction(TEST), Seed(self.seed))?;
            let Some(rows) = rest.strip_prefix(':') else { return Ok((train, test)) };
            let rows: Vec<usize> = (0..rows.parse::<usize>()?.min(train.len())).collect();
            return Ok((train.subset(&rows), test));
        }
        let toy: Toy = self.data.parse()?;
        let noise = Noise::new(Seed(self.seed));
        let part = |n, label| toy.dataset(n, &mut noise.fork(label));
        Ok((part(POINTS[0], "train"), part(POINTS[1], "test")))
    }

    fn configs(&self, data: &Dataset) -> Result<(GanConfig, TrainConfig), Box<dyn Error>> {
        let pictures = data.layout().is_picture();
        let (gan, training) = if pictures { of_pictures() } else { of_points() };
        let mut configs =
            json!({"model": config::to_value(&gan), "train": config::to_value(&training)});
        for assignment in &self.set {
            config::set(&mut configs, assignment)?;
        }
        let model = config::from_value(configs["model"].take())?;
        Ok((model, config::from_value(configs["train"].take())?))
    }
}

/// A small convolutional model of the digits.
fn of_pictures() -> (GanConfig, TrainConfig) {
    let networks = Networks::Dcgan(DcganConfig { channels: vec![16, 32], norm: false });
    let gan = GanConfig { networks, latents: 16, ..GanConfig::default() };
    (gan, training(64, 1500, 1e-3, 1e-3))
}

/// Dense layers for points of the plane.
fn of_points() -> (GanConfig, TrainConfig) {
    let mut pair = MlpPair::default();
    for mlp in [&mut pair.generator, &mut pair.discriminator] {
        *mlp = MlpConfig { hidden: vec![64; 3], ..mlp.clone() };
    }
    let mut gan = GanConfig {
        event: vec![2],
        latents: 4,
        networks: Networks::Mlp(pair),
        output: Output::Real,
        ..GanConfig::default()
    };
    // The bends of a spectrally normalised network are too weak for small clusters.
    gan.regularise.spectral = false;
    gan.regularise.penalty = Some(Penalty::R1 { weight: 0.2 });
    (gan, training(128, 2000, 1e-3, 1e-3))
}

fn training(batch_size: usize, steps: u64, generator: f64, discriminator: f64) -> TrainConfig {
    let adam =
        |learning_rate| OptimizerConfig { learning_rate, beta1: 0.5, ..OptimizerConfig::default() };
    TrainConfig {
        batch_size,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: adam(generator),
        players: Some(PlayersConfig {
            discriminator: adam(discriminator),
            monitor: MonitorConfig { every: steps / 20, ..MonitorConfig::default() },
            ..PlayersConfig::default()
        }),
        gradient: GradientConfig {
            ema_decay: Some(0.99),
            workers: WorkerCount::Exactly(1),
            ..GradientConfig::default()
        },
        checkpoint_every: steps,
        ..TrainConfig::default()
    }
}

/// The digits classifier's features of pictures of 8x8, and points as they are.
fn features(x: Tensor<2>) -> Result<Features, pyrogen::metrics::MetricError> {
    let [rows, width] = x.dims();
    if width != 64 {
        return Features::from_tensor(x);
    }
    let pictures = x.clamp(0.0, 1.0).reshape([rows, 1, 8, 8]);
    DigitsClassifier::new(&pictures.device()).features(pictures)
}
