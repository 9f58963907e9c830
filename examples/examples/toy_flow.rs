//! Flows on the plane: how far a model is from the best there is, and pictures of the ways from noise
//! to data.
//!
//! ```text
//! cargo run -p pyrogen-examples --example toy_flow [STEPS]
//! ```
//!
//! The density of a toy is known, so the gap in nats is known too: the mean of `ln p(x)` of fresh
//! points under the toy's own density less that under the model, which is the divergence of the two.
//! The model's is the exact likelihood, through the ODE. `runs/toy-flow` gets a picture of each toy:
//! the ways of 400 points in blue, their ends in red.

use std::error::Error;
use std::path::Path;

use burn::tensor::TensorData;
use pyrogen::core::parallel::batches;
use pyrogen::data::{Preparation, Prepared, Recipe, Toy, grid_png, grid_png_file};
use pyrogen::diffusion::solve::{LogDensity, Pairing, SolveError};
use pyrogen::diffusion::{FlowConfig, FlowMatching, FlowSampling, TimeNetwork};
use pyrogen::nn::TimeMlpConfig;
use pyrogen::prelude::*;
use pyrogen::train::TrainConfig;
use pyrogen::train::report::Report;
use pyrogen_examples::{painter, runs};

const SEED: Seed = Seed(1);

/// Points to learn from, fresh points to score, and those that are shown.
const LEARNT: usize = 50_000;
const FRESH: usize = 1000;
const SHOWN: usize = 400;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(8000), |s| s.parse())?;
    run(steps, FRESH, &runs::run_folder("toy-flow")?)
}

/// Trains a flow of each toy for so many steps, and scores so many fresh points.
pub fn run(steps: u64, points: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut report = Report::new("Flows on the plane");
    report.text(&format!("{steps} steps of 256; {points} fresh points; nats"));
    let header = ["toy", "-entropy", "ln p, its own", "ln p, model", "gap"];
    println!(
        "{:16}{:>10}{:>15}{:>13}{:>18}",
        header[0], header[1], header[2], header[3], header[4]
    );
    let mut rows = Vec::new();
    let mut pictures = Vec::new();
    for toy in [Toy::Moons, Toy::EightGaussians, Toy::Checkerboard] {
        let (model, preparation) = train(toy, steps)?;
        let (fresh, _) = toy.sample(points, &mut Noise::new(SEED).fork("fresh"));
        let own: Vec<f64> =
            fresh.chunks(2).map(|p| toy.log_density([f64::from(p[0]), f64::from(p[1])])).collect();
        let found = log_density(&model, &preparation, &fresh)?;
        let gaps: Vec<f64> = own.iter().zip(&found).map(|(a, b)| a - b).collect();
        let (gap, spread) = runs::mean_and_deviation(&gaps);
        let (own, _) = runs::mean_and_deviation(&own);
        let (found, _) = runs::mean_and_deviation(&found);
        let error = spread / (points as f64).sqrt();
        let cells = [-toy.entropy(), own, found].map(|v| format!("{v:.4}"));
        let cells = [vec![toy.to_string()], cells.to_vec(), vec![format!("{gap:.4} ± {error:.4}")]];
        let row = cells.concat();
        println!("{:16}{:>10}{:>15}{:>13}{:>18}", row[0], row[1], row[2], row[3], row[4]);
        rows.push(row);
        pictures.push((toy, ways(&model, &preparation)?));
    }
    report.table(&header, &rows);
    for (toy, canvas) in pictures {
        let file = folder.join(format!("{toy}.png"));
        grid_png_file(&file, &canvas.0, 1, &[3, SIDE, SIDE], 1, 1)?;
        let png = grid_png(&canvas.0, 1, &[3, SIDE, SIDE], 1, 1)?;
        report.picture(&png, &format!("{toy}: the ways of {SHOWN} points, and their ends"));
    }
    runs::save(&report, folder)
}

/// A flow of a toy, and how points became what it sees.
fn train(toy: Toy, steps: u64) -> Result<(FlowMatching, Preparation), Box<dyn Error>> {
    let data = toy.dataset(LEARNT, &mut Noise::new(SEED).fork("learnt")).without_labels();
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let config = FlowConfig {
        event: vec![2],
        network: TimeNetwork::Mlp(TimeMlpConfig { width: 128, ..TimeMlpConfig::default() }),
        pairing: Pairing::OptimalTransport,
        ..FlowConfig::default()
    };
    let data = Prepared::<2>::new(data, preparation.clone())?;
    let training = TrainConfig { batch_size: 256, ..painter::training(steps) };
    Ok((runs::fit(config.init(SEED, &Device::flex())?, data, training, SEED)?, preparation))
}

/// The log-density of raw points, in nats.
fn log_density(
    model: &FlowMatching,
    preparation: &Preparation,
    raw: &[f32],
) -> Result<Vec<f64>, SolveError> {
    let n = raw.len() / 2;
    let seen = preparation.apply(raw, &mut Noise::new(SEED));
    let parts = batches(n, 250, &Device::flex(), |rows| {
        let part = seen[2 * rows.start..2 * rows.end].to_vec();
        let x = Tensor::<2>::from_data(TensorData::new(part, [rows.len(), 2]), &Device::flex());
        // The full divergence draws nothing.
        let noise = &mut Noise::new(SEED);
        Ok(model.log_density(x, &Condition::none(), &LogDensity::default(), noise)?.nats)
    });
    let nats = parts.into_iter().collect::<Result<Vec<_>, SolveError>>()?.concat();
    let raw = nats.iter().zip(preparation.log_det(&seen)).map(|(nats, log_det)| nats + log_det);
    Ok(raw.collect())
}

/// A square picture of the plane from -3 to 3.
struct Canvas(Vec<f32>);

const SIDE: usize = 320;
const REACH: f32 = 3.0;

impl Canvas {
    /// Points of a colour, each of which takes this share of what was there.
    fn dots(&mut self, points: &[f32], colour: [f32; 3], share: f32) {
        let at = |v: f32| ((v + REACH) / (2.0 * REACH) * SIDE as f32) as usize;
        let inside = |p: &&[f32]| p.iter().all(|v| v.abs() < REACH);
        for p in points.chunks(2).filter(inside) {
            for (channel, c) in colour.iter().enumerate() {
                let place = (channel * SIDE + SIDE - 1 - at(p[1])) * SIDE + at(p[0]);
                self.0[place] += (c - self.0[place]) * share;
            }
        }
    }
}

/// The ways of points from noise to data, in raw units.
fn ways(model: &FlowMatching, preparation: &Preparation) -> Result<Canvas, Box<dyn Error>> {
    let mut canvas = Canvas(vec![1.0; 3 * SIDE * SIDE]);
    let raw =
        |x: &Tensor<2>| preparation.inverse(&x.clone().into_data().iter().collect::<Vec<f32>>());
    let sampling = FlowSampling { steps: 200, ..model.config().sampling };
    let model = model.clone().with_sampling(sampling)?;
    let mut noise = Noise::new(SEED).fork("ways");
    let ends = model.generate(SHOWN, &SampleOptions::default(), &mut noise, |step| {
        canvas.dots(&raw(&step.x), [0.3, 0.5, 0.9], 0.25);
    })?;
    canvas.dots(&raw(&ends), [0.8, 0.1, 0.1], 1.0);
    Ok(canvas)
}
