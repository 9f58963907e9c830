//! A flow on the plane: eight Gaussians, how far the model is from the best there is, and a picture of
//! the ways from noise to data.
//!
//! ```text
//! cargo run -p pyrogen-examples --example toy_flow
//! ```
//!
//! The data's density is known, so the gap in nats is known too: the mean of `ln p(x)` under the data's
//! own density less that under the model, which is the divergence of the two.

use std::error::Error;

use burn::tensor::TensorData;
use pyrogen::core::{Batch, Examples};
use pyrogen::data::grid_png_file;
use pyrogen::diffusion::solve::{GaussianMixture, LogDensity, Pairing};
use pyrogen::diffusion::{FlowConfig, FlowMatching, TimeNetwork};
use pyrogen::nn::TimeMlpConfig;
use pyrogen::prelude::*;
use pyrogen::train::{GradientConfig, Limits, TrainConfig};
use pyrogen_examples::runs;

/// Points on the plane.
struct Points(Vec<f32>);

impl Points {
    fn of(mixture: &GaussianMixture, n: usize, noise: &mut Noise) -> Self {
        Self(mixture.sample(n, noise, &Device::flex()).0.into_data().iter().collect())
    }
}

impl Examples for Points {
    type Batch = Batch<2>;

    fn len(&self) -> usize {
        self.0.len() / 2
    }

    fn batch(&self, rows: &[usize], _noise: &mut Noise, device: &Device) -> Batch<2> {
        let values: Vec<f32> =
            rows.iter().flat_map(|&r| &self.0[2 * r..2 * r + 2]).copied().collect();
        Batch::new(Tensor::from_data(TensorData::new(values, [rows.len(), 2]), device))
    }
}

fn train(points: Points) -> Result<FlowMatching, Box<dyn Error>> {
    let config = FlowConfig {
        event: vec![2],
        network: TimeNetwork::Mlp(TimeMlpConfig { width: 64, ..TimeMlpConfig::default() }),
        pairing: Pairing::OptimalTransport,
        ..FlowConfig::default()
    };
    let training = TrainConfig {
        batch_size: 256,
        limits: Limits { steps: Some(2000), ..Limits::default() },
        gradient: GradientConfig { ema_decay: Some(0.995), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    runs::fit(config.init(Seed(1), &Device::flex())?, points, training, Seed(1))
}

/// A square picture of the plane from -4 to 4.
struct Canvas(Vec<f32>);

const SIDE: usize = 320;

impl Canvas {
    fn new() -> Self {
        Self(vec![1.0; 3 * SIDE * SIDE])
    }

    /// Darkens a point towards a colour.
    fn dot(&mut self, x: f32, y: f32, colour: [f32; 3], share: f32) {
        let at = |v: f32| (((v + 4.0) / 8.0) * SIDE as f32) as usize;
        if !(x.abs() < 4.0 && y.abs() < 4.0) {
            return;
        }
        for (channel, c) in colour.iter().enumerate() {
            let value = &mut self.0[(channel * SIDE + SIDE - 1 - at(y)) * SIDE + at(x)];
            *value += (c - *value) * share;
        }
    }
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let mixture = GaussianMixture::ring(8, 2.0, 0.15);
    let mut noise = Noise::new(Seed(1));
    let model = train(Points::of(&mixture, 20_000, &mut noise))?;

    let test = mixture.sample(500, &mut noise, &Device::flex()).0;
    let own: Vec<f64> = mixture.log_density(test.clone(), 1.0, 0.0).into_data().iter().collect();
    let none = Condition::none();
    let found = model.log_density(test, &none, &LogDensity::default(), &mut noise)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    println!(
        "ln p(x): {:.3} under the data's density, {:.3} under the model; a gap of {:.3} nats \
         ({} velocities at tolerance {:.0e})",
        mean(&own),
        mean(&found.nats),
        mean(&own) - mean(&found.nats),
        found.evaluations,
        found.tolerance.relative
    );

    let mut canvas = Canvas::new();
    let mut points = |x: &Tensor<2>, colour, share| {
        let values: Vec<f32> = x.clone().into_data().iter().collect();
        values.chunks(2).for_each(|p| canvas.dot(p[0], p[1], colour, share));
    };
    let sampling = pyrogen::diffusion::FlowSampling { steps: 200, ..model.config().sampling };
    let model = model.with_sampling(sampling)?;
    let ends = model.generate(400, &SampleOptions::default(), &mut noise, |step| {
        points(&step.x, [0.3, 0.5, 0.9], 0.25);
    })?;
    points(&ends, [0.8, 0.1, 0.1], 1.0);
    let path = std::path::Path::new("runs/toy-flow.png");
    std::fs::create_dir_all("runs")?;
    grid_png_file(path, &canvas.0, 1, &[3, SIDE, SIDE], 1, 1)?;
    println!("the ways of 400 points: {}", path.display());
    Ok(())
}
