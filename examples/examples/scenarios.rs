//! Scenarios by a flow: samples given a condition, a column under stress, and the probability of a rare event.
//!
//! ```text
//! cargo run --release -p pyrogen-examples --example scenarios [STEPS]
//! ```
//!
//! The rows are made up, so that every answer has its truth beside it: a shock `x` is standard normal, and the loss is
//! `y = x + 0.3 x^2` with a spread of `0.3 + 0.2 |x|`. One flow learns the loss given the shock, another both.
//!
//! The rare losses are five standard deviations from the mean, where splines end. There a spline with identity tails
//! leaves the noise as it is, whatever the shock, and such losses would hardly ever happen; so both flows have affine
//! tails.
//!
//! A rare event has few samples among many. So samples are drawn from wider noise, in which the event is frequent, and
//! each is weighted by the density of its noise over that of the wider noise. The mean weight of the event is its
//! probability under the flow without bias, with a standard error. The effective sample size says how many samples of
//! equal weight would be worth as much: where it is small, the standard error is not to be trusted either.

use std::error::Error;

use pyrogen::core::normal_quantile;
use pyrogen::data::{Dataset, Preparation, Prepared, Recipe};
use pyrogen::flow::{
    ConditionalFlow, FlowKind, NormalizingFlow, NormalizingFlowConfig, NumberMap, SplineConfig,
    SplineTails,
};
use pyrogen::nn::{Activation, MlpConfig};
use pyrogen::prelude::*;
use pyrogen_examples::runs;

const SEED: Seed = Seed(1);

/// Rows to learn from: about 30 of them have a rare loss.
const ROWS: usize = 20_000;

/// The shock of the scenario, and by how much the stressed shock is shifted.
const SHOCK: f64 = 2.0;
const STRESS: f64 = 1.0;

/// A loss above this is the rare event.
const RARE: f64 = 6.0;

/// How much wider the noise is from which rare events are drawn.
const WIDER: f64 = 1.6;

/// What is found, each beside its truth.
#[derive(Debug)]
pub struct Found {
    /// The 5 % and the 95 % quantile of the loss given the shock.
    pub given: [[f64; 2]; 2],
    /// The mean loss where shocks are shifted.
    pub stressed: [f64; 2],
    /// The rare event by weighted samples, and by as many samples of the flow as they are.
    pub rare: [Rare; 2],
    /// Its true probability.
    pub truth: f64,
}

/// The rare event by samples.
#[derive(Debug)]
pub struct Rare {
    /// Its probability under the flow.
    pub probability: f64,
    /// The standard error of that.
    pub error: f64,
    /// Of the event's samples.
    pub effective: f64,
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(2000), |s| s.parse())?;
    let found = run(steps, 100_000)?;
    let [[low, high], [true_low, true_high]] = found.given;
    println!("given a shock of {SHOCK}: 90 % of losses in {low:.2} to {high:.2}");
    println!("    truth: {true_low:.2} to {true_high:.2}");
    println!(
        "shocks shifted by {STRESS}: mean loss {:.3}, truth {:.3}",
        found.stressed[0], found.stressed[1]
    );
    println!("a loss above {RARE}: probability {:.2e}", found.truth);
    for (name, Rare { probability, error, effective }) in
        ["weighted samples", "samples"].into_iter().zip(&found.rare)
    {
        println!(
            "    {name}: {probability:.2e} ± {error:.0e}, effective sample size {effective:.0}"
        );
    }
    Ok(())
}

/// Trains both flows for so many steps and draws so many samples for each answer.
pub fn run(steps: u64, samples: usize) -> Result<Found, Box<dyn Error>> {
    let data = Dataset::from_parts(rows(), vec![2], None)?;
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let spline = SplineConfig { tails: SplineTails::Affine, ..SplineConfig::default() };
    let config = NormalizingFlowConfig {
        flow: FlowKind::Autoregressive(NumberMap::Spline(spline)),
        layers: 2,
        network: MlpConfig { hidden: vec![32, 32], activation: Activation::Silu },
        ..Default::default()
    };
    let prepared = || Prepared::<2>::new(data.clone(), preparation.clone());
    let given = NormalizingFlowConfig { event: vec![1], context: Some(vec![1]), ..config.clone() };
    // The shock is the first of two features.
    let given = ConditionalFlow::new(given.init(SEED, &Device::flex())?, vec![0])?;
    let given = runs::fit(given, prepared()?, runs::flow_training(steps), SEED)?;
    let both = config.init(SEED, &Device::flex())?;
    let both = runs::fit(both, prepared()?, runs::flow_training(steps), SEED)?;

    let losses = |shocks: Vec<f64>| losses(&given, &preparation, &shocks);
    let mut at_shock = losses(vec![SHOCK; samples])?;
    at_shock.sort_by(f64::total_cmp);
    let [low, high] = [0.05, 0.95].map(|p| at_shock[(p * samples as f64) as usize]);
    let exact = |p: f64| mean(SHOCK) + spread(SHOCK) * normal_quantile(p);
    let shocks = Noise::new(SEED).fork("stress").normal_vec(samples);
    let stressed = losses(shocks.into_iter().map(|x| x + STRESS).collect())?;
    let rare = |wider: f64| rare(&both, &preparation, samples, wider);
    Ok(Found {
        given: [[low, high], [exact(0.05), exact(0.95)]],
        // E(x + 0.3 x^2) with x normal around the shift.
        stressed: [
            stressed.iter().sum::<f64>() / samples as f64,
            STRESS + 0.3 * (1.0 + STRESS * STRESS),
        ],
        rare: [rare(WIDER)?, rare(1.0)?],
        truth: exceeds(),
    })
}

