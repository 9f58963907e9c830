//! Normalizing flows on the plane: how far each method is from the best there is.
//!
//! ```text
//! cargo run -p pyrogen-examples --example flow_densities [STEPS [METHOD]]
//! ```
//!
//! The density of a toy is known, so the gap in nats is known too: the mean of `ln p(x)` of fresh
//! points under the toy's own density less that under the model, which is the divergence of the two.

use std::error::Error;
use std::time::Instant;

use burn::tensor::TensorData;
use pyrogen::core::parallel::batches;
use pyrogen::data::{Preparation, Prepared, Recipe, Toy};
use pyrogen::flow::{FlowKind, NormalizingFlow, NormalizingFlowConfig, NumberMap, SplineConfig};
use pyrogen::nn::{Activation, MlpConfig};
use pyrogen::prelude::*;
use pyrogen::train::{Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig};
use pyrogen_examples::runs;

const SEED: Seed = Seed(1);

/// Points to learn from, and fresh points to score.
const LEARNT: usize = 50_000;
const FRESH: usize = 20_000;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(6000), |s| s.parse())?;
    let method = std::env::args().nth(2);
    run(steps, FRESH, method.as_deref())
}

/// Trains flows of each toy for so many steps, and scores so many fresh points.
pub fn run(steps: u64, points: usize, method: Option<&str>) -> Result<(), Box<dyn Error>> {
    println!("{steps} steps of 512; {points} fresh points; nats");
    println!("{:8} {:16} {:>18} {:>9}", "method", "toy", "gap", "seconds");
    let spline = NumberMap::Spline(SplineConfig { bins: 16, ..SplineConfig::default() });
    let nsf = FlowKind::Autoregressive(spline);
    let kinds = [nsf, FlowKind::maf(), FlowKind::realnvp(), FlowKind::nice()];
    for flow in kinds.into_iter().filter(|kind| method.is_none_or(|m| m == kind.method())) {
        for toy in [Toy::Moons, Toy::EightGaussians, Toy::Checkerboard, Toy::Rings] {
            let started = Instant::now();
            let (model, preparation) = train(toy, flow, steps)?;
            let seconds = started.elapsed().as_secs_f64();
            let (fresh, _) = toy.sample(points, &mut Noise::new(SEED).fork("fresh"));
            let own = fresh.chunks(2).map(|p| toy.log_density([0, 1].map(|i| f64::from(p[i]))));
            let found = log_density(&model, &preparation, &fresh);
            let gaps: Vec<f64> = own.zip(&found).map(|(a, b)| a - b).collect();
            let (gap, spread) = runs::mean_and_deviation(&gaps);
            let gap = format!("{gap:.4} ± {:.4}", spread / (points as f64).sqrt());
            let method = flow.method();
            println!("{method:8} {:16} {gap:>18} {seconds:>9.0}", toy.to_string());
        }
    }
    Ok(())
}

/// A flow of a toy, and how points became what it sees.
fn train(
    toy: Toy,
    flow: FlowKind,
    steps: u64,
) -> Result<(NormalizingFlow, Preparation), Box<dyn Error>> {
    let data = toy.dataset(LEARNT, &mut Noise::new(SEED).fork("learnt")).without_labels();
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let network = MlpConfig { hidden: vec![128, 128], activation: Activation::Silu };
    let config = NormalizingFlowConfig { flow, layers: 8, network, ..Default::default() };
    let data = Prepared::<2>::new(data, preparation.clone())?;
    let training = TrainConfig {
        batch_size: 512,
        limits: Limits { epochs: None, steps: Some(steps), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 3e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 100 },
        gradient: GradientConfig { clip_norm: Some(5.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    Ok((runs::fit(config.init(SEED, &Device::flex())?, data, training, SEED)?, preparation))
}

/// The log-density of raw points, in nats.
fn log_density(flow: &NormalizingFlow, preparation: &Preparation, raw: &[f32]) -> Vec<f64> {
    let seen = preparation.apply(raw, &mut Noise::new(SEED));
    let parts = batches(raw.len() / 2, 1000, &Device::flex(), |rows| {
        let (n, part) = (rows.len(), seen[2 * rows.start..2 * rows.end].to_vec());
        let x = Tensor::<2>::from_data(TensorData::new(part, [n, 2]), &Device::flex());
        flow.given(&Condition::none(), n).log_prob(x).into_data().iter::<f64>().collect::<Vec<_>>()
    });
    let log_det = preparation.log_det(&seen);
    parts.concat().iter().zip(log_det).map(|(nats, log_det)| nats + log_det).collect()
}
