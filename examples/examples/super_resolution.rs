//! Super-resolution: a diffusion model that is told a digit of 4x4 draws digits of 8x8 that could
//! have been it.
//!
//! ```text
//! cargo run -p pyrogen-examples --example super_resolution
//! ```
//!
//! The small picture is a context beside the noisy one, each pixel shown four times. A line of the
//! result is a held-out digit: what the model is told, three candidates, the original.

use std::error::Error;

use burn::tensor::TensorData;
use pyrogen::core::{Batch, Examples};
use pyrogen::data::grid_png_file;
use pyrogen::diffusion::{Diffusion, DiffusionConfig, TimeNetwork};
use pyrogen::nn::{UNetConfig, ops};
use pyrogen::prelude::*;
use pyrogen::train::{GradientConfig, Limits, TrainConfig};
use pyrogen_examples::{Labelled, runs};

/// Pictures of 8x8, from -1 to 1, with their small versions beside them.
struct Pairs(Vec<f32>);

impl Pairs {
    fn of(part: &Labelled) -> Self {
        Self((part.x.clone() * 2.0 - 1.0).into_data().iter().collect())
    }
}

/// Means of 2x2 pixels, each shown four times: `[n, 1, 8, 8]` to the same.
fn small(x: Tensor<4>) -> Tensor<4> {
    let [n, ..] = x.dims();
    let means = x.reshape([n, 4, 2, 4, 2]).mean_dim(2).mean_dim(4).reshape([n, 1, 4, 4]);
    ops::upsample_nearest(means, [8, 8])
}

impl Examples for Pairs {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.0.len() / 64
    }

    fn batch(&self, rows: &[usize], _noise: &mut Noise, device: &Device) -> Batch<2> {
        let n = rows.len();
        let values: Vec<f32> =
            rows.iter().flat_map(|&r| &self.0[r * 64..(r + 1) * 64]).copied().collect();
        let x: Tensor<2> = Tensor::from_data(TensorData::new(values, [n, 64]), device);
        let context = small(x.clone().reshape([n, 1, 8, 8])).reshape([n, 64]);
        Batch::new(x).with_context(Some(context))
    }
}

fn train(pairs: Pairs) -> Result<Diffusion, Box<dyn Error>> {
    let unet = UNetConfig { channels: vec![16, 32], ..UNetConfig::default() };
    let config = DiffusionConfig {
        network: TimeNetwork::UNet(unet),
        context: Some(vec![1, 8, 8]),
        ..DiffusionConfig::default()
    };
    let training = TrainConfig {
        limits: Limits { steps: Some(600), ..Limits::default() },
        gradient: GradientConfig { ema_decay: Some(0.99), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    runs::fit(config.init(Seed(1), &Device::flex())?, pairs, training, Seed(1))
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let folder = tempfile::tempdir()?;
    let data = pyrogen_examples::small_model(folder.path())?;
    let model = train(Pairs::of(&data.train))?;

    const LINES: usize = 10;
    let rows: Vec<usize> = (0..LINES).collect();
    let noise = Noise::new(Seed(3));
    let batch = Pairs::of(&data.test).batch(&rows, &mut noise.clone(), &device);
    let options = SampleOptions { condition: batch.condition(), ..SampleOptions::default() };
    let mut columns = vec![batch.context.clone().expect("made above")];
    let mut worst: f32 = 0.0;
    for candidate in 0..3 {
        let x: Tensor<4> = model.sample(LINES, &options, &mut noise.fork_index(candidate));
        let again = small(x.clone()).reshape([LINES, 64]);
        let gap = (again - columns[0].clone()).abs().mean().into_scalar::<f32>();
        worst = worst.max(gap / 2.0);
        columns.push(x.reshape([LINES, 64]));
    }
    columns.push(batch.x);
    println!(
        "made small again, candidates differ by {worst:.3} of the range from what they were told"
    );

    let all: Tensor<3> = Tensor::stack(columns, 1);
    let unit: Vec<f32> = ((all + 1.0) / 2.0).clamp(0.0, 1.0).into_data().iter().collect();
    let path = std::path::Path::new("runs/super-resolution.png");
    std::fs::create_dir_all("runs")?;
    grid_png_file(path, &unit, 5 * LINES, &[1, 8, 8], 5, 0)?;
    println!("told, three candidates, original: {}", path.display());
    Ok(())
}
