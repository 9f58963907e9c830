//! Twenty-five Gaussians on a grid: how many of them a GAN finds, and how closely.
//!
//! ```text
//! cargo run -p pyrogen-examples --example gan_modes
//! cargo run -p pyrogen-examples --example gan_modes -- 1 model.regularise.penalty=null
//! ```
//!
//! The first argument is the seed, the others change settings. A mode is found where it has at least 20
//! of 2,500 samples within three standard deviations of its middle (a fifth of its share); the good
//! samples are those within three standard deviations of any. A perfect model has 98.9 percent of them,
//! the mass of a normal law on the plane within three deviations.

use std::error::Error;
use std::sync::Arc;

use pyrogen::core::config;
use pyrogen::data::{Preparation, Prepared, Recipe, Toy};
use pyrogen::gan::{GanConfig, MlpPair, Networks, Output, Penalty, Regularisers};
use pyrogen::nn::{Activation, MlpConfig};
use pyrogen::prelude::*;
use pyrogen::train::{
    AdversarialLearner, Decay, GradientConfig, Learner, Limits, OptimizerConfig, PlayersConfig,
    ProgressMode, ScheduleConfig, TrainConfig, Trainer, WorkerCount,
};
use serde_json::json;

/// The grid's distances and standard deviation, as the toy has them.
const DISTANCE: f64 = 2.0;
const DEVIATION: f64 = 0.05;

const SAMPLES: usize = 2500;

/// Samples of a mode that is found.
const FEWEST: usize = 20;

/// Noise on what the discriminator sees, as wide as a quarter of the way from mode to mode and fading over
/// half of the steps: no mode is out of the generator's reach at the start. A weak penalty, since clusters this small want a steep discriminator; fast optimisers with a short
/// memory, the discriminator's twice as fast; and rates that fall to a hundredth, because what is left
/// of a rate at the end is how far samples are spread about their middles.
fn settings() -> (GanConfig, TrainConfig) {
    let layers = |activation| MlpConfig { hidden: vec![128, 128, 128], activation };
    let optimizer = |learning_rate| OptimizerConfig {
        learning_rate,
        beta1: 0.5,
        beta2: 0.99,
        ..OptimizerConfig::default()
    };
    let model = GanConfig {
        event: vec![2],
        latents: 2,
        networks: Networks::Mlp(MlpPair {
            generator: layers(Activation::Relu),
            discriminator: layers(Activation::LeakyRelu { slope: 0.2 }),
        }),
        output: Output::Real,
        regularise: Regularisers {
            spectral: false,
            penalty: Some(Penalty::R1 { weight: 0.002 }),
            instance_noise: 0.2,
            instance_noise_steps: 10_000,
            ..Regularisers::default()
        },
        ..GanConfig::default()
    };
    let train = TrainConfig {
        batch_size: 128,
        limits: Limits { epochs: None, steps: Some(20_000), minutes: None },
        optimizer: optimizer(2e-3),
        players: Some(PlayersConfig { discriminator: optimizer(4e-3), ..PlayersConfig::default() }),
        schedule: ScheduleConfig { decay: Decay::Cosine, ..ScheduleConfig::default() },
        gradient: GradientConfig {
            ema_decay: Some(0.995),
            // Small products: one thread is faster, and the numbers are the same everywhere.
            workers: WorkerCount::Exactly(1),
            ..GradientConfig::default()
        },
        checkpoint_every: 1_000_000,
        log_every: 100,
        ..TrainConfig::default()
    };
    (model, train)
}

/// How many samples are within three standard deviations of each middle, and how many of none.
fn count(points: &[f32]) -> ([usize; 25], usize) {
    let (mut modes, mut lost) = ([0; 25], 0);
    for p in points.chunks(2) {
        let place = |v: f32| (f64::from(v) / DISTANCE).round().clamp(-2.0, 2.0);
        let (i, j) = (place(p[0]), place(p[1]));
        let apart = (f64::from(p[0]) - i * DISTANCE).hypot(f64::from(p[1]) - j * DISTANCE);
        if apart <= 3.0 * DEVIATION {
            modes[((i + 2.0) * 5.0 + j + 2.0) as usize] += 1;
        } else {
            lost += 1;
        }
    }
    (modes, lost)
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seed = Seed(arguments.next().map_or(Ok(1), |text| text.parse())?);
    let (model, train) = settings();
    let mut json = json!({"model": config::to_value(&model), "train": config::to_value(&train)});
    for change in arguments {
        config::set(&mut json, &change)?;
    }
    let model: GanConfig = config::from_value(json["model"].take())?;
    let train: TrainConfig = config::from_value(json["train"].take())?;

    let data = Toy::GaussianGrid.dataset(50_000, &mut Noise::new(seed).fork("data"));
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let examples: Prepared<2> = Prepared::new(data, preparation.clone())?;
    let learner = AdversarialLearner::new(model.init(seed, &Device::flex())?, &train)?;
    let folder = tempfile::tempdir()?;
    let trainer = Trainer::new(train, seed)?.progress(ProgressMode::Hidden);
    let started = std::time::Instant::now();
    let gan = trainer.fit(learner, Arc::new(examples), None, folder.path())?.learner.model();
    println!("trained in {:.0} s", started.elapsed().as_secs_f64());

    let mut noise = Noise::new(seed).fork("samples");
    let samples: Tensor<2> = gan.sample(SAMPLES, &SampleOptions::default(), &mut noise)?;
    let prepared: Vec<f32> = samples.into_data().iter().collect();
    let (modes, lost) = count(&preparation.inverse(&prepared));
    for row in modes.chunks(5) {
        println!("{}", row.iter().map(|n| format!("{n:5}")).collect::<String>());
    }
    let found = modes.iter().filter(|&&n| n >= FEWEST).count();
    let good = 100.0 * (1.0 - lost as f64 / SAMPLES as f64);
    println!("{found} of 25 modes, {good:.1} percent of {SAMPLES} samples within three deviations");
    Ok(())
}
