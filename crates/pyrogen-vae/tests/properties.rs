//! Seeds, shapes, saving, errors and learning.

use std::fs;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use pyrogen_core::distribution::Moments;
use pyrogen_core::folder::{Card, to_bytes};
use pyrogen_core::latent::{LatentReport, LatentStatistics};
use pyrogen_core::{
    Batch, Condition, Decode, Describe, Encode, FolderError, Likelihood, LikelihoodKind, Noise,
    Objective, RequestError, Sample, SampleOptions, Score, ScoreMethod, ScoreOptions, Seed, config,
};
use pyrogen_nn::{Activation, ConvConfig, MlpConfig, Network};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::gradients;
use pyrogen_vae::{
    BetaTc, Column, Decoder, FAMILY, Factor, Info, Kernel, Prior, Scale, Vae, VaeConfig,
    VaeObjective, Wae,
};

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

#[test]
fn samples_repeat_and_do_not_depend_on_the_batch() {
    let device = device();
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        let condition = labels(&config, 6, &device);
        let options = SampleOptions { condition: condition.clone(), temperature: 0.8 };
        let noise = Noise::new(Seed(2));
        let all: Tensor<4> = vae.sample(6, &options, &mut noise.clone());
        assert_eq!(all.dims(), [6, 1, 8, 8]);
        assert!(!all.is_autodiff());
        let data = all.to_data();
        let again: Tensor<4> = vae.sample(6, &options, &mut noise.clone());
        assert_eq!(data, again.into_data());
        let part = SampleOptions { condition: condition.rows(2..3), ..options };
        let one: Tensor<2> = vae.sample(1, &part, &mut noise.rows(2..3, 6));
        assert_close(&values(one), &values(all.slice(2..3)), ROUNDING);
    }
}

#[test]
fn draws_from_the_decoder_are_of_the_datas_kind() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let options = SampleOptions::default();
    let x: Tensor<4> = vae.sample_from_decoder(4, &options, &mut Noise::new(Seed(2)));
    let levels = values(x);
    assert!(levels.iter().all(|v| (v * 16.0 - (v * 16.0).round()).abs() < ROUNDING));
    let distinct = |v: &f64| (v * 16.0).round() as i64;
    let first = distinct(&levels[0]);
    assert!(levels.iter().any(|v| distinct(v) != first));
    let mean: Tensor<4> = vae.sample(4, &options, &mut Noise::new(Seed(2)));
    assert!(values(mean).iter().all(|v| (0.0..=1.0).contains(v)));
}

#[test]
fn temperature_zero_is_the_middle_of_the_latent_space() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let options = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
    let x: Tensor<2> = vae.sample(1, &options, &mut Noise::new(Seed(2)));
    let middle: Tensor<2> = vae.decode(Tensor::zeros([1, 3], &device), &Condition::none());
    assert_close(&values(x), &values(middle), ROUNDING);
}

fn score(
    vae: &Vae,
    x: Tensor<2>,
    given: &Condition,
    draws: usize,
    noise: &mut Noise,
) -> Likelihood {
    let options = ScoreOptions { draws, method: ScoreMethod::Estimate };
    vae.log_likelihood(x, given, &options, noise)
}

/// Six rows are decoded in another number of chunks than one row.
#[test]
fn scores_of_a_row_do_not_depend_on_its_batch() {
    let device = device();
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        let x = digits_like(6, &mut Noise::new(Seed(1)), &device);
        let noise = Noise::new(Seed(2));
        let draws = 400;
        let given = labels(&config, 6, &device);
        let all = score(&vae, x.clone(), &given, draws, &mut noise.clone());
        assert_eq!((all.kind(), all.dims()), (LikelihoodKind::Estimate, 64));
        let (x, given) = (x.slice(4..5), given.rows(4..5));
        let one = score(&vae, x, &given, draws, &mut noise.rows(4..5, 6));
        assert_close(one.nats(), &all.nats()[4..5], ROUNDING);
        let errors = |l: &Likelihood| l.example_std_err().unwrap().to_vec();
        assert_close(&errors(&one), &errors(&all)[4..5], ROUNDING);
    }
}

