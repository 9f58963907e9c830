//! Ladders and codebooks: the promises that every family makes, and their own.

use std::path::Path;

use crate::common::{trained, trained_with};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::distribution::Moments;
use pyrogen_core::folder::{Card, to_bytes};
use pyrogen_core::{
    Batch, Condition, Decode, Encode, LikelihoodKind, Noise, Objective, Posterior, Sample,
    SampleOptions, Score, ScoreMethod, ScoreOptions, Seed, config,
};
use pyrogen_nn::{Activation, ConvConfig, MlpConfig, Network};
use pyrogen_testkit::{self as kit, Rows, device, host};
use pyrogen_train::{GradientConfig, OptimizerConfig, TrainConfig, WorkerCount};
use pyrogen_vae::{
    CodeLearning, Decoder, LadderConfig, LadderVae, Scale, VqConfig, VqNetwork, VqVae,
};

/// Sums of some hundred products in f32, in another order.
const ROUNDING: f64 = 1e-4;

fn ladders() -> Vec<LadderConfig> {
    let mlp = Network::Mlp(MlpConfig { hidden: vec![12], ..MlpConfig::default() });
    let conv = ConvConfig { channels: vec![4], hidden: vec![8], ..ConvConfig::default() };
    let base = LadderConfig {
        event: vec![1, 5, 4],
        latents: vec![4, 2],
        network: mlp,
        width: 8,
        decoder: Decoder::Bernoulli,
        ..LadderConfig::default()
    };
    vec![
        LadderConfig { latents: vec![3], classes: Some(3), ..base.clone() },
        LadderConfig {
            network: Network::Conv(conv.clone()),
            context: Some(vec![2, 5, 4]),
            classes: Some(2),
            ..base.clone()
        },
        LadderConfig {
            network: Network::Conv(conv),
            latents: vec![4, 3, 2],
            decoder: Decoder::Gaussian { scale: Scale::PerFeature },
            ..base.clone()
        },
        base,
    ]
}

fn codebooks() -> Vec<VqConfig> {
    let mlp = VqNetwork::Mlp { hidden: vec![8], activation: Activation::default(), positions: 3 };
    let base = VqConfig {
        event: vec![1, 5, 4],
        network: VqNetwork::Conv { channels: vec![4], activation: Activation::default() },
        codes: 6,
        dim: 2,
        decoder: Decoder::Bernoulli,
        ..VqConfig::default()
    };
    vec![
        VqConfig { learning: CodeLearning::Gradient, levels: 2, ..base.clone() },
        VqConfig {
            network: mlp,
            decoder: Decoder::Gaussian { scale: Scale::Shared },
            ..base.clone()
        },
        VqConfig { levels: 3, ..base },
    ]
}

fn bits(n: usize) -> Vec<f32> {
    Noise::new(Seed(2)).uniform_vec(n * 20).iter().map(|v| v.round() as f32).collect()
}

fn examples(n: usize) -> Tensor<2> {
    Tensor::from_data(TensorData::new(bits(n), [n, 20]), &device())
}

fn ladder(config: &LadderConfig) -> LadderVae {
    config.init(Seed(1), &device()).unwrap()
}

fn vq(config: &VqConfig) -> VqVae {
    let model = config.init(Seed(1), &device()).unwrap();
    model.init_from_data(examples(30), &mut Noise::new(Seed(8)))
}

fn condition(config: &LadderConfig, n: usize) -> Condition {
    kit::condition_for(&ladder(config), n, &device())
}

fn sampling<M>(model: &M)
where
    M: Sample<4> + Sample<2> + Clone + Send + Sync,
{
    kit::samples_repeat::<4>(model);
    kit::samples_repeat::<2>(model);
    kit::samples_do_not_depend_on_threads::<4, _>(model);
    kit::samples_do_not_depend_on_each_other::<4>(model);
    kit::serves_a_batch_of_one::<4>(model);
}