fn mean(x: f64) -> f64 {
    x + 0.3 * x * x
}

fn spread(x: f64) -> f64 {
    0.3 + 0.2 * x.abs()
}

/// Rows of a shock and a loss.
fn rows() -> Vec<f32> {
    let z = Noise::new(SEED).fork("rows").normal_vec(2 * ROWS);
    let row = |z: &[f64]| [z[0], mean(z[0]) + spread(z[0]) * z[1]].map(|v| v as f32);
    z.chunks(2).flat_map(row).collect()
}

/// A loss for each shock.
fn losses(
    flow: &ConditionalFlow,
    preparation: &Preparation,
    shocks: &[f64],
) -> Result<Vec<f64>, Box<dyn Error>> {
    let n = shocks.len();
    // The loss of these rows is not read.
    let raw: Vec<f32> = shocks.iter().flat_map(|&x| [x as f32, 0.0]).collect();
    let seen = tensor(preparation.apply(&raw, &mut Noise::new(SEED)));
    let options = SampleOptions {
        condition: Condition::context(seen.narrow(1, 0, 1)),
        ..SampleOptions::default()
    };
    let drawn = flow.sample(n, &options, &mut Noise::new(SEED).fork("losses"))?;
    Ok(loss_of(preparation, drawn))
}

fn tensor(values: Vec<f32>) -> Tensor<2> {
    let n = values.len() / 2;
    Tensor::from_data(burn::tensor::TensorData::new(values, [n, 2]), &Device::flex())
}

/// The losses of prepared rows in raw units.
fn loss_of(preparation: &Preparation, rows: Tensor<2>) -> Vec<f64> {
    let rows: Vec<f32> = rows.into_data().iter().collect();
    preparation.inverse(&rows).chunks(2).map(|row| f64::from(row[1])).collect()
}

/// The rare event by samples from noise that is wider by a factor.
fn rare(
    flow: &NormalizingFlow,
    preparation: &Preparation,
    samples: usize,
    wider: f64,
) -> Result<Rare, Box<dyn Error>> {
    let noise = &mut Noise::new(SEED).fork("rare");
    let options = SampleOptions { temperature: wider, ..SampleOptions::default() };
    let drawn: Tensor<2> = flow.sample(samples, &options, noise)?;
    let latents: Vec<f32> =
        flow.encode(drawn.clone(), &Condition::none())?.point().into_data().iter().collect();
    // phi(z) / phi_wider(z), for each number of the noise.
    let log_weight = |z: &[f32]| -> f64 {
        let square: f64 = z.iter().map(|z| f64::from(*z).powi(2)).sum();
        -0.5 * square * (1.0 - wider.powi(-2)) + z.len() as f64 * wider.ln()
    };
    let weights = latents.chunks(2).map(|z| log_weight(z).exp());
    let hits: Vec<f64> = loss_of(preparation, drawn)
        .into_iter()
        .zip(weights)
        .map(|(loss, weight)| if loss > RARE { weight } else { 0.0 })
        .collect();
    let (probability, deviation) = runs::mean_and_deviation(&hits);
    let error = deviation / (samples as f64).sqrt();
    let squares: f64 = hits.iter().map(|weight| weight * weight).sum();
    let effective = hits.iter().sum::<f64>().powi(2) / squares;
    Ok(Rare { probability, error, effective })
}

/// The true probability of the rare event, by the midpoint rule over the shocks; given a shock it is a tail of the
/// normal distribution, by the same rule.
fn exceeds() -> f64 {
    let cells = |from: f64, to: f64, n: usize, f: &dyn Fn(f64) -> f64| -> f64 {
        let step = (to - from) / n as f64;
        (0..n).map(|i| f(from + (i as f64 + 0.5) * step)).sum::<f64>() * step
    };
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let tail = |t: f64| cells(t.max(-9.0), 9.0, 400, &density).max(0.0);
    cells(-8.0, 8.0, 2000, &|x| density(x) * tail((RARE - mean(x)) / spread(x)))
}