#[test]
fn the_bound_lies_below_the_estimate_and_ignores_beta() {
    let device = device();
    let config = VaeConfig { network: mlp(&[8]), ..small() };
    let vae = config.init(Seed(4), &device).unwrap();
    let x = digits_like(4, &mut Noise::new(Seed(1)), &device);
    let bound = |vae: &Vae, draws| {
        let options = ScoreOptions { draws, method: ScoreMethod::LowerBound };
        let x = x.clone();
        vae.log_likelihood(x, &Condition::none(), &options, &mut Noise::new(Seed(2)))
    };
    let lower = bound(&vae, 2000);
    assert_eq!(lower.kind(), LikelihoodKind::LowerBound);
    assert!(lower.std_err().unwrap() > 0.0);
    assert_eq!(bound(&vae, 1).std_err(), None);
    let estimate = score(&vae, x.clone(), &Condition::none(), 2000, &mut Noise::new(Seed(2)));
    for (l, e) in lower.nats().iter().zip(estimate.nats()) {
        assert!(l < e, "{l} is not below {e}");
    }
    let heavier = VaeConfig { beta: 4.0, ..config }.init(Seed(4), &device).unwrap();
    assert_eq!(bound(&heavier, 10), bound(&vae, 10));
}

#[test]
fn posteriors_of_shaped_and_flat_examples_agree() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let flat = digits_like(3, &mut Noise::new(Seed(1)), &device);
    let shaped: Tensor<4> = flat.clone().reshape([3, 1, 8, 8]);
    let given = Condition::none();
    let (a, b) = (vae.encode(flat, &given), vae.encode(shaped, &given));
    assert_eq!(values(a.base().mean()), values(b.base().mean()));
    assert_eq!(a.base().mean().dims(), [3, 3]);
}

/// More examples than are encoded at once.
#[test]
fn the_latent_report_sees_every_example() {
    let device = device();
    let config = VaeConfig { network: mlp(&[8]), classes: Some(3), ..small() };
    let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
    let x = digits_like(700, &mut Noise::new(Seed(1)), &device);
    let given = labels(&config, 700, &device);
    let report = vae.latent_report(x.clone(), &given).unwrap();
    let mut whole = LatentStatistics::new(3);
    whole.add(&vae.valid().encode(x.clone(), &given)).unwrap();
    let whole = whole.report().unwrap();
    assert_eq!(report.examples, 700);
    let kl = |r: &LatentReport| r.dimensions.iter().map(|d| d.kl).collect::<Vec<_>>();
    assert_close(&kl(&report), &kl(&whole), ROUNDING);
    assert!(vae.latent_report(x.slice(0..1), &given.rows(0..1)).is_err());
}

#[test]
#[should_panic(expected = "Vae: a model with a deterministic encoder has no likelihood")]
fn a_deterministic_encoder_has_no_score() {
    let config = VaeConfig { objective: VaeObjective::Wae(Wae::default()), ..small() };
    let vae = config.init(Seed(4), &device()).unwrap();
    score(&vae, Tensor::zeros([1, 64], &device()), &Condition::none(), 1, &mut Noise::new(Seed(1)));
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
    assert_close(&values(components.base().mean()), &values(posterior.base().mean()), ROUNDING);
}

/// Sampling and the density agree: the mean of `ln p(z)` over draws is minus their entropy, which
/// for components that are far apart is that of one component plus `ln K`.
#[test]
fn a_mixture_prior_is_sampled_with_equal_weights() {
    let device = device();
    let config = VaeConfig {
        network: mlp(&[8]),
        prior: Prior::Vamp { components: 3 },
        decoder: Decoder::Gaussian { scale: Scale::Fixed(1.0) },
        ..small()
    };
    let vae = config.init(Seed(4), &device).unwrap();
    let x = Noise::new(Seed(7)).normal([3, 64], &device) * 30.0;
    let vae = vae.init_from_data(x, &Condition::none(), &mut Noise::new(Seed(1)));
    let none = Condition::none();
    let options = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
    // At temperature 0 every sample is decoded from the mean of a component.
    let samples: Tensor<2> = vae.sample(600, &options, &mut Noise::new(Seed(2)));
    let means = vae.prior_components().unwrap().base().mean();
    let centres: Tensor<2> = vae.decode(means.clone(), &none);
    let mut counts = [0; 3];
    for row in values(samples).chunks(64) {
        let centres = values(centres.clone());
        let near = |c: &[f64]| c.iter().zip(row).all(|(a, b)| (a - b).abs() < ROUNDING);
        counts[centres.chunks(64).position(near).expect("a sample is a component's mean")] += 1;
    }
    // 200 each with a standard deviation of 11.5; five of them.
    assert!(counts.iter().all(|c| (143..=257).contains(c)), "{counts:?}");
    // Between far components the density at a mean is that of its component over K.
    let at_means = values(vae.prior_log_prob(means));
    let log_var = values(vae.prior_components().unwrap().base().log_var());
    for (got, log_var) in at_means.iter().zip(log_var.chunks(3)) {
        let own = -0.5 * log_var.iter().map(|v| v + std::f64::consts::TAU.ln()).sum::<f64>();
        assert!(*got >= own - 3f64.ln() - ROUNDING, "{got} {own}");
        assert!(*got <= own.max(0.0) + 3.0, "{got} {own}");
    }
}