#[test]
fn initial_weights_come_from_the_seed_and_are_counted() {
    for config in ladders() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &device()).unwrap());
        assert_eq!(config.num_params().unwrap(), ladder(&config).num_params());
    }
    for config in codebooks() {
        kit::init_depends_on_the_seed_alone(|seed| config.init(seed, &device()).unwrap());
        assert_eq!(config.num_params().unwrap(), vq(&config).num_params());
    }
    // Colours are drawn as maps of a pixel, not of an element.
    let colours = VqConfig {
        event: vec![3, 4, 4],
        decoder: Decoder::ColourMixture { levels: 9, components: 2 },
        ..VqConfig::default()
    };
    let model = colours.init(Seed(1), &device()).unwrap();
    assert_eq!(colours.num_params().unwrap(), model.num_params());
    let drawn: Tensor<4> =
        model.sample(2, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap();
    assert_eq!(drawn.dims(), [2, 3, 4, 4]);
}

#[test]
fn samples() {
    ladders().iter().for_each(|config| sampling(&ladder(config)));
    codebooks().iter().for_each(|config| sampling(&vq(config)));
}

#[test]
fn gradients_reach_every_parameter() {
    let device = device().autodiff();
    let x = || Tensor::from_data(TensorData::new(bits(6), [6, 20]), &device);
    for config in ladders() {
        let model = config.init(Seed(1), &device).unwrap();
        let given = kit::condition_for(&model, 6, &device);
        let batch = Batch::new(x()).with_labels(given.labels).with_context(given.context);
        kit::every_parameter_gets_a_gradient(&model, batch);
    }
    for config in codebooks() {
        let model = config.init(Seed(1), &device).unwrap();
        let model = model.init_from_data(x(), &mut Noise::new(Seed(8)));
        kit::every_parameter_gets_a_gradient(&model, Batch::new(x()));
    }
}

#[test]
fn saving() {
    let card = Card::new("", Seed(1));
    for config in ladders() {
        kit::saves_and_loads(
            &ladder(&config),
            |model, folder| model.save(folder, &card).unwrap(),
            |folder, device| LadderVae::load(folder, device).unwrap(),
        );
        assert_eq!(config::from_value::<LadderConfig>(config::to_value(&config)).unwrap(), config);
    }
    for config in codebooks() {
        kit::saves_and_loads(
            &vq(&config),
            |model, folder| model.save(folder, &card).unwrap(),
            |folder, device| VqVae::load(folder, device).unwrap(),
        );
        assert_eq!(config::from_value::<VqConfig>(config::to_value(&config)).unwrap(), config);
    }
}

#[test]
fn resuming() {
    let data = |condition| Rows { values: bits(20), width: 20, condition };
    for config in ladders() {
        kit::resume_is_exact(|folder, steps| {
            trained(ladder(&config), data(condition(&config, 20)), folder, steps)
        });
    }
    for config in codebooks() {
        kit::resume_is_exact(|folder, steps| {
            trained(vq(&config), data(Condition::none()), folder, steps)
        });
    }
}

#[test]
fn scores_of_a_ladder_agree_with_its_samples() {
    // Gibbs' inequality in the mean of 200 draws, by three standard errors.
    const SIGMAS: f64 = 3.0;
    for config in ladders() {
        let (model, other) = (ladder(&config), config.init(Seed(9), &device()).unwrap());
        let condition = condition(&config, 200);
        let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
        let x: Tensor<2> =
            model.sample_from_decoder(200, &options, &mut Noise::new(Seed(4))).unwrap();
        kit::score_agrees_with_samples::<2, _>(&model, &other, x, &condition, SIGMAS);
    }
}

/// The bound lies below the estimate, and minus rate and distortion is the bound.
#[test]
fn bounds_of_a_ladder() {
    for config in ladders() {
        let (model, x, given) = (ladder(&config), examples(3), condition(&config, 3));
        let score = |method, draws| {
            let options = ScoreOptions { draws, method };
            let noise = &mut Noise::new(Seed(2));
            Score::<2>::log_likelihood(&model, x.clone(), &given, &options, noise).unwrap()
        };
        let lower = score(ScoreMethod::LowerBound, 2000);
        let estimate = score(ScoreMethod::Estimate, 2000);
        for (l, e) in lower.nats().iter().zip(estimate.nats()) {
            assert!(l < e, "{l} is not below {e}");
        }
        let point = model.rate_distortion(x.clone(), &given, &mut Noise::new(Seed(2)));
        let one = score(ScoreMethod::LowerBound, 1).mean_nats();
        assert!((point.bound() - one).abs() < ROUNDING * one.abs(), "{point} {one}");
    }
}

