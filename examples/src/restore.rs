//! What the examples of restoration share: a model of clean digits conditioned on a damaged one.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::TensorData;
use pyrogen::core::folder::Card;
use pyrogen::core::{Batch, Examples};
use pyrogen::data::{
    Holdout, Preparation, Prepared, Recipe, Split, WithContext, digits, grid_png, grid_png_file,
};
use pyrogen::metrics::decibels;
use pyrogen::prelude::*;
use pyrogen::train::report::Report;
use pyrogen::train::{
    Anneal, GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, TrainConfig, Trainer,
};
use pyrogen::vae::{Decoder, Scale};

/// Height and width of the digits.
pub const SIDE: usize = 8;

/// Passes over the training digits.
const EPOCHS: u64 = 40;

/// The decoder's standard deviation: about what a restoration may err by.
const SCALE: f64 = 0.2;

/// Steps over which the divergence's weight rises.
const WARM_UP: u64 = 600;

/// Latent draws whose decodings are averaged.
const DRAWS: usize = 32;

/// How a picture is damaged: `[batch, 64]` to the condition, `[batch, channels * 64]`.
pub type Damage = fn(&Tensor<2>, &mut Noise) -> Tensor<2>;

/// A trained model, and held-out digits to try it on.
#[derive(Debug)]
pub struct Restorer {
    /// The model.
    pub model: Vae,
    /// Held-out digits, `[n, 64]`.
    pub clean: Tensor<2>,
    /// Their conditions.
    pub context: Tensor<2>,
    /// The mean of the training digits, `[1, 64]`.
    pub mean: Tensor<2>,
}