#[test]
fn a_condition_changes_what_is_drawn() {
    let device = device();
    let config = VaeConfig { classes: Some(2), ..small() };
    let vae = config.init(Seed(4), &device).unwrap();
    let z = Noise::new(Seed(1)).normal([1, 3], &device);
    let of = |class| {
        let x: Tensor<2> = vae.decode(z.clone(), &Condition::class(class, 1, &device));
        values(x)
    };
    assert_ne!(of(0), of(1));
    assert_eq!(vae.check_classes(None), Err(RequestError::MissingLabels { classes: 2 }));
    assert_eq!(
        vae.check_classes(Some(&[0, 2])),
        Err(RequestError::ClassOutOfRange { got: 2, classes: 2 })
    );
}

#[test]
#[should_panic(expected = "Vae: the model is conditional: give one label (of 2) an example")]
fn missing_labels_panic() {
    let vae = VaeConfig { classes: Some(2), ..small() }.init(Seed(4), &device()).unwrap();
    let batch = Batch::new(Tensor::zeros([1, 64], &device()));
    let draws = vae.draw(&batch, &mut Noise::new(Seed(0)));
    vae.loss(batch, draws);
}

fn told_a_picture() -> Vae {
    VaeConfig { context: Some(vec![2, 8, 8]), ..small() }.init(Seed(4), &device()).unwrap()
}

#[test]
#[should_panic(expected = "told a context of shape [2, 8, 8] an example: give it")]
fn a_missing_context_panics() {
    let _: Tensor<2> =
        told_a_picture().decode(Tensor::zeros([1, 3], &device()), &Condition::none());
}

#[test]
#[should_panic(expected = "expected contexts [1, 128] (shape [2, 8, 8], flat), got [1, 64]")]
fn a_context_of_another_shape_panics() {
    let given = Condition::context(Tensor::<4>::zeros([1, 1, 8, 8], &device()));
    let _: Tensor<2> = told_a_picture().decode(Tensor::zeros([1, 3], &device()), &given);
}

#[test]
#[should_panic(expected = "Vae: a context was given to a model that takes none")]
fn an_unwanted_context_panics() {
    let vae = small().init(Seed(4), &device()).unwrap();
    let given = Condition::context(Tensor::<2>::zeros([1, 64], &device()));
    let _: Tensor<2> = vae.decode(Tensor::zeros([1, 3], &device()), &given);
}

#[test]
fn contexts_are_checked_before_any_computing() {
    use pyrogen_core::Describe;
    let (with, without) = (told_a_picture(), small().init(Seed(4), &device()).unwrap());
    assert!(
        with.check_context(Some(&[2, 8, 8])).is_ok() && with.check_context(Some(&[128])).is_ok()
    );
    assert!(without.check_context(None).is_ok());
    let message = |result: Result<(), RequestError>| result.unwrap_err().to_string();
    assert_eq!(
        message(with.check_context(None)),
        "the model is told a context of shape [2, 8, 8] with each example: give one"
    );
    assert_eq!(
        message(with.check_context(Some(&[1, 8, 8]))),
        "the model takes contexts of shape [2, 8, 8], got [1, 8, 8]"
    );
    assert_eq!(
        message(without.check_context(Some(&[1]))),
        "a context was given, but the model takes none"
    );
}

#[test]
#[should_panic(expected = "Vae: expected draws [2, 1, 3], got [2, 1, 4]")]
fn draws_of_another_shape_panic() {
    let vae = small().init(Seed(4), &device()).unwrap();
    vae.loss(Batch::new(Tensor::zeros([2, 64], &device())), Tensor::zeros([2, 1, 4], &device()));
}

#[test]
#[should_panic(expected = "Vae: a class was given to a model without classes")]
fn unwanted_labels_panic() {
    let vae = small().init(Seed(4), &device()).unwrap();
    let given = Condition::class(0, 1, &device());
    let _: Tensor<2> = vae.decode(Tensor::zeros([1, 3], &device()), &given);
}

#[test]
fn a_network_that_is_not_a_number_is_not_hidden() {
    let device = device();
    let vae = small().init(Seed(4), &device).unwrap();
    let x = Tensor::full([1, 64], f32::NAN, &device);
    let noise = &mut Noise::new(Seed(0));
    assert!(score(&vae, x, &Condition::none(), 4, noise).mean_nats().is_nan());
}