/// Encoding at the means and decoding them goes the same way down the ladder as the loss without
/// noise.
#[test]
fn relative_latents_lead_to_the_same_reconstruction() {
    let config = LadderConfig { beta: 0.0, ..ladders()[3].clone() };
    let (model, x) = (ladder(&config), examples(1));
    let latents = config.total_latents();
    let loss = model.loss(Batch::new(x.clone()), Tensor::zeros([1, 1, latents], &device()));
    let none = Condition::none();
    let posterior = Encode::<2>::encode(&model, x.clone(), &none).unwrap();
    let decoded = model.likelihood(posterior.point(), &none);
    let log_px = pyrogen_core::distribution::Distribution::log_prob(&decoded, x);
    let (got, expected) = (-host(log_px)[0], loss.values()[0].1);
    assert!((got - expected).abs() < ROUNDING * expected, "{got} {expected}");
    let report = model.latent_report(examples(50), &none).unwrap();
    assert_eq!((report.examples, report.dimensions.len()), (50, latents));
}

#[test]
fn codes_and_vectors_are_decoded_alike() {
    for config in codebooks() {
        let (model, x) = (vq(&config), examples(4));
        let none = Condition::none();
        let codes = model.codes(x.clone());
        assert_eq!(codes.dims(), [4, config.slots()]);
        let posterior = Encode::<2>::encode(&model, x.clone(), &none).unwrap();
        let Posterior::Codes { vectors, indices } = posterior else { panic!("codes") };
        assert_eq!(indices.to_data(), codes.to_data());
        let through: Tensor<2> = model.decode(vectors, &none).unwrap();
        let (a, b) = (host(model.decode_codes(codes).mean()), host(through));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < ROUNDING));
        let score = Score::<2>::log_likelihood(
            &model,
            x.clone(),
            &none,
            &ScoreOptions::default(),
            &mut Noise::new(Seed(1)),
        )
        .unwrap();
        assert_eq!(score.kind(), LikelihoodKind::LowerBound);
        let point = model.rate_distortion(x, &none);
        assert!((point.bound() - score.mean_nats()).abs() < ROUNDING * point.distortion);
        // Before training every code is as frequent as the others.
        let equal = config.slots() as f64 * (config.codes as f64).ln();
        assert!((point.rate - equal).abs() < ROUNDING * equal, "{point} {equal}");
    }
}

/// Only a loss with gradients moves what the model keeps beside its weights.
#[test]
fn averages_move_in_training_alone() {
    for config in codebooks() {
        let device = device().autodiff();
        let trained = config.init(Seed(1), &device).unwrap();
        let still = trained.valid();
        let batch = Batch::new(examples(6));
        let draws = still.draw(&batch, &mut Noise::new(Seed(1)));
        let before = host(still.log_frequencies());
        still.loss(batch.clone(), draws.clone());
        assert_eq!(host(still.log_frequencies()), before);
        trained.loss(batch, draws);
        assert_ne!(host(trained.valid().log_frequencies()), before);
    }
}

/// A model with a code for each of four patterns of eight bits.
fn four_codes(device: &Device) -> VqVae {
    let config = VqConfig {
        event: vec![8],
        network: VqNetwork::Mlp { hidden: vec![16], activation: Activation::Silu, positions: 1 },
        codes: 4,
        dim: 2,
        decoder: Decoder::Bernoulli,
        ..VqConfig::default()
    };
    let model = config.init(Seed(1), device).unwrap();
    model.init_from_data(four_patterns(), &mut Noise::new(Seed(2)))
}

/// 256 rows of the four patterns in turn.
fn four_patterns() -> Tensor<2> {
    let rows: Vec<f32> = (0..256)
        .flat_map(|i| (0..8).map(move |j| f32::from(u8::from(j / 2 == i % 4 || j % 4 == i % 4))))
        .collect();
    Tensor::from_data(TensorData::new(rows, [256, 8]), &device())
}

