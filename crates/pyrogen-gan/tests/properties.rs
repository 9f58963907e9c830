//! What is true of a model whatever its weights.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use pyrogen_core::{
    Adversarial, Batch, Condition, Decode, Encode, Noise, Player, Rank, RequestError, Sample,
    SampleOptions, Seed,
};
use pyrogen_gan::{
    Augment, Conditioning, DcganConfig, Gan, GanConfig, GanDraws, GanLoss, InvertOptions, MlpPair,
    Networks, Output, Penalty, Regularisers, Relativistic, ResnetConfig, SpectralNorm, UnetConfig,
    minibatch_deviation,
};
use pyrogen_testkit::{device, host};

fn small() -> GanConfig {
    GanConfig {
        latents: 3,
        networks: Networks::Dcgan(DcganConfig { channels: vec![4, 6], norm: false }),
        ..GanConfig::default()
    }
}

fn points() -> GanConfig {
    GanConfig {
        event: vec![2],
        latents: 2,
        networks: Networks::Mlp(MlpPair::default()),
        output: Output::Real,
        ..GanConfig::default()
    }
}

fn error(config: GanConfig) -> String {
    config.validate().unwrap_err().to_string()
}

#[test]
fn sizes_that_networks_make() {
    for (size, most) in [(28, 2), (32, 5), (8, 3), (64, 6)] {
        for stages in 1..=most {
            for networks in [
                Networks::Dcgan(DcganConfig { channels: vec![2; stages], norm: true }),
                Networks::Resnet(ResnetConfig { channels: vec![2; stages], ..Default::default() }),
            ] {
                let config = GanConfig { event: vec![1, size, size], networks, ..small() };
                let model = config.init(Seed(1), &device()).unwrap();
                let drawn: Tensor<4> =
                    model.sample(1, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap();
                assert_eq!(drawn.dims(), [1, 1, size, size]);
                assert_eq!(model.judge(drawn.flatten(1, 3), &Condition::none()).dims(), [1, 1]);
            }
        }
        let channels = vec![2; most + 1];
        let networks = Networks::Dcgan(DcganConfig { channels, norm: false });
        let message = error(GanConfig { event: vec![1, size, size], networks, ..small() });
        let expected = format!("a list of 1 to {most} stages for pictures of {size}x{size}");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn bad_configs_say_what_to_do() {
    let with = |regularise| GanConfig { regularise, ..small() };
    let plain = Regularisers::default;
    let unet = || Networks::Unet(UnetConfig { channels: vec![4], patches: vec![4] });
    let cases = [
        (GanConfig { event: vec![1, 7, 8], ..small() }, "resize them; `mlp` takes any"),
        (GanConfig { event: vec![5], ..small() }, "`mlp` for examples of shape [5]"),
        (GanConfig { event: vec![], ..small() }, "`event`"),
        (GanConfig { latents: 0, ..small() }, "`latents` must be at least 1"),
        (GanConfig { classes: Some(1), ..small() }, "at least 2 (leave it out"),
        (GanConfig { context: Some(vec![1, 8, 8]), ..small() }, "`unet` and `mlp` read one"),
        (GanConfig { networks: unet(), ..small() }, "[channels, 8, 8] with `unet`"),
        (
            GanConfig { networks: unet(), context: Some(vec![1, 3, 3]), ..small() },
            "that divided by two some times, got [1, 3, 3]",
        ),
        (
            GanConfig {
                networks: unet(),
                context: Some(vec![1, 8, 8]),
                conditioning: Conditioning::Auxiliary { weight: 1.0 },
                ..small()
            },
            "`projection` with `unet`",
        ),
        (
            GanConfig { loss: GanLoss::Wasserstein { clip: Some(0.0) }, ..small() },
            "`loss.wasserstein.clip` must be a positive number, got 0",
        ),
        (
            GanConfig { conditioning: Conditioning::Auxiliary { weight: -1.0 }, ..small() },
            "`conditioning.auxiliary.weight`",
        ),
        (
            GanConfig {
                loss: GanLoss::Hinge,
                ..with(Regularisers { label_smoothing: 0.1, ..plain() })
            },
            "0 with the loss `hinge`, which has no target",
        ),
        (with(Regularisers { label_smoothing: 0.5, ..plain() }), "below 0.5"),
        (with(Regularisers { instance_noise: f64::NAN, ..plain() }), "`regularise.instance_noise`"),
        (with(Regularisers { reconstruction: 1.0, ..plain() }), "0 for a model without `context`"),
        (with(Regularisers { diversity: -1.0, ..plain() }), "`regularise.diversity`"),
        (
            with(Regularisers { instance_noise_steps: 10, ..plain() }),
            "`regularise.instance_noise_steps` must be 0 without instance_noise, got 10",
        ),
        (
            with(Regularisers { penalty: Some(Penalty::R1 { weight: 0.0 }), ..plain() }),
            "`regularise.penalty.r1.weight` must be a positive number",
        ),
        (
            GanConfig {
                networks: Networks::Dcgan(DcganConfig { norm: true, ..DcganConfig::default() }),
                ..with(Regularisers { penalty: Some(Penalty::R1 { weight: 1.0 }), ..plain() })
            },
            "set `networks.dcgan.norm` to false",
        ),
        (
            GanConfig {
                regularise: Regularisers { augment: vec![Augment::Cutout], ..plain() },
                ..points()
            },
            "which are no pictures",
        ),
    ];
    for (config, expected) in cases {
        let message = error(config);
        assert!(message.contains(expected), "{message} / {expected}");
    }
}

#[test]
fn a_batch_of_one_is_refused_where_rows_are_compared() {
    assert!(points().check_batch(1).is_ok());
    let relativistic = GanConfig { loss: GanLoss::Relativistic(Relativistic::Hinge), ..points() };
    for config in [small(), relativistic] {
        assert!(config.check_batch(2).is_ok());
        let error = config.check_batch(1).unwrap_err();
        assert!(matches!(error, RequestError::Value { name: "batch_size", .. }), "{error}");
    }
}

/// Rows are found one by one, from what the generator makes, and make what they were found for.
#[test]
fn inversion_finds_latents_of_what_the_model_makes() {
    // The generator is random and smooth: what is left is the prior's pull and Adam's last steps.
    const LEFT: f64 = 1e-3;
    let config = GanConfig { latents: 2, ..small() };
    let model = config.init(Seed(3), &device()).unwrap();
    let mut noise = Noise::new(Seed(4));
    let z = noise.normal::<2>([3, 2], &device());
    let x: Tensor<2> = model.decode(z, &Condition::none()).unwrap();
    let options = InvertOptions { starts: 3, steps: 150, ..InvertOptions::default() };
    let found = model.invert(x.clone(), &Condition::none(), &options, &mut noise);
    assert!(found.errors.iter().all(|&e| e < LEFT), "{:?}", found.errors);
    let again: Tensor<2> = model.decode(found.latents, &Condition::none()).unwrap();
    let errors = host((again - x.clone()).square().mean_dim(1));
    for (e, f) in errors.iter().zip(&found.errors) {
        assert!((e - f).abs() < 1e-6, "the error is that of the latents: {e} {f}");
    }
    // Something that it cannot make is left with more.
    let odd = x.neg() + 1.0;
    let odd = model.invert(odd, &Condition::none(), &options, &mut noise).errors;
    assert!(odd.iter().zip(&found.errors).all(|(odd, own)| odd > own), "{odd:?}");
}

/// A generator whose range is known: every example is `w z`, so the nearest one and its distance are those of
/// a projection onto `w`.
#[test]
fn the_error_is_the_distance_from_what_the_generator_makes() {
    // The prior pulls by a thousandth, and Adam ends near the minimum.
    const NEAR: f64 = 2e-3;
    let linear = MlpPair {
        generator: pyrogen_nn::MlpConfig { hidden: vec![], ..MlpPair::default().generator },
        ..MlpPair::default()
    };
    let config = GanConfig { latents: 1, networks: Networks::Mlp(linear), ..points() };
    let model = config.init(Seed(3), &device()).unwrap();
    let at = |z: f32| -> Vec<f64> {
        let z = Tensor::<2>::from_floats([[z]], &device());
        let x: Tensor<2> = model.decode(z, &Condition::none()).unwrap();
        host(x)
    };
    let (origin, one) = (at(0.0), at(1.0));
    let w = [one[0] - origin[0], one[1] - origin[1]];
    let length = w[0].hypot(w[1]);
    // Half a latent along the line, and known distances away from it.
    let place = |away: f64| {
        let across = [-w[1] / length * away, w[0] / length * away];
        [0, 1].map(|k| (origin[k] + 0.5 * w[k] + across[k]) as f32)
    };
    let distances = [0.0, 0.5, 1.0, 3.0];
    let x = Tensor::<2>::from_floats(distances.map(place), &device());
    for features in [0.0, 0.1] {
        let options = InvertOptions { starts: 2, features, ..InvertOptions::default() };
        let mut noise = Noise::new(Seed(1));
        let found = model.invert(x.clone(), &Condition::none(), &options, &mut noise);
        assert!(found.errors.is_sorted(), "{:?}", found.errors);
        if features > 0.0 {
            // What the discriminator sees decides, too: on the line there is nothing to see.
            assert!(found.feature_errors[0] < NEAR && found.feature_errors[3] > NEAR);
            continue;
        }
        assert_eq!(found.feature_errors, [0.0; 4]);
        for (error, away) in found.errors.iter().zip(distances) {
            let expected = away * away / 2.0; // the mean over two numbers
            assert!((error - expected).abs() < NEAR, "{error} for {expected}");
        }
    }
}

#[test]
fn encoding_is_inversion_from_zero() {
    let model = points().init(Seed(3), &device().autodiff()).unwrap();
    let x = Noise::new(Seed(1)).normal::<2>([2, 2], &device());
    let posterior = model.encode(x.clone(), &Condition::none()).unwrap();
    let options = InvertOptions::default();
    let found = model.invert(x.clone(), &Condition::none(), &options, &mut Noise::new(Seed(9)));
    assert!(posterior.gaussian().is_none());
    assert_eq!(host(posterior.point()), host(found.latents));
    let ranks = model.rank(x, &Condition::none(), &mut Noise::new(Seed(8))).unwrap();
    assert_eq!(ranks, found.errors);
    assert_eq!(Rank::<2>::rank_name(&model), "inversion error");
}

/// The penalty's value is the slope's, and the loss of a model whose rows do not meet is the mean over
/// its rows: a batch may be split.
#[test]
fn losses_split_by_rows() {
    // Sums of a few f32 numbers in another order, and for the penalty a difference over its step.
    const ROUNDING: f64 = 1e-5;
    for penalty in [Penalty::R1 { weight: 2.0 }, Penalty::Gradient { weight: 3.0 }] {
        let config = GanConfig {
            regularise: Regularisers { penalty: Some(penalty), ..Regularisers::default() },
            ..points()
        };
        let model = config.init(Seed(1), &device().autodiff()).unwrap();
        let x = Noise::new(Seed(2)).normal::<2>([6, 2], &model.device());
        let values = |rows: std::ops::Range<usize>, whole: usize| {
            let batch = Batch::new(x.clone().slice([rows.clone()]));
            let mut noise = Noise::new(Seed(5)).rows(rows, whole);
            let draws = model.draw(Player::Discriminator, 1, &batch, &mut noise);
            model.loss(Player::Discriminator, batch, draws).values()
        };
        let (all, a, b) = (values(0..6, 6), values(0..2, 6), values(2..6, 6));
        for ((all, a), b) in all.iter().zip(a).zip(b) {
            let mean = (2.0 * a.1 + 4.0 * b.1) / 6.0;
            assert!((all.1 - mean).abs() < ROUNDING, "{}: {} {mean}", all.0, all.1);
        }
    }
}

/// The noise fades in the draws, and is gone after its steps.
#[test]
fn instance_noise_fades() {
    let regularise =
        Regularisers { instance_noise: 0.5, instance_noise_steps: 100, ..Regularisers::default() };
    let model = GanConfig { regularise, ..points() }.init(Seed(1), &device()).unwrap();
    let batch = Batch::new(Tensor::zeros([500, 2], &device()));
    let deviation = |step: u64| {
        let draws = model.draw(Player::Generator, step, &batch, &mut Noise::new(Seed(2)));
        let noise = draws.noise.map(|[real, _]| host(real.square().mean())[0].sqrt());
        noise.unwrap_or(0.0)
    };
    let first = deviation(1);
    // A thousand numbers: a standard error of 0.022.
    assert!((first - 1.0).abs() < 0.1, "{first}");
    // The same numbers, times a share in f32.
    assert!((deviation(51) / first - 0.5).abs() < 1e-6);
    assert_eq!([101, 1000, u64::MAX].map(deviation), [0.0; 3]);
}

/// The term is a ratio of distances, and the generator's alone.
#[test]
fn equal_examples_cost_diversity() {
    let term = |latents: usize| {
        let config = GanConfig {
            latents,
            context: Some(vec![8]),
            regularise: Regularisers { diversity: 1.0, ..Regularisers::default() },
            ..points()
        };
        let model = config.init(Seed(1), &device()).unwrap();
        let numbers = |width| Noise::new(Seed(2)).normal::<2>([16, width], &device());
        let batch = Batch::new(numbers(2)).with_context(Some(numbers(8)));
        let draws = model.draw(Player::Generator, 1, &batch, &mut Noise::new(Seed(3)));
        assert!(
            model.draw(Player::Discriminator, 1, &batch, &mut Noise::new(Seed(3))).apart.is_none()
        );
        let same = GanDraws { apart: Some(draws.latents.clone() + 1e-3), ..draws.clone() };
        let values = |draws| {
            let values = model.loss(Player::Generator, batch.clone(), draws).values();
            values.into_iter().find(|(name, _)| *name == "diversity").unwrap().1
        };
        [values(draws), values(same)]
    };
    let [apart, near] = term(4);
    // A ratio of distances: about the same for near latents as for far ones.
    assert!(apart > 0.0 && near / apart > 0.2 && near / apart < 5.0, "{apart} {near}");
}

/// The generator's total loss with a weight on diversity and without, for a generator that takes notice
/// of its latents and for one that does not.
#[test]
fn a_generator_that_takes_no_notice_of_its_latents_pays_for_it() {
    const LATENTS: usize = 4;
    const CONTEXT: usize = 8;
    /// Cuts the generator's first layer off.
    struct Deaf;
    impl ModuleMapper for Deaf {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let old = param.val();
            match old.dims()[0] == LATENTS + CONTEXT && D == 2 {
                true => Param::from_tensor(old.zeros_like()),
                false => param,
            }
        }
    }
    let cost = |diversity: f64, deaf: bool| {
        let config = GanConfig {
            latents: LATENTS,
            context: Some(vec![CONTEXT]),
            regularise: Regularisers { diversity, ..Regularisers::default() },
            ..points()
        };
        let model = config.init(Seed(1), &device()).unwrap();
        let model = if deaf { model.map(&mut Deaf) } else { model };
        let numbers = |width| Noise::new(Seed(2)).normal::<2>([16, width], &device());
        let batch = Batch::new(numbers(2)).with_context(Some(numbers(CONTEXT)));
        let draws = model.draw(Player::Generator, 1, &batch, &mut Noise::new(Seed(3)));
        host(model.loss(Player::Generator, batch, draws).total())[0]
    };
    let hearing = cost(1.0, false) - cost(0.0, false);
    let deaf = cost(1.0, true) - cost(0.0, true);
    assert!(hearing > 0.0 && deaf.is_finite(), "{hearing} {deaf}");
    assert!(deaf > 100.0 * hearing, "a deaf generator pays {deaf}, another one {hearing}");
}

#[test]
fn the_deviation_over_a_batch_is_one_more_channel() {
    let x = Tensor::<4>::from_floats([[[[1.0, 2.0]]], [[[3.0, 2.0]]]], &device());
    let seen = minibatch_deviation(x);
    assert_eq!(seen.dims(), [2, 2, 1, 2]);
    // Deviations 1 and 0 (where the square root sees 1e-8).
    let values = host(seen);
    for i in [2, 3, 6, 7] {
        assert!((values[i] - 0.500_05).abs() < 1e-6, "{values:?}");
    }
}

#[test]
fn a_class_is_not_forgotten() {
    let model: Gan = GanConfig { classes: Some(3), ..small() }.init(Seed(1), &device()).unwrap();
    let options = SampleOptions::default();
    let error = Sample::<4>::sample(&model, 2, &options, &mut Noise::new(Seed(1))).unwrap_err();
    assert_eq!(error.to_string(), "the model is conditional: give a class (0 to 2)");
}

#[test]
#[should_panic(expected = "expected latents [batch, 3], got [2, 4]")]
fn latents_of_another_width() {
    let model = small().init(Seed(1), &device()).unwrap();
    model.valid().generate(Tensor::zeros([2, 4], &device()), &Condition::none());
}

/// A diagonal matrix has its largest entry as norm; after it the largest singular value is one.
#[test]
fn spectral_normalisation_finds_the_largest_singular_value() {
    // Fifteen steps of the power iteration, each shrinking the rest by (2 / 3)^2.
    const LEFT: f64 = 1e-4;
    let device = device();
    let weight = Tensor::<2>::from_floats([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]], &device);
    let norm = SpectralNorm::new(weight.clone(), &mut Noise::new(Seed(1)), &device);
    assert!((host(norm.sigma(weight))[0] - 3.0).abs() < LEFT);
}