/// Trains a conditional VAE in a run folder, of a condition of `channels` channels; a run that is there
/// already is used.
///
/// # Errors
/// When the folder holds another run or cannot be written.
pub fn train(folder: &Path, channels: usize, damage: Damage) -> Result<Restorer, Box<dyn Error>> {
    let (seed, device) = (Seed(1), Device::flex());
    let Split { train, test } = digits().split(Holdout::Fraction(0.2), seed)?;
    let preparation = Preparation::fit(&Recipe::Unit, &train)?;
    let data = train.card("digits", &preparation);
    let train = Prepared::<2>::new(train, preparation.clone())?;
    let test = WithContext::new(Prepared::<2>::new(test, preparation)?, damage);
    let all = |n: usize| (0..n).collect::<Vec<usize>>();
    let noise = Noise::new(seed);
    let mean = train.batch(&all(train.len()), &mut noise.fork("train"), &device).x.mean_dim(0);
    let Batch { x: clean, context, .. } =
        test.batch(&all(test.len()), &mut noise.fork("test"), &device);

    let config = VaeConfig {
        latents: 8,
        context: Some(vec![channels, SIDE, SIDE]),
        // Squared error: a scale for each pixel would be paid for copying known pixels ever more
        // exactly, and what is missing would count for nothing beside it.
        decoder: Decoder::Gaussian { scale: Scale::Fixed(SCALE) },
        ..VaeConfig::default()
    };
    let training = TrainConfig {
        limits: Limits { epochs: Some(EPOCHS), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        // A decoder that sees the rest learns to do without latents before they say anything.
        anneal: vec![Anneal { steps: WARM_UP, ..Anneal::default() }],
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(config.init(seed, &device)?, &training)?;
    let outcome = Trainer::new(training, seed)?
        .progress(ProgressMode::Hidden)
        .record(serde_json::json!({"family": "vae", "data": "digits", "model": config}))
        .resume(true)
        .fit(learner, Arc::new(WithContext::new(train, damage)), None, folder)?;
    let model = outcome.learner.model();
    let card = Card { steps: outcome.state.step, data, ..Card::new(pyrogen::vae::FAMILY, seed) };
    model.save(&folder.join("model"), &card)?;
    Ok(Restorer { model, clean, context: context.expect("made by WithContext"), mean })
}

impl Restorer {
    /// One restoration of each picture: the decoder's mean at a draw from the prior.
    ///
    /// # Errors
    /// When the model fails.
    pub fn draw(&self, noise: &mut Noise) -> Result<Tensor<2>, ModelError> {
        let condition = Condition::context(self.context.clone());
        let options = SampleOptions { condition, ..SampleOptions::default() };
        self.model.sample(self.clean.dims()[0], &options, noise)
    }

    /// The mean of many restorations, which errs least in the square.
    ///
    /// # Errors
    /// When the model fails.
    pub fn restore(&self, noise: &mut Noise) -> Result<Tensor<2>, ModelError> {
        let mut sum = self.draw(noise)?;
        for _ in 1..DRAWS {
            sum = sum + self.draw(noise)?;
        }
        Ok(sum / DRAWS as f64)
    }

    /// Rows of pictures, one a method, of the first so many digits: `runs/NAME/restored.png`, and
    /// in the report with the numbers.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn report(
        &self,
        folder: &Path,
        title: &str,
        table: &[(String, f64)],
        rows: &[(&str, &Tensor<2>)],
    ) -> Result<(), Box<dyn Error>> {
        const COLUMNS: usize = 16;
        let mut pictures: Vec<f32> = Vec::new();
        for (_, row) in rows {
            pictures.extend(host(&(*row).clone().slice(0..COLUMNS).clamp(0.0, 1.0)));
        }
        let (n, event) = (rows.len() * COLUMNS, [1, SIDE, SIDE]);
        grid_png_file(&folder.join("restored.png"), &pictures, n, &event, COLUMNS, 0)?;
        let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        let cells: Vec<Vec<String>> =
            table.iter().map(|(name, psnr)| vec![name.clone(), format!("{psnr:.2}")]).collect();
        let mut report = Report::new(title);
        report
            .text(&format!("{} held-out digits; PSNR of all their pixels.", self.clean.dims()[0]))
            .table(&["method", "PSNR in dB"], &cells)
            .picture(&grid_png(&pictures, n, &event, COLUMNS, 4)?, &names.join("; "));
        report.save(&folder.join("report.html"))?;
        for (name, psnr) in table {
            println!("{name:32} {psnr:6.2} dB");
        }
        println!("rows: {}", names.join("; "));
        println!("report: {}", folder.join("report.html").display());
        Ok(())
    }
}

/// The peak signal-to-noise ratio in decibels over the pixels whose weight is 1; the peak is 1.
pub fn psnr(clean: &Tensor<2>, restored: &Tensor<2>, weight: &Tensor<2>) -> f64 {
    let squares = host(&((clean.clone() - restored.clone()).square() * weight.clone()));
    let sum = |values: Vec<f32>| values.into_iter().map(f64::from).sum::<f64>();
    decibels(sum(squares) / sum(host(weight)), 1.0)
}

/// The values on the host.
pub fn host(x: &Tensor<2>) -> Vec<f32> {
    x.clone().into_data().iter::<f32>().collect()
}

/// `f` of each picture of 8x8 on the host.
pub fn each_picture(x: &Tensor<2>, f: impl Fn(&[f32]) -> Vec<f32>) -> Tensor<2> {
    let values: Vec<f32> = host(x).chunks(SIDE * SIDE).flat_map(f).collect();
    let rows = values.len() / (SIDE * SIDE);
    Tensor::from_data(TensorData::new(values, [rows, SIDE * SIDE]), &x.device())
}

/// The pixels within one step of a pixel, as far as they are in the picture.
pub fn around(pixel: usize) -> impl Iterator<Item = usize> {
    let near = |at: usize| at.saturating_sub(1)..(at + 2).min(SIDE);
    near(pixel / SIDE)
        .flat_map(move |row| near(pixel % SIDE).map(move |column| row * SIDE + column))
}
