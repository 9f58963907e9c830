//! Tails of financial returns: a flow's quantiles beside empirical ones and a normal distribution's.
//!
//! ```text
//! cargo run --release -p pyrogen-examples --example returns [STEPS]
//! ```
//!
//! The returns of three assets follow Student's distribution with 3 degrees of freedom: tails are heavy, and
//! the assets fall together. So the return of a portfolio is Student's, too, and each of its quantiles is known. A
//! flow learns 4,000 days of them. Its noise is Student's with degrees of freedom that it learns, and its splines have
//! affine tails, so that the noise's tails get the scale of the returns'. A flow as it is by default ends its splines at
//! five standard deviations, and goes on with normal noise.
//! The last quantile is beyond the days: they say nothing of it, and the flow says how its tails go on.
//!
//! The degrees of freedom are not those of an asset alone. Given the asset before it an asset has 4, given two 5, and
//! splines take a part of the numbers for themselves.

use std::error::Error;

use pyrogen::core::distribution::{Quantile, StudentT};
use pyrogen::core::{Draws, normal_quantile};
use pyrogen::data::{Dataset, Preparation, Prepared, Recipe};
use pyrogen::flow::{Base, FlowKind, NormalizingFlowConfig, NumberMap, SplineConfig, SplineTails};
use pyrogen::nn::{Activation, MlpConfig};
use pyrogen::prelude::*;
use pyrogen_examples::runs;

const SEED: Seed = Seed(1);

/// Days to learn from.
const DAYS: usize = 4000;

/// Degrees of freedom of the returns.
const DEGREES: f64 = 3.0;

/// Scales of the assets' returns in per cent a day, and what they have in common of them.
const SCALES: [f64; 3] = [0.8, 1.0, 1.5];
const COMMON: f64 = 0.6;

/// Shares of the assets in the portfolio.
const SHARES: [f64; 3] = [0.5, 0.3, 0.2];

/// The probabilities of the tail quantiles.
const TAILS: [f64; 3] = [0.01, 0.001, 0.0001];

/// The tail quantiles of the portfolio, at 1 %, 0.1 % and 0.01 %, in per cent a day.
#[derive(Debug)]
pub struct Found {
    /// By the formula.
    pub truth: [f64; 3],
    /// Of a flow's samples, with Student's noise and affine tails, and as flows are by default.
    pub flows: [[f64; 3]; 2],
    /// Of the days that were learnt from.
    pub empirical: [f64; 3],
    /// Of the normal distribution with the days' mean and variance.
    pub normal: [f64; 3],
    /// The degrees of freedom of the noise that the flow learnt, asset by asset.
    pub degrees: Vec<f64>,
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(1500), |s| s.parse())?;
    let found = run(steps, 500_000)?;
    println!("{DAYS} days, {steps} steps; return of the portfolio in per cent");
    println!("{:28} {:>9} {:>9} {:>9}", "quantile of", "1 %", "0.1 %", "0.01 %");
    for (name, [one, tenth, hundredth]) in [
        ("the truth", found.truth),
        ("a flow with Student's noise", found.flows[0]),
        ("a flow by default", found.flows[1]),
        ("the days", found.empirical),
        ("a normal distribution", found.normal),
    ] {
        println!("{name:28} {one:9.2} {tenth:9.2} {hundredth:9.2}");
    }
    println!("degrees of freedom of the noise: {:.2?}", found.degrees);
    Ok(())
}

/// Trains both flows for so many steps and reads the tails from so many samples.
pub fn run(steps: u64, samples: usize) -> Result<Found, Box<dyn Error>> {
    let days = returns(DAYS);
    let data = Dataset::from_parts(days.clone(), vec![3], None)?;
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let mut degrees = Vec::new();
    let mut tails_of = |base: Base, tails: SplineTails| -> Result<[f64; 3], Box<dyn Error>> {
        let spline = SplineConfig { tails, ..SplineConfig::default() };
        let config = NormalizingFlowConfig {
            event: vec![3],
            flow: FlowKind::Autoregressive(NumberMap::Spline(spline)),
            layers: 2,
            network: MlpConfig { hidden: vec![32, 32], activation: Activation::Silu },
            base,
            ..Default::default()
        };
        let model = config.init(SEED, &Device::flex())?;
        let data = Prepared::<2>::new(data.clone(), preparation.clone())?;
        let model = runs::fit(model, data, runs::flow_training(steps), SEED)?;
        degrees.extend(model.degrees().unwrap_or_default());
        let noise = &mut Noise::new(SEED).fork("samples");
        let drawn: Tensor<2> = model.sample(samples, &SampleOptions::default(), noise)?;
        let drawn: Vec<f32> = drawn.into_data().iter().collect();
        Ok(TAILS.map(|p| quantile(portfolio(&preparation.inverse(&drawn)), p)))
    };
    let flows = [
        tails_of(Base::StudentT { degrees: 5.0 }, SplineTails::Affine)?,
        tails_of(Base::default(), SplineTails::default())?,
    ];
    let own = portfolio(&days);
    let (mean, deviation) = runs::mean_and_deviation(&own);
    Ok(Found {
        truth: truth()?,
        flows,
        empirical: TAILS.map(|p| quantile(own.clone(), p)),
        normal: TAILS.map(|p| mean + deviation * normal_quantile(p)),
        degrees,
    })
}

/// Returns of the assets, day by day: normal numbers with something in common, over the root of one gamma number a
/// day, which is the day's calm.
fn returns(days: usize) -> Vec<f32> {
    let noise = Noise::new(SEED).fork("days");
    let day = |i: u64| {
        let mut draws = Draws::item(&noise, i);
        let calm = (draws.gamma(0.5 * DEGREES) / (0.5 * DEGREES)).sqrt();
        let common = COMMON.sqrt() * draws.normal();
        SCALES.map(|scale| {
            let own = (1.0 - COMMON).sqrt() * draws.normal();
            (scale * (common + own) / calm) as f32
        })
    };
    (0..days as u64).flat_map(day).collect()
}

/// The return of the portfolio on each day.
fn portfolio(returns: &[f32]) -> Vec<f64> {
    let day = |day: &[f32]| day.iter().zip(SHARES).map(|(r, share)| f64::from(*r) * share).sum();
    returns.chunks(3).map(day).collect()
}

/// The portfolio's quantiles: a sum of returns is Student's, with the scale of the sum of the normal numbers.
fn truth() -> Result<[f64; 3], Box<dyn Error>> {
    let parts = [0, 1, 2].map(|k| SHARES[k] * SCALES[k]);
    let common = COMMON * parts.iter().sum::<f64>().powi(2);
    let own = (1.0 - COMMON) * parts.iter().map(|part| part * part).sum::<f64>();
    let full = |v: f64| Tensor::<1>::full([TAILS.len()], v, &Device::flex());
    let student = StudentT::new(full(DEGREES), full(0.0), full((common + own).sqrt()))?;
    let at = Tensor::<1>::from_floats(TAILS.map(|p| p as f32), &Device::flex());
    let quantiles: Vec<f64> = student.icdf(at).into_data().iter::<f64>().collect();
    Ok([quantiles[0], quantiles[1], quantiles[2]])
}

/// The number that a share `p` of all are below.
fn quantile(mut values: Vec<f64>, p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(p * values.len() as f64) as usize]
}