#[test]
fn a_saved_model_is_the_same_model() {
    let device = device();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    for config in every_kind() {
        let vae = config.init(Seed(4), &device.clone().autodiff()).unwrap();
        vae.save(&path, &Card::new(FAMILY, Seed(4))).unwrap();
        let loaded = Vae::load(&path, &device).unwrap();
        assert_eq!(loaded.config(), &config);
        assert_eq!(to_bytes(&loaded), to_bytes(&vae));
    }
}

#[test]
fn bad_folders_are_errors() {
    let device = device();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let weights = path.join("model.safetensors");
    let write = || {
        let vae = small().init(Seed(4), &device).unwrap();
        vae.save(&path, &Card::new(FAMILY, Seed(4))).unwrap();
    };
    let edit = |file: &str, from: &str, to: &str| {
        write();
        let file = path.join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replace(from, to)).unwrap();
        Vae::load(&path, &device).unwrap_err()
    };
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Io { .. })));
    assert!(matches!(edit("card.json", "\"vae\"", "\"gan\""), FolderError::Family { .. }));
    assert!(matches!(edit("config.json", "\"latents\"", "\"latent\""), FolderError::Json { .. }));
    assert!(matches!(
        edit("config.json", "\"levels\": 17", "\"levels\": 1"),
        FolderError::Config { .. }
    ));
    assert!(matches!(
        edit("config.json", "\"latents\": 3", "\"latents\": 4"),
        FolderError::Mismatch { .. }
    ));
    let huge = edit("config.json", "\"latents\": 3", "\"latents\": 1000000000000000");
    assert!(matches!(huge, FolderError::Mismatch { .. }));
    assert!(!huge.to_string().contains('\n'));
    write();
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Weights { .. })));
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&weights, flipped).unwrap();
    assert!(matches!(Vae::load(&path, &device), Err(FolderError::Damaged { .. })));
}

