//! Flows over the latents of a VAE: as its prior and its posterior, trained together with it, and fitted to its latents
//! afterwards.
//!
//! ```text
//! cargo run --release -p pyrogen-examples --example latent_flow [STEPS]
//! ```
//!
//! The data are eight Gaussians in the plane, so that the best log-likelihood is known. A VAE of standard normal latents
//! has to tear the plane apart in its decoder. With a flow as prior, latents may lie where they like.

use std::error::Error;

use pyrogen::data::{Preparation, Prepared, Recipe, Toy};
use pyrogen::flow::{FlowKind, LatentFlow, NormalizingFlow, NormalizingFlowConfig};
use pyrogen::nn::{Activation, MlpConfig, Network};
use pyrogen::prelude::*;
use pyrogen::vae::{Decoder, Scale};
use pyrogen_examples::runs;

const SEED: Seed = Seed(1);

/// Points to learn from, and fresh points to score.
const LEARNT: usize = 10_000;
const FRESH: usize = 2000;

/// Draws of a bound, and of an estimate.
const DRAWS: [usize; 2] = [10, 200];

/// Mean nats of fresh points: a bound and an estimate.
#[derive(Debug)]
pub struct Found {
    /// What no model can be above.
    pub truth: f64,
    /// The VAE with a standard normal prior.
    pub standard: [f64; 2],
    /// With a flow as prior.
    pub prior: [f64; 2],
    /// With a flow as prior and an inverse autoregressive flow as posterior.
    pub both: [f64; 2],
    /// The share of samples within two spreads of one of the eight centres: of the VAE, and of a flow fitted to
    /// its latents, through its decoder.
    pub near: [f64; 2],
}

/// Runs the example.
pub fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).map_or(Ok(4000), |s| s.parse())?;
    let found = run(steps)?;
    println!("{steps} steps of 256; {FRESH} fresh points; nats");
    println!("{:32} {:>9} {:>9}", "", "bound", "estimate");
    for (name, [bound, estimate]) in [
        ("standard normal prior", found.standard),
        ("flow as prior", found.prior),
        ("flows as prior and posterior", found.both),
    ] {
        println!("{name:32} {bound:9.4} {estimate:9.4}");
    }
    println!("{:32} {:>9} {:9.4}", "the truth", "", found.truth);
    let [vae, fitted] = found.near;
    println!(
        "samples near a centre: {vae:.3} of the VAE, {fitted:.3} with a flow fitted to its latents"
    );
    Ok(())
}

/// Trains the models for so many steps each.
pub fn run(steps: u64) -> Result<Found, Box<dyn Error>> {
    let toy = Toy::EightGaussians;
    let data = toy.dataset(LEARNT, &mut Noise::new(SEED).fork("learnt")).without_labels();
    let preparation = Preparation::fit(&Recipe::Standardised, &data)?;
    let prepared = || Prepared::<2>::new(data.clone(), preparation.clone());
    let (fresh, _) = toy.sample(FRESH, &mut Noise::new(SEED).fork("fresh"));
    let own = fresh.chunks(2).map(|p| toy.log_density([0, 1].map(|i| f64::from(p[i]))));
    let truth = own.sum::<f64>() / FRESH as f64;
    let seen = preparation.apply(&fresh, &mut Noise::new(SEED));
    let shift = preparation.log_det(&seen).iter().sum::<f64>() / FRESH as f64;
    let fresh = points(seen);
    let training = || runs::flow_training(steps);

    let standard = runs::fit(vae()?, prepared()?, training(), SEED)?;
    let latents = standard.encode(all(&prepared()?), &Condition::none())?.point();
    let prior = LatentFlow::new(vae()?, flow(FlowKind::nsf(), None)?, None)?;
    let prior = runs::fit(prior, prepared()?, training(), SEED)?;
    let posterior = Some(flow(FlowKind::maf(), Some(4))?);
    let both = LatentFlow::new(vae()?, flow(FlowKind::nsf(), None)?, posterior)?;
    let both = runs::fit(both, prepared()?, training(), SEED)?;

    let fitted = over_latents(latents, steps)?;
    let noise = || Noise::new(SEED).fork("samples");
    let options = SampleOptions::default();
    let of_vae: Tensor<2> = standard.sample(FRESH, &options, &mut noise())?;
    let z: Tensor<2> = fitted.sample(FRESH, &options, &mut noise())?;
    let of_fitted: Tensor<2> =
        standard.decode_draw(z, &Condition::none(), &mut noise().fork("decoder"))?;
    let near = |drawn: Tensor<2>| {
        let drawn: Vec<f32> = drawn.into_data().iter().collect();
        near_centres(&preparation.inverse(&drawn))
    };
    Ok(Found {
        truth,
        standard: nats(&standard, &fresh, shift)?,
        prior: nats(&prior, &fresh, shift)?,
        both: nats(&both, &fresh, shift)?,
        near: [near(of_vae), near(of_fitted)],
    })
}

