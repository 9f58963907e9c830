//! Moves in the latent space of a GAN, which has no encoder: held-out digits get their latents by
//! inversion, and attributes come from generated digits that a classifier has read.
//!
//! ```text
//! cargo run -p pyrogen-examples --example gan_latents [STEPS]
//! ```
//!
//! Inversion looks for the latents whose digit comes nearest to a given one (`Gan::invert`; `Encode` of
//! a GAN is the same from one start). It takes hundreds of gradient steps for each digit, so attributes
//! are learnt from samples, whose latents are known and whose labels the digits classifier of
//! `pyrogen-metrics` reads. The moves are those of `latent_arithmetic`, by the same code: a model that
//! implements `Decode` is all it asks for.
//!
//! Writes into `runs/gan-latents`: `inverted.png` (held-out digits, below each what inversion found),
//! `morphs.png`, `classes.png`, `leaning.png` and a report.

use std::error::Error;
use std::path::Path;

use pyrogen::core::latent::Interpolation;
use pyrogen::gan::{DcganConfig, Gan, GanConfig, InvertOptions, Networks};
use pyrogen::metrics::{DigitsClassifier, Restored, psnr};
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{
    GradientConfig, Limits, OptimizerConfig, PlayersConfig, TrainConfig, WorkerCount,
};
use pyrogen_examples::moves::Space;
use pyrogen_examples::pictures::{show, values};
use pyrogen_examples::{Labelled, halves, runs, whole};

const SEED: Seed = Seed(1);

/// Generated digits that attributes are learnt from.
const SAMPLES: usize = 2000;

/// Held-out digits that are shown beside what inversion found.
const SHOWN: usize = 16;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(2000), |s| s.parse())?;
    run(steps, &runs::run_folder("gan-latents")?)
}

/// Trains for so many steps.
pub fn run(steps: u64, out: &Path) -> Result<(), Box<dyn Error>> {
    let [train, test] = halves(SEED)?;
    let test = whole(&test);
    let config = GanConfig {
        latents: 16,
        networks: Networks::Dcgan(DcganConfig { channels: vec![32, 64], norm: false }),
        ..GanConfig::default()
    };
    let model = runs::play(config.init(SEED, &Device::flex())?, train, training(steps), SEED)?;
    let (train, z_train) = sampled(&model)?;
    let mut report = Report::new("Moves in the latent space of a GAN");
    let z_test = inverted(&model, &test, out, &mut report)?;
    // Draws of the prior lie near a sphere, and so should what is between them.
    let path = Interpolation::Spherical;
    Space { model, train, test, z_train, z_test, path }.moves(out, &mut report)?;
    runs::save(&report, out)
}

/// Generated digits with what a classifier reads, and their latents.
fn sampled(model: &Gan) -> Result<(Labelled, Tensor<2>), Box<dyn Error>> {
    let device = model.device();
    let z = Noise::new(SEED).fork("samples").normal([SAMPLES, model.config().latents], &device);
    let x: Tensor<4> = model.decode(z.clone(), &Condition::none())?;
    let labels = DigitsClassifier::new(&device).classify(x.clone())?;
    Ok((Labelled { x, labels }, z))
}

/// The latents of real digits.
fn inverted(
    model: &Gan,
    real: &Labelled,
    out: &Path,
    report: &mut Report,
) -> Result<Tensor<2>, Box<dyn Error>> {
    // The best of two: a descent from one start may end in the valley of another digit.
    let options = InvertOptions { starts: 2, ..InvertOptions::default() };
    let x: Tensor<2> = real.x.clone().flatten(1, 3);
    let mut noise = Noise::new(SEED).fork("starts");
    let z = model.invert(x, &Condition::none(), &options, &mut noise).latents;
    let found: Tensor<4> = model.decode(z.clone(), &Condition::none())?;
    let read = DigitsClassifier::new(&model.device()).classify(found.clone())?;
    let right = read.iter().zip(&real.labels).filter(|(a, b)| a == b).count();
    let n = read.len();
    let (original, found) = (values(real.x.clone()), values(found));
    let near = psnr(&Restored::new(&original, &found, [n, 1, 8, 8], 1.0)?).mean();
    let line = format!(
        "inversion of {n} held-out digits: PSNR {near:.2} dB, {:.1} % read as what they are",
        100.0 * right as f64 / n as f64
    );
    println!("{line}");
    report.text(&line);
    let first = |pictures: &[f32]| pictures[..SHOWN * 64].to_vec();
    let both = [first(&original), first(&found)].concat();
    show(&out.join("inverted.png"), report, &both, SHOWN, "Held-out digits; what inversion found")?;
    Ok(z)
}

/// The discriminator at twice the generator's rate.
fn training(steps: u64) -> TrainConfig {
    let adam =
        |learning_rate| OptimizerConfig { learning_rate, beta1: 0.5, ..OptimizerConfig::default() };
    TrainConfig {
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: adam(5e-4),
        players: Some(PlayersConfig { discriminator: adam(1e-3), ..PlayersConfig::default() }),
        gradient: GradientConfig {
            ema_decay: Some(0.995),
            // The numbers are the same on every machine.
            workers: WorkerCount::Exactly(1),
            ..GradientConfig::default()
        },
        checkpoint_every: steps,
        ..TrainConfig::default()
    }
}