#[test]
fn bad_configs_are_named() {
    let logistic = |levels, scale| Decoder::DiscretisedLogistic { levels, scale };
    let columns = |columns| Decoder::Columns { columns };
    let vamp = Prior::Vamp { components: 3 };
    let discriminator = MlpConfig { hidden: vec![0], ..MlpConfig::default() };
    let no_units = Factor { discriminator, ..Factor::default() };
    let kernel = Kernel::InverseMultiquadratic { scales: vec![] };
    let no_scales = Wae { kernel, ..Wae::default() };
    let cases = [
        (
            VaeConfig { event: vec![], ..small() },
            "`event` must be a list of sizes, each at least 1, got []",
        ),
        (
            VaeConfig { event: vec![1, 0], ..small() },
            "`event` must be a list of sizes, each at least 1, got [1, 0]",
        ),
        (VaeConfig { latents: 0, ..small() }, "`latents` must be at least 1, got 0"),
        (
            VaeConfig { network: mlp(&[0]), ..small() },
            "`network.mlp.hidden` must be a list of widths, each at least 1, got [0]",
        ),
        (
            VaeConfig { event: vec![64], ..small() },
            "`network` must be `mlp` for examples of shape [64] (`conv` takes [channels, height, width]), got conv",
        ),
        (
            VaeConfig { decoder: logistic(1, Scale::Shared), ..small() },
            "`decoder.discretised_logistic.levels` must be from 2 to 65536, got 1",
        ),
        (
            VaeConfig { decoder: logistic(65537, Scale::Shared), ..small() },
            "`decoder.discretised_logistic.levels` must be from 2 to 65536, got 65537",
        ),
        (
            VaeConfig { decoder: logistic(2, Scale::Fixed(0.0)), ..small() },
            "`decoder.discretised_logistic.scale.fixed` must be a positive number, got 0",
        ),
        (
            VaeConfig { decoder: Decoder::Gaussian { scale: Scale::Fixed(f64::NAN) }, ..small() },
            "`decoder.gaussian.scale.fixed` must be a positive number, got NaN",
        ),
        (
            VaeConfig { beta: -1.0, ..small() },
            "`beta` must be a number that is not negative, got -1",
        ),
        (
            VaeConfig { beta: f64::INFINITY, ..small() },
            "`beta` must be a number that is not negative, got inf",
        ),
        (
            VaeConfig { objective: VaeObjective::Iwae { samples: 0 }, ..small() },
            "`objective.iwae.samples` must be at least 1, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::BetaTc(BetaTc::default()), ..small() },
            "`objective.beta_tc.examples` must be at least 1, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::FreeBits { nats: -1.0 }, ..small() },
            "`objective.free_bits.nats` must be a number that is not negative, got -1",
        ),
        (
            VaeConfig { objective: VaeObjective::Capacity { gamma: 0.0, nats: 1.0 }, ..small() },
            "`objective.capacity.gamma` must be a positive number, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::Factor(no_units), ..small() },
            "`objective.factor.discriminator.hidden` must be a list of widths, each at least 1, got [0]",
        ),
        (
            VaeConfig {
                objective: VaeObjective::Info(Info { alpha: 0.5, lambda: 0.25, ..Info::default() }),
                ..small()
            },
            "`objective.info.lambda` must be a number of at least 1 - alpha (0.5), got 0.25",
        ),
        (
            VaeConfig { objective: VaeObjective::Wae(no_scales), ..small() },
            "`objective.wae.kernel.inverse_multiquadratic.scales` must be a list of numbers, got none",
        ),
        (
            VaeConfig { objective: VaeObjective::Wae(Wae::default()), beta: 2.0, ..small() },
            "`beta` must be 1 with `wae`, got 2",
        ),
        (
            VaeConfig { prior: Prior::Vamp { components: 0 }, ..small() },
            "`prior.vamp.components` must be at least 1, got 0",
        ),
        (
            VaeConfig { prior: vamp, objective: VaeObjective::Info(Info::default()), ..small() },
            "`prior` must be `standard` with `info`, got vamp",
        ),
        (
            VaeConfig { prior: vamp, classes: Some(2), ..small() },
            "`prior` must be `standard` with `classes`, got vamp",
        ),
        (
            VaeConfig { decoder: Decoder::Categorical { levels: 257 }, ..small() },
            "`decoder.categorical.levels` must be from 2 to 256, got 257",
        ),
        (
            VaeConfig { decoder: Decoder::LogisticMixture { levels: 9, components: 0 }, ..small() },
            "`decoder.logistic_mixture.components` must be at least 1, got 0",
        ),
        (
            VaeConfig { decoder: Decoder::ColourMixture { levels: 9, components: 2 }, ..small() },
            "`decoder.colour_mixture` must be used with events [3, height, width], got [1, 8, 8]",
        ),
        (
            VaeConfig { decoder: columns(vec![Column::Category(63)]), ..small() },
            "`decoder.columns.columns` must be columns of 64 features together, as `event` has, got 63",
        ),
        (
            VaeConfig {
                decoder: columns(vec![Column::Category(0), Column::Category(64)]),
                ..small()
            },
            "`decoder.columns.columns` must be categories of at least 1 value, got 0",
        ),
        (
            VaeConfig { objective: VaeObjective::Iwae { samples: 5 }, beta: 2.0, ..small() },
            "`beta` must be 1 with `iwae`, got 2",
        ),
        (
            VaeConfig {
                prior: Prior::Vamp { components: 5 },
                context: Some(vec![3]),
                network: mlp(&[8]),
                ..small()
            },
            "`prior` must be `standard` with `context`, got vamp",
        ),
        (
            VaeConfig { context: Some(vec![]), network: mlp(&[8]), ..small() },
            "`context` must be a list of sizes, each at least 1, got []",
        ),
        (
            VaeConfig { context: Some(vec![1, 4, 4]), network: conv(), ..small() },
            "`context` must be [channels, 8, 8] with `conv`, as the examples are (resize the \
             contexts, or use `mlp`), got [1, 4, 4]",
        ),
        (VaeConfig { classes: Some(0), ..small() }, "`classes` must be at least 1, got 0"),
    ];
    for (bad, message) in cases {
        let error = bad.init(Seed(0), &device()).unwrap_err().to_string();
        assert_eq!(error, format!("config: field {message}"));
    }
}

#[test]
fn configs_survive_json_and_refuse_unknown_fields() {
    for config in every_kind() {
        assert_eq!(config::from_value::<VaeConfig>(config::to_value(&config)).unwrap(), config);
    }
    for bad in [
        r#"{"latent": 3}"#,
        r#"{"decoder": {"gaussian": {"scale": "shared", "levels": 3}}}"#,
        r#"{"decoder": "poisson"}"#,
        r#"{"objective": {"iwae": {"sample": 3}}}"#,
        r#"{"network": {"mlp": {"width": 3}}}"#,
    ] {
        assert!(config::from_json::<VaeConfig>(bad).is_err(), "{bad}");
    }
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
