//! Properties of the model that no other package is needed for.

mod conditions;
mod configs;
mod folders;
mod initial;
mod losses;
mod sampling;
mod scoring;

use burn::tensor::{Device, Tensor};
use pyrogen_core::{Condition, Likelihood, Noise, Score, ScoreMethod, ScoreOptions};
use pyrogen_nn::{Activation, ConvConfig, MlpConfig, Network};
use pyrogen_vae::{Decoder, Scale, Vae, VaeConfig, VaeObjective};

/// Sums of some hundred products in f32, in another order (matrix products of other sizes).
const ROUNDING: f64 = 1e-4;

fn mlp(hidden: &[usize]) -> Network {
    Network::Mlp(MlpConfig { hidden: hidden.to_vec(), activation: Activation::Silu })
}

fn conv() -> Network {
    let (channels, hidden) = (vec![3, 4], vec![8]);
    Network::Conv(ConvConfig { channels, hidden, activation: Activation::Silu })
}

fn small() -> VaeConfig {
    VaeConfig { latents: 3, network: conv(), ..VaeConfig::default() }
}

fn every_kind() -> Vec<VaeConfig> {
    let logistic = |scale| Decoder::DiscretisedLogistic { levels: 5, scale };
    let decoders = [
        Decoder::Gaussian { scale: Scale::Fixed(0.5) },
        Decoder::Gaussian { scale: Scale::Shared },
        Decoder::Gaussian { scale: Scale::Predicted },
        Decoder::Bernoulli,
        logistic(Scale::PerFeature),
        logistic(Scale::Predicted),
    ];
    let mut all = Vec::new();
    for decoder in decoders {
        for network in [mlp(&[8]), conv()] {
            for (objective, classes) in
                [(VaeObjective::Elbo, None), (VaeObjective::Iwae { samples: 2 }, Some(3))]
            {
                let (decoder, network) = (decoder.clone(), network.clone());
                all.push(VaeConfig { decoder, network, objective, classes, ..small() });
            }
        }
    }
    all
}

fn labels(config: &VaeConfig, rows: usize, device: &Device) -> Condition {
    match config.classes {
        Some(classes) => {
            Condition::classes(&(0..rows).map(|i| i % classes).collect::<Vec<_>>(), device)
        }
        None => Condition::none(),
    }
}

fn digits_like(rows: usize, noise: &mut Noise, device: &Device) -> Tensor<2> {
    (noise.uniform([rows, 64], device) * 4.0).round() / 4.0
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "got {g}, expected {e}");
    }
}

/// The importance-sampled estimate.
fn score(
    vae: &Vae,
    x: Tensor<2>,
    given: &Condition,
    draws: usize,
    noise: &mut Noise,
) -> Likelihood {
    let options = ScoreOptions { draws, method: ScoreMethod::Estimate };
    vae.log_likelihood(x, given, &options, noise).unwrap()
}
