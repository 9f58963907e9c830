//! Latent diffusion: an autoencoder maps digits to eight numbers, a diffusion model learns those, and
//! the autoencoder's decoder draws what it samples (Rombach et al. 2022).
//!
//! ```text
//! cargo run -p pyrogen-examples --example latent_diffusion
//! ```
//!
//! Families know nothing of each other: the two meet in the traits `Encode`, `Decode` and `Sample` of
//! `pyrogen-core`, so any autoencoder will do.

use std::error::Error;
use std::path::Path;

use burn::tensor::TensorData;
use pyrogen::core::{Batch, Examples};
use pyrogen::data::grid_png_file;
use pyrogen::diffusion::{Diffusion, DiffusionConfig, TimeNetwork};
use pyrogen::nn::TimeMlpConfig;
use pyrogen::prelude::*;
use pyrogen::train::{GradientConfig, Limits, TrainConfig};
use pyrogen_examples::runs;

/// Codes with their labels, on the host.
struct Codes {
    values: Vec<f32>,
    width: usize,
    labels: Vec<usize>,
}

impl Codes {
    /// The means of the posteriors, and the mean and deviation that they were standardised with.
    fn of(
        coder: &impl Encode<4>,
        x: Tensor<4>,
        labels: Vec<usize>,
    ) -> Result<(Self, [Tensor<2>; 2]), ModelError> {
        let codes = coder.encode(x, &Condition::none())?.point();
        let (var, mean) = codes.clone().var_mean(0);
        let scale = [var.sqrt(), mean];
        let standard = (codes - scale[1].clone()) / scale[0].clone();
        let width = standard.dims()[1];
        Ok((Self { values: standard.into_data().iter().collect(), width, labels }, scale))
    }
}

impl Examples for Codes {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn batch(&self, rows: &[usize], _noise: &mut Noise, device: &Device) -> Batch<2> {
        let row = |&r: &usize| &self.values[r * self.width..(r + 1) * self.width];
        let values: Vec<f32> = rows.iter().flat_map(row).copied().collect();
        let labels: Vec<usize> = rows.iter().map(|&r| self.labels[r]).collect();
        let x = Tensor::from_data(TensorData::new(values, [rows.len(), self.width]), device);
        Batch::new(x).with_labels(Condition::classes(&labels, device).labels)
    }
}

/// A diffusion model of the codes, conditioned on the digit.
fn train(codes: Codes, steps: u64) -> Result<Diffusion, Box<dyn Error>> {
    let network = TimeNetwork::Mlp(TimeMlpConfig::default());
    let config = DiffusionConfig {
        event: vec![codes.width],
        network,
        classes: Some(10),
        ..DiffusionConfig::default()
    };
    let training = TrainConfig {
        limits: Limits { steps: Some(steps), ..Limits::default() },
        gradient: GradientConfig { ema_decay: Some(0.995), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    runs::fit(config.init(Seed(1), &Device::flex())?, codes, training, Seed(1))
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    run(1500, Path::new("runs/latent-diffusion.png"))
}

/// Trains the diffusion model for so many steps, and draws ten of each digit into a file.
pub fn run(steps: u64, path: &Path) -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let folder = tempfile::tempdir()?;
    let trained = pyrogen_examples::small_model(folder.path())?;
    let (codes, [deviation, mean]) =
        Codes::of(&trained.model, trained.train.x.clone(), trained.train.labels.clone())?;
    println!("{} digits as codes of {} numbers", codes.len(), codes.width);

    let diffusion = train(codes, steps)?;
    let digits: Vec<usize> = (0..100).map(|i| i / 10).collect();
    let condition = Condition::classes(&digits, &device);
    let options = SampleOptions { condition, ..SampleOptions::default() };
    let drawn: Tensor<2> = diffusion.sample(100, &options, &mut Noise::new(Seed(2)))?;
    let pictures: Tensor<4> = trained.model.decode(drawn * deviation + mean, &Condition::none())?;

    let unit: Vec<f32> = pictures.clamp(0.0, 1.0).into_data().iter().collect();
    grid_png_file(path, &unit, 100, &[1, 8, 8], 10, 0)?;
    println!("ten of each digit: {}", path.display());
    Ok(())
}
