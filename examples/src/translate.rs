//! What the examples of GANs share that are conditioned on a picture: pairs of pictures, two players trained on
//! them, and how near and how sharp what they make is.

use std::error::Error;
use std::time::Instant;

use pyrogen::core::{Batch, Examples};
use pyrogen::data::{Dataset, Holdout, PictureContext, Preparation, Prepared, Recipe, Split};
use pyrogen::gan::{Gan, GanConfig, Networks, Regularisers, UnetConfig};
use pyrogen::metrics::{Restored, psnr, ssim};
use pyrogen::prelude::*;
use pyrogen::train::{
    Anneal, Decay, GradientConfig, Limits, OptimizerConfig, PlayersConfig, ScheduleConfig,
    TrainConfig, WorkerCount,
};

use crate::restore::host;
use crate::runs;

/// Held-out pictures that are used at most.
const HELD_OUT: usize = 360;

/// The seed of split, weights and training.
const SEED: Seed = Seed(1);

/// Pictures with their conditions.
#[derive(Debug)]
pub struct Pairs {
    train: Prepared<2>,
    /// Held-out pictures, flat, from 0 to 1, and their conditions.
    pub test: Batch<2>,
    /// The context.
    pub context: PictureContext,
    /// Shape of a picture.
    pub event: [usize; 3],
}

/// What a generator is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Game {
    /// Weight of the discriminator's opinion.
    pub adversarial: f64,
    /// Weight of the distance from the original.
    pub reconstruction: f64,
    /// Weight of mode seeking.
    pub diversity: f64,
    /// Steps of each player.
    pub steps: u64,
}

/// How near pictures are to their originals, and how sharp.
#[derive(Debug, Clone, Copy)]
pub struct Scores {
    /// Peak signal-to-noise ratio, the mean over the pictures, in decibels.
    pub psnr: f64,
    /// Structural similarity, the mean over the pictures.
    pub ssim: f64,
    /// The mean length of the gradient, in per cent of the originals'.
    pub edges: f64,
}

impl Pairs {
    /// Splits the data and makes the contexts.
    ///
    /// # Errors
    /// When the data are no pictures, or the context cannot be made from them.
    pub fn new(data: &Dataset, context: PictureContext) -> Result<Self, Box<dyn Error>> {
        let Split { train, test } = data.split(Holdout::Fraction(0.2), SEED)?;
        let event = data.event_shape().try_into().map_err(|_| "the data are no pictures")?;
        let preparation = Preparation::fit(&Recipe::Unit, &train)?;
        let with_context = |part| -> Result<Prepared<2>, Box<dyn Error>> {
            Ok(Prepared::new(part, preparation.clone())?.with_context(Some(context))?)
        };
        let (train, test) = (with_context(train)?, with_context(test)?);
        let rows: Vec<usize> = (0..test.len().min(HELD_OUT)).collect();
        let mut noise = Noise::new(SEED).fork("test");
        let test = test.batch(&rows, &mut noise, &Device::flex());
        Ok(Self { train, test, context, event })
    }

    /// Number of held-out pictures.
    pub fn held_out(&self) -> usize {
        self.test.x.dims()[0]
    }

    /// Trains a U-Net against patches, and says how long it took.
    ///
    /// # Errors
    /// When training fails.
    pub fn train(&self, name: &str, game: Game) -> Result<Gan, Box<dyn Error>> {
        let judged = game.adversarial > 0.0;
        let config = GanConfig {
            event: self.event.to_vec(),
            context: Some(self.context.shape(&self.event)?),
            latents: 8,
            networks: Networks::Unet(UnetConfig {
                channels: vec![32, 64],
                // Where nobody asks it, the discriminator need not see much.
                patches: if judged { vec![32, 64] } else { vec![1] },
            }),
            regularise: Regularisers {
                reconstruction: game.reconstruction,
                diversity: game.diversity,
                ..Regularisers::default()
            },
            ..GanConfig::default()
        };
        let started = Instant::now();
        let model = config.init(SEED, &Device::flex())?;
        let model = runs::play(model, self.train.clone(), training(game), SEED)?;
        println!("{name}: trained in {:.0} s", started.elapsed().as_secs_f64());
        Ok(model)
    }