fn points(values: Vec<f32>) -> Tensor<2> {
    let n = values.len() / 2;
    Tensor::from_data(burn::tensor::TensorData::new(values, [n, 2]), &Device::flex())
}

/// All prepared points.
fn all(data: &Prepared<2>) -> Tensor<2> {
    use pyrogen::core::Examples;
    let rows: Vec<usize> = (0..data.len()).collect();
    data.batch(&rows, &mut Noise::new(SEED), &Device::flex()).x
}

fn network() -> MlpConfig {
    MlpConfig { hidden: vec![48, 48], activation: Activation::Silu }
}

/// A VAE of points with two latents.
fn vae() -> Result<Vae, Box<dyn Error>> {
    let config = VaeConfig {
        event: vec![2],
        latents: 2,
        network: Network::Mlp(network()),
        decoder: Decoder::Gaussian { scale: Scale::PerFeature },
        ..VaeConfig::default()
    };
    Ok(config.init(SEED, &Device::flex())?)
}

/// A flow of two latents.
fn flow(kind: FlowKind, context: Option<usize>) -> Result<NormalizingFlow, Box<dyn Error>> {
    let config = NormalizingFlowConfig {
        event: vec![2],
        flow: kind,
        layers: 3,
        network: MlpConfig { hidden: vec![32, 32], activation: Activation::Silu },
        context: context.map(|n| vec![n]),
        ..Default::default()
    };
    Ok(config.init(SEED, &Device::flex())?)
}

/// A flow fitted to latents.
fn over_latents(latents: Tensor<2>, steps: u64) -> Result<NormalizingFlow, Box<dyn Error>> {
    let values: Vec<f32> = latents.into_data().iter().collect();
    let data = pyrogen::data::Dataset::from_parts(values, vec![2], None)?;
    let data = Prepared::<2>::new(data.clone(), Preparation::fit(&Recipe::Raw, &data)?)?;
    runs::fit(flow(FlowKind::nsf(), None)?, data, runs::flow_training(steps), SEED)
}

/// Mean nats of raw points: the bound and the estimate.
fn nats(model: &impl Score<2>, fresh: &Tensor<2>, shift: f64) -> Result<[f64; 2], Box<dyn Error>> {
    let mean = |method: ScoreMethod, draws: usize| -> Result<f64, Box<dyn Error>> {
        let (options, mut noise) = (ScoreOptions { draws, method }, Noise::new(SEED).fork("score"));
        let found =
            model.log_likelihood(fresh.clone(), &Condition::none(), &options, &mut noise)?;
        Ok(found.mean_nats() + shift)
    };
    Ok([mean(ScoreMethod::LowerBound, DRAWS[0])?, mean(ScoreMethod::Estimate, DRAWS[1])?])
}

/// The share of points within two spreads (0.4) of a centre, which are on a circle of radius 2.
fn near_centres(points: &[f32]) -> f64 {
    let near = |p: &&[f32]| {
        (0..8).any(|k| {
            let angle = std::f32::consts::TAU * k as f32 / 8.0;
            (p[0] - 2.0 * angle.cos()).hypot(p[1] - 2.0 * angle.sin()) < 0.4
        })
    };
    points.chunks(2).filter(near).count() as f64 / (points.len() / 2) as f64
}
