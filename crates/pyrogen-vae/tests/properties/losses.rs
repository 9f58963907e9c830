//! Losses and bounds.

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Tensor;
use pyrogen_core::distribution::Moments;
use pyrogen_core::{Batch, Condition, Noise, Objective, Seed};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::gradients;
use pyrogen_vae::{Decoder, VaeConfig, VaeObjective};

use super::{ROUNDING, assert_close, digits_like, every_kind, labels, mlp, score, small, values};

#[test]
fn every_parameter_gets_a_gradient() {
    let device = device().autodiff();
    for config in every_kind() {
        let vae = config.init(Seed(4), &device).unwrap();
        let mut noise = Noise::new(Seed(1));
        let x = digits_like(5, &mut noise, &device);
        let batch = Batch::new(x).with_labels(labels(&config, 5, &device).labels);
        let draws = vae.draw(&batch, &mut noise);
        let loss = vae.loss(batch, draws);
        for (name, gradient) in gradients(&vae, &loss.total().backward()) {
            assert!(gradient.values.iter().any(|&g| g != 0.0), "{name} of {config:?}");
            assert!(gradient.values.iter().all(|g| g.is_finite()), "{name} of {config:?}");
        }
    }
}

#[test]
fn losses_are_pure_and_ignore_labels_that_the_model_does_not_read() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let mut noise = Noise::new(Seed(1));
    let x = digits_like(5, &mut noise, &device);
    let plain = Batch::new(x.clone());
    let labelled = Batch::new(x).with_labels(Condition::class(1, 5, &device).labels);
    let draws = vae.draw(&plain, &mut noise);
    assert_eq!(draws.dims(), [5, 1, 3]);
    let first = vae.loss(plain, draws.clone()).values();
    assert_eq!(vae.loss(labelled, draws).values(), first);
}

/// With one draw the importance-weighted bound is the evidence lower bound whose divergence is
/// sampled: `log q(z | x) - log p(z)` at the draw in place of its expectation.
#[test]
fn iwae_of_one_draw_is_the_elbo() {
    let device = device();
    let elbo = VaeConfig { network: mlp(&[8]), ..small() };
    let iwae = VaeConfig { objective: VaeObjective::Iwae { samples: 1 }, ..elbo.clone() };
    let (elbo, iwae) = (elbo.init(Seed(4), &device).unwrap(), iwae.init(Seed(4), &device).unwrap());
    let mut noise = Noise::new(Seed(1));
    let x = digits_like(1, &mut noise, &device);

    let draws = noise.normal([1, 1, 3], &device);
    let terms = iwae.loss(Batch::new(x.clone()), draws.clone()).values();
    let q = elbo.posterior(x.clone(), &Condition::none());
    let q = q.gaussian().unwrap();
    let epsilon = draws.reshape([1, 3]);
    let z = q.base().mean() + q.base().std() * epsilon.clone();
    let sampled = (z.square() - epsilon.square() - q.base().log_var()).sum() * 0.5;
    assert_eq!(terms[0].0, "iwae");
    assert_close(&[terms[0].1], &[terms[1].1 + values(sampled)[0]], ROUNDING);

    // In the mean over many draws the two losses agree, to five standard errors of the sampled
    // divergence around its expectation.
    const DRAWS: usize = 4000;
    let many = x.repeat_dim(0, DRAWS);
    let draws = noise.normal([DRAWS, 1, 3], &device);
    let expected = elbo.loss(Batch::new(many.clone()), draws.clone()).values();
    let total: f64 = expected.iter().map(|(_, v)| v).sum();
    let bound = iwae.loss(Batch::new(many), draws.clone()).values()[0].1;
    let epsilon = draws.reshape([DRAWS, 3]);
    let z = q.base().mean() + q.base().std() * epsilon.clone();
    let sampled = (z.square() - epsilon.square() - q.base().log_var()).sum_dim(1) * 0.5;
    let kl = expected[1].1;
    let variance = values(sampled).iter().map(|v| (v - kl).powi(2)).sum::<f64>() / DRAWS as f64;
    assert!((bound - total).abs() < 5.0 * (variance / DRAWS as f64).sqrt(), "{bound}, {total}");
    assert!(variance > 0.0);
}

#[test]
fn the_bound_rises_with_its_draws() {
    let device = device();
    let mut noise = Noise::new(Seed(1));
    let x = digits_like(1, &mut noise, &device).repeat_dim(0, 300);
    let bounds: Vec<f64> = [1, 4, 16, 64]
        .into_iter()
        .map(|samples| {
            let objective = VaeObjective::Iwae { samples };
            let config = VaeConfig { objective, network: mlp(&[8]), ..small() };
            let vae = config.init(Seed(4), &device).unwrap();
            let batch = Batch::new(x.clone());
            let draws = vae.draw(&batch, &mut noise);
            -vae.loss(batch, draws).values()[0].1
        })
        .collect();
    assert!(bounds.windows(2).all(|b| b[1] > b[0]), "{bounds:?}");
}

/// Two patterns of eight bits with a twentieth of the bits flipped: `ln 2 + 8 H(1/20)` = 2.28 nats
/// an example. A model that learns nothing pays `8 ln 2` = 5.55.
#[test]
fn a_small_model_learns_two_patterns() {
    const REACHED: f64 = 2.6;
    let device = device();
    let config = VaeConfig {
        event: vec![8],
        latents: 1,
        network: mlp(&[16]),
        decoder: Decoder::Bernoulli,
        ..VaeConfig::default()
    };
    let mut noise = Noise::new(Seed(3));
    let mut data = |rows: usize| {
        let side = noise.uniform([rows, 1], &device).greater_scalar(0.5).float().expand([rows, 4]);
        let pattern = Tensor::cat(vec![side.clone(), side.neg() + 1.0], 1);
        let flips = noise.uniform([rows, 8], &device).lower_scalar(0.05).float();
        (pattern - flips).abs()
    };
    let (train, held_out) = (data(512), data(512));
    let mut vae = config.init(Seed(1), &device.clone().autodiff()).unwrap();
    let mut optimizer = AdamConfig::new().init();
    let mut draws = Noise::new(Seed(4));
    for _ in 0..400 {
        let batch = Batch::new(train.clone());
        let epsilon = vae.draw(&batch, &mut draws);
        let loss = vae.loss(batch, epsilon);
        let grads = GradientsParams::from_grads(loss.total().backward(), &vae);
        vae = optimizer.step(1e-2, vae, grads);
    }
    let nats = score(&vae, held_out, &Condition::none(), 100, &mut draws).mean_nats();
    assert!(-nats < REACHED, "{nats}");
    assert!(-nats > 2.0, "no model is better than the entropy of the data: {nats}");
}