    /// What a model makes of each held-out picture's context, from 0 to 1.
    ///
    /// # Errors
    /// When the model fails.
    pub fn made(&self, model: &Gan, noise: &mut Noise) -> Result<Tensor<2>, ModelError> {
        let condition = self.test.condition().with_labels(None);
        let options = SampleOptions { condition, ..SampleOptions::default() };
        model.sample(self.held_out(), &options, noise)
    }

    /// Scores of as many pictures as there are held-out ones.
    ///
    /// # Errors
    /// When they are not as many.
    pub fn scores(&self, pictures: &[f32]) -> Result<Scores, Box<dyn Error>> {
        let original = host(&self.test.x);
        let pairs = Restored::new(&original, pictures, self.shape(), 1.0)?;
        let edges = |pictures: &[f32]| -> Result<f64, Box<dyn Error>> {
            let edges = PictureContext::Edges.of_pictures(pictures, &self.event)?;
            Ok(edges.iter().map(|v| f64::from(*v)).sum())
        };
        Ok(Scores {
            psnr: psnr(&pairs).mean(),
            ssim: ssim(&pairs)?.mean(),
            edges: 100.0 * edges(pictures)? / edges(&original)?,
        })
    }

    /// The peak signal-to-noise ratio of each picture.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn psnr(&self, pictures: &[f32]) -> Result<Vec<f64>, Box<dyn Error>> {
        let original = host(&self.test.x);
        Ok(psnr(&Restored::new(&original, pictures, self.shape(), 1.0)?).pictures)
    }

    fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.event;
        [self.held_out(), channels, height, width]
    }

    /// How far the contexts of pictures are from those of the held-out ones, in brightness.
    ///
    /// # Errors
    /// When they are not as many.
    pub fn context_gap(&self, pictures: &[f32]) -> Result<f64, Box<dyn Error>> {
        let context = self.test.context.as_ref().map(host).unwrap_or_default();
        Ok(distance(&self.context.of_pictures(pictures, &self.event)?, &context))
    }
}

/// The mean absolute difference.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum();
    sum / a.len() as f64
}

impl Scores {
    /// The names of [`cells`](Self::cells).
    pub const NAMES: [&'static str; 3] = ["PSNR, dB", "SSIM", "edges, %"];

    /// The numbers as text.
    pub fn cells(&self) -> [String; 3] {
        [format!("{:.2}", self.psnr), format!("{:.3}", self.ssim), format!("{:.0}", self.edges)]
    }
}

/// Both players at the same rate, which falls to nothing.
fn training(game: Game) -> TrainConfig {
    let adam = OptimizerConfig { learning_rate: 1e-3, beta1: 0.5, ..OptimizerConfig::default() };
    // The discriminator's weight is a schedule that stays where it is.
    let adversarial = Anneal {
        term: "generator.adversarial".into(),
        from: game.adversarial,
        to: game.adversarial,
        ..Anneal::default()
    };
    TrainConfig {
        batch_size: 32,
        limits: Limits { epochs: None, steps: Some(game.steps), minutes: None },
        optimizer: adam.clone(),
        players: Some(PlayersConfig { discriminator: adam, ..PlayersConfig::default() }),
        schedule: ScheduleConfig { decay: Decay::Cosine, ..ScheduleConfig::default() },
        gradient: GradientConfig {
            ema_decay: Some(0.99),
            // The numbers are the same on every machine.
            workers: WorkerCount::Exactly(1),
            ..GradientConfig::default()
        },
        anneal: vec![adversarial],
        checkpoint_every: game.steps,
        ..TrainConfig::default()
    }
}

/// Rows of a table, which are printed, too.
#[derive(Debug, Default)]
pub struct Rows(Vec<Vec<String>>);

impl Rows {
    /// Adds a row.
    pub fn add(&mut self, name: &str, cells: &[String]) {
        let printed: Vec<String> = cells.iter().map(|c| format!("{c:>11}")).collect();
        println!("{name:34}{}", printed.concat());
        self.0.push([vec![name.to_string()], cells.to_vec()].concat());
    }

    /// The rows.
    pub fn all(&self) -> &[Vec<String>] {
        &self.0
    }
}