/// Each pattern has its own code, the rate is `ln 4` and next to nothing is lost.
fn assert_four_patterns_are_found(model: &VqVae) {
    const LOST: f64 = 0.2;
    const COST: f64 = 0.05;
    let report = model.code_report(four_patterns());
    assert_eq!((report.codes, report.used), (4, 4));
    assert!((report.perplexity - 4.0).abs() < COST && !report.is_collapsed(), "{report}");
    let point = model.rate_distortion(four_patterns(), &Condition::none());
    assert!(point.distortion < LOST, "{point}");
    assert!((point.rate - 4f64.ln()).abs() < COST, "{point}");
}

/// Averaged codes that several workers move: they learn, repeat and resume.
#[test]
fn workers_share_a_codebook() {
    let settings = TrainConfig {
        gradient: GradientConfig { workers: WorkerCount::Exactly(2), ..GradientConfig::default() },
        optimizer: OptimizerConfig { learning_rate: 1e-2, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let train = |folder: &Path, steps| {
        let values = host(four_patterns()).into_iter().map(|v| v as f32).collect();
        let data = Rows { values, width: 8, condition: Condition::none() };
        trained_with(four_codes(&device()), data, folder, steps, settings.clone())
    };
    let dir = tempfile::tempdir().unwrap();
    let (first, again) = (dir.path().join("first"), dir.path().join("again"));
    let model = train(&first, 400);
    assert_four_patterns_are_found(&model);
    assert!(to_bytes(&train(&again, 400)) == to_bytes(&model), "two workers repeat");
    kit::resume_is_exact(|folder, steps| to_bytes(&train(folder, steps)));
}

#[test]
fn a_codebook_learns_four_patterns() {
    let x = four_patterns();
    let mut model = four_codes(&device().autodiff());
    let (mut optimizer, mut noise) = (AdamConfig::new().init(), Noise::new(Seed(3)));
    for _ in 0..300 {
        let batch = Batch::new(x.clone());
        let draws = model.draw(&batch, &mut noise);
        let grads = model.loss(batch, draws).total().backward();
        let grads = GradientsParams::from_grads(grads, &model);
        model = optimizer.step(1e-2, model, grads);
    }
    assert_four_patterns_are_found(&model);
}

#[test]
fn bad_configs_are_named() {
    let error = |c: LadderConfig| c.init(Seed(0), &device()).unwrap_err().to_string();
    let base = LadderConfig::default();
    assert_eq!(
        error(LadderConfig { latents: vec![], ..base.clone() }),
        "config: field `latents` must be a list of 1 to 8 sizes, each at least 1, got []"
    );
    assert_eq!(
        error(LadderConfig { width: 0, ..base }),
        "config: field `width` must be at least 1, got 0"
    );
    let error = |c: VqConfig| c.init(Seed(0), &device()).unwrap_err().to_string();
    let base = VqConfig::default();
    let average = |decay, restart| CodeLearning::Average { decay, restart };
    for (config, message) in [
        (VqConfig { codes: 1, ..base.clone() }, "`codes` must be at least 2, got 1"),
        (VqConfig { levels: 65, ..base.clone() }, "`levels` must be from 1 to 64, got 65"),
        (
            VqConfig { learning: average(1.0, 0.0), ..base.clone() },
            "`learning.average.decay` must be in [0, 1), got 1",
        ),
        (
            VqConfig { learning: average(0.9, -1.0), ..base.clone() },
            "`learning.average.restart` must be in [0, 1), got -1",
        ),
        (
            VqConfig { event: vec![64], ..base },
            "`network` must be `mlp` for examples of shape [64], got conv",
        ),
    ] {
        assert_eq!(error(config), format!("config: field {message}"));
    }
}

#[test]
#[should_panic(expected = "VqVae: expected codes [batch, 16], got [1, 3]")]
fn codes_of_another_shape_panic() {
    let model = VqConfig::default().init(Seed(1), &device()).unwrap();
    model.decode_codes(Tensor::from_ints([[0, 1, 2]], &device()));
}

#[test]
#[should_panic(expected = "LadderVae: expected latents [batch, 6], got [1, 5]")]
fn latents_of_another_width_panic() {
    let model = ladder(&ladders()[3]);
    model.likelihood(Tensor::zeros([1, 5], &device()), &Condition::none());
}
