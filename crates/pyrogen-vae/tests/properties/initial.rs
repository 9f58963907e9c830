//! What a model starts from.

use burn::module::Module;
use burn::tensor::{Distribution, Tensor};
use pyrogen_core::distribution::Moments;
use pyrogen_core::folder::to_bytes;
use pyrogen_core::{Condition, Noise, Seed};
use pyrogen_testkit::device;
use pyrogen_vae::{Decoder, Prior, Scale, VaeConfig};

use super::{ROUNDING, assert_close, every_kind, mlp, small, values};

#[test]
fn one_seed_gives_the_same_bytes_whatever_else_draws() {
    let device = device();
    for config in every_kind() {
        let first = config.init(Seed(4), &device).unwrap();
        let _ = Tensor::<1>::random([3], Distribution::Default, &device).into_data();
        let second = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        assert_eq!(to_bytes(&first), to_bytes(&second.valid()));
        assert_ne!(to_bytes(&first), to_bytes(&config.init(Seed(5), &device).unwrap()));
        assert_eq!(config.num_params().unwrap(), first.num_params());
    }
}

/// The examples have a spread of 0.05 in half of their elements and of 0.5 in the others.
#[test]
fn scales_start_at_the_residuals_and_pseudo_inputs_at_examples() {
    // The untrained network adds its own error to the spread of the examples.
    const NEAR: std::ops::Range<f64> = 0.8..1.6;
    let device = device();
    let mut noise = Noise::new(Seed(1));
    let spread = Tensor::cat(vec![Tensor::ones([300, 32], &device) * 0.05; 1], 1);
    let spread = Tensor::cat(vec![spread, Tensor::ones([300, 32], &device) * 0.5], 1);
    let config = VaeConfig {
        network: mlp(&[8]),
        prior: Prior::Vamp { components: 4 },
        decoder: Decoder::Gaussian { scale: Scale::PerFeature },
        ..small()
    };
    let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
    let z = Tensor::zeros([1, 3], &device.clone().autodiff());
    let centre = vae.likelihood(z, &Condition::none()).mean().inner();
    let x = noise.normal([300, 64], &device) * spread + centre;
    let vae = vae.init_from_data(x.clone(), &Condition::none(), &mut noise).valid();
    let z = Tensor::zeros([1, 3], &device);
    let std = values(vae.likelihood(z, &Condition::none()).variance().sqrt());
    for (j, std) in std.iter().enumerate() {
        let expected = if j < 32 { 0.05 } else { 0.5 };
        // The network's own spread over the latents is about 0.1.
        let range = if j < 32 { 0.05..0.4 } else { NEAR.start * expected..NEAR.end * expected };
        assert!(range.contains(std), "{j}: {std}");
    }
    let components = vae.prior_components().unwrap();
    let posterior = vae.posterior(x.slice(0..4), &Condition::none());
    assert_close(&values(components.base().mean()), &values(posterior.point()), ROUNDING);
}
