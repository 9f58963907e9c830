//! Guidance, inpainting, likelihoods and errors.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{
    Batch, Condition, Decode, Denoise, Describe, Encode, Examples, Inpaint, ModelError, Noise,
    Objective, Posterior, Sample, SampleOptions, Score, ScoreOptions, Seed, Vary,
};
use pyrogen_diffusion::solve::{
    DynamicThreshold, FlowSolver, Guidance, LogDensity, Sampler, Spacing, Tolerance,
};
use pyrogen_diffusion::{
    Diffusion, DiffusionConfig, FlowConfig, FlowMatching, Inpainting, Prediction, Process, Reflow,
    SamplingConfig, TimeNetwork,
};
use pyrogen_nn::{TimeMlpConfig, UNetConfig};
use pyrogen_testkit::{device, host, largest_difference};
use pyrogen_train::{
    Decay, GradientConfig, GradientLearner, Learner, OptimizerConfig, Part, ScheduleConfig,
    StepContext, TrainConfig, WorkerCount,
};

fn mlp() -> TimeNetwork {
    TimeNetwork::Mlp(TimeMlpConfig { width: 16, blocks: 1, ..TimeMlpConfig::default() })
}

/// Weights far from their starting values, so that the network says something.
fn loud<M: Module>(model: M) -> M {
    struct Loud(Noise);
    impl ModuleMapper for Loud {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let old = param.val();
            let noise: Tensor<D> = self.0.normal(old.dims(), &old.device());
            Param::from_tensor((old + noise * 0.1).detach())
        }
    }
    model.map(&mut Loud(Noise::new(Seed(8))))
}

fn config() -> DiffusionConfig {
    DiffusionConfig {
        event: vec![4],
        network: mlp(),
        classes: Some(3),
        ..DiffusionConfig::default()
    }
}

fn model() -> Diffusion {
    loud(config().init(Seed(1), &device()).unwrap())
}

fn sampled(model: &Diffusion, condition: Condition, seed: u64) -> Vec<f64> {
    let options = SampleOptions { condition, ..SampleOptions::default() };
    let x: Tensor<2> = model.sample(5, &options, &mut Noise::new(Seed(seed))).unwrap();
    host(x)
}

fn guided(guidance: Guidance) -> SamplingConfig {
    SamplingConfig { guidance, ..SamplingConfig::default() }
}

#[test]
fn guidance_of_weight_one_is_the_model_bit_for_bit_and_zero_is_unconditional() {
    let (class, none) = (Condition::class(2, 5, &device()), Condition::none());
    let conditions = sampled(&model(), class.clone(), 1);
    let with =
        |guidance| sampled(&model().with_sampling(guided(guidance)).unwrap(), class.clone(), 1);
    assert_eq!(conditions, with(Guidance::weight(1.0)));
    let outside = Guidance { weight: 5.0, interval: Some((1e6, 2e6)), rescale: 0.0 };
    assert_eq!(conditions, with(outside));
    assert_eq!(sampled(&model(), none, 1), with(Guidance::weight(0.0)));
    assert_ne!(conditions, with(Guidance::weight(3.0)));
    let within = Guidance { weight: 3.0, interval: Some((0.1, 1.0)), rescale: 0.5 };
    assert_ne!(with(within), with(Guidance::weight(3.0)));
}

#[test]
fn every_prediction_and_process_is_one_denoiser() {
    // A network that always says zero expects, of each prediction: the input scaled, or nothing.
    let zero = |config: &DiffusionConfig| {
        struct Zero;
        impl ModuleMapper for Zero {
            fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
                Param::from_tensor(p.val().zeros_like())
            }
        }
        config.init(Seed(1), &device()).unwrap().map(&mut Zero)
    };
    let sigma = 3.0;
    for (prediction, factor) in [
        (Prediction::Epsilon, 1.0),
        (Prediction::Example, 0.0),
        (Prediction::Velocity, 0.1),
        (Prediction::Edm { sigma_data: 1.0 }, 0.1),
        (Prediction::Edm { sigma_data: 0.5 }, 0.25 / 9.25),
    ] {
        for process in [Process::default(), Process::edm()] {
            let config = DiffusionConfig { prediction, process, classes: None, ..config() };
            let x: Tensor<2> = Noise::new(Seed(1)).normal([2, 4], &device());
            let sigmas = Tensor::full([2], sigma, &device());
            let clean = zero(&config).denoise(x.clone(), sigmas, &Condition::none());
            // Rounding of one factor.
            assert!(largest_difference(clean, x * factor) < 1e-6, "{prediction:?}");
        }
    }
}

#[test]
fn a_network_without_numbers_is_named_with_step_and_level() {
    struct Broken;
    impl ModuleMapper for Broken {
        fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(p.val() * f32::NAN)
        }
    }
    let options =
        SampleOptions { condition: Condition::class(0, 2, &device()), ..SampleOptions::default() };
    let noise = &mut Noise::new(Seed(1));
    let broken = model().map(&mut Broken);
    let error = broken.generate(2, &options, noise, |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("step 1: ") && error.contains("noise level"), "{error}");
    let config = FlowConfig { event: vec![4], network: mlp(), ..FlowConfig::default() };
    let flow = config.init(Seed(1), &device()).unwrap().map(&mut Broken);
    let error = flow.generate(2, &SampleOptions::default(), noise, |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("step 1: ") && error.contains("at time 1"), "{error}");
}

#[test]
fn the_given_part_stays_as_it_is() {
    let model = model();
    let noise = &mut Noise::new(Seed(1));
    let known: Tensor<2> = noise.normal([3, 4], &device());
    let mask = Tensor::<2>::from_floats([[1.0, 0.0, 1.0, 0.0]], &device());
    let condition = Condition::class(1, 3, &device());
    for how in [Inpainting::default(), Inpainting::Replace] {
        let filled = model.inpaint(known.clone(), mask.clone(), how, &condition, noise).unwrap();
        let kept = largest_difference(filled.clone() * mask.clone(), known.clone() * mask.clone());
        // The sampler that replaces answers reaches the given part up to rounding.
        assert!(kept < 1e-5, "{how:?}: {kept}");
        assert!(largest_difference(filled, known.clone()) > 0.01);
    }
    let mask = Tensor::<2>::ones([1, 3], &device());
    let error = model.inpaint(known.clone(), mask, Inpainting::default(), &condition, noise);
    assert!(error.unwrap_err().to_string().starts_with("the mask has shape [1, 3]"));
    let error = model.vary(known.clone(), 0.0, &condition, noise).unwrap_err().to_string();
    assert!(error.contains("strength"), "{error}");
    let all = model.vary(known.clone(), 1.0, &condition, noise).unwrap();
    let little = model.vary(known.clone(), 0.1, &condition, noise).unwrap();
    let far = |x: Tensor<2>| largest_difference(x, known.clone());
    assert!(far(little) < far(all));
}

#[test]
fn thresholds_keep_the_range() {
    let threshold = Some(DynamicThreshold { ratio: 1.0, ..DynamicThreshold::default() });
    let sampling = SamplingConfig { threshold, ..guided(Guidance::weight(50.0)) };
    let model = model().with_sampling(sampling).unwrap();
    let x = sampled(&model, Condition::class(0, 5, &device()), 3);
    // The last step ends at a clean example, up to rounding.
    assert!(x.iter().all(|v| v.abs() <= 1.0 + 1e-5), "{x:?}");
}

/// A new network says nearly zero, so its density is known: a normal one of the deviation that the
/// prediction's `skip` belongs to.
#[test]
fn densities_of_a_silent_network_are_normal() {
    let silent = DiffusionConfig {
        process: Process::edm(),
        prediction: Prediction::Edm { sigma_data: 0.5 },
        classes: None,
        ..config()
    };
    let model = silent.init(Seed(1), &device()).unwrap();
    let x: Tensor<2> = Noise::new(Seed(2)).normal([6, 4], &device()) * 0.5;
    let variance = 0.25 + 0.002f64.powi(2);
    let values = host(x.clone());
    let expected = values.chunks(4).map(|row| {
        let log =
            |v: &f64| -0.5 * (v * v / variance + (2.0 * std::f64::consts::PI * variance).ln());
        row.iter().map(log).sum::<f64>()
    });
    let expected: Vec<f64> = expected.collect();
    let noise = &mut Noise::new(Seed(3));
    let found = model.log_density(x.clone(), &Condition::none(), &LogDensity::default(), noise);
    let found = found.unwrap();
    assert!(found.evaluations > 10);
    // What is left of the network's answer, a thousandth, and the end at a level of 80.
    const CLOSE: f64 = 0.02;
    for (got, expected) in found.nats.iter().zip(&expected) {
        assert!((got - expected).abs() < CLOSE, "{got} for {expected}");
    }
    let options = ScoreOptions { draws: 4, ..ScoreOptions::default() };
    let exact = model.log_likelihood(x.clone(), &Condition::none(), &options, noise).unwrap();
    assert_eq!(exact.std_err(), None);
    let bound = model.lower_bound(x, &Condition::none(), 64, noise);
    let mean = expected.iter().sum::<f64>() / 6.0;
    let gap = mean - bound.mean_nats();
    let error = 3.0 * bound.std_err().unwrap();
    // A chain of a thousand steps costs little against the ODE.
    assert!(gap > -error - CLOSE && gap < 0.1 + error + CLOSE, "{gap} ± {error}");
}

/// Two bumps on a line, each of deviation 0.4: draws, and the logarithm of the density.
fn bumps(n: usize, seed: u64) -> Vec<f64> {
    let mut noise = Noise::new(Seed(seed));
    let (side, place) = (noise.uniform_vec(n), noise.normal_vec(n));
    let one = |(side, place): (f64, f64)| 0.4 * place + if side < 0.5 { -1.5 } else { 1.5 };
    side.into_iter().zip(place).map(one).collect()
}

fn log_bumps(x: f64) -> f64 {
    let bump = |m: f64| (-0.5 * ((x - m) / 0.4).powi(2)).exp();
    (0.5 * (bump(-1.5) + bump(1.5)) / (0.4 * (2.0 * std::f64::consts::PI).sqrt())).ln()
}

fn line(values: &[f64], device: &Device) -> Tensor<2> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).unsqueeze_dim(1)
}

/// A model after some hundred steps on the bumps.
fn trained<O: Objective<Batch = Batch<2>>>(model: O) -> O {
    const ROWS: usize = 256;
    const STEPS: u64 = 500;
    let config = TrainConfig {
        batch_size: ROWS,
        optimizer: OptimizerConfig { learning_rate: 4e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, ..ScheduleConfig::default() },
        gradient: GradientConfig { workers: WorkerCount::Exactly(1), ..GradientConfig::default() },
        ..TrainConfig::default()
    };
    let mut learner = GradientLearner::new(model, &config).unwrap();
    for step in 1..=STEPS {
        let batch = Batch::new(line(&bumps(ROWS, step), &learner.device()));
        let parts = vec![Part { batch, rows: 0..ROWS, total: ROWS }];
        let noise = Noise::new(Seed(1)).fork_index(step);
        let context =
            StepContext { step, epoch: 1, total_steps: Some(STEPS), time: None, noise, rate: 1.0 };
        learner.update(parts, &context).unwrap();
    }
    learner.model()
}

/// That a density is one, and which: its integral by the trapezoid rule is 1, and its mean logarithm over
/// fresh rows is near that of the truth, from which a normal distribution is half a nat away.
fn is_the_density_of_the_bumps(name: &str, log_density: impl Fn(Tensor<2>) -> Vec<f64>) {
    // Steps of a tenth of the bumps' deviation; the tails beyond hold less than 1e-6 of the truth.
    const STEP: f64 = 0.04;
    let grid: Vec<f64> = (-125..=125).map(|i| STEP * f64::from(i)).collect();
    let density = log_density(line(&grid, &device()));
    let integral = STEP * density.iter().map(|nats| nats.exp()).sum::<f64>();
    // The tolerance of the solver, 1e-3 of a log-density or so.
    assert!((integral - 1.0).abs() < 0.01, "{name}: the integral is {integral}");
    let fresh = bumps(400, 1_000_000);
    let got = log_density(line(&fresh, &device()));
    let gap = |(x, got): (&f64, &f64)| log_bumps(*x) - got;
    let gap = fresh.iter().zip(&got).map(gap).sum::<f64>() / 400.0;
    // The Kullback-Leibler divergence from the truth, with a standard error of about 0.02.
    assert!((-0.06..0.2).contains(&gap), "{name}: {gap} nats from the truth");
}

#[test]
fn densities_of_trained_networks_integrate_to_one_and_are_the_right_ones() {
    let network = TimeNetwork::Mlp(TimeMlpConfig { width: 32, blocks: 2, ..Default::default() });
    let diffusion = DiffusionConfig {
        event: vec![1],
        network: network.clone(),
        process: Process::edm(),
        prediction: Prediction::Edm { sigma_data: 1.55 },
        ..DiffusionConfig::default()
    };
    let model = trained(diffusion.init(Seed(1), &device()).unwrap());
    is_the_density_of_the_bumps("diffusion", |x| {
        let noise = &mut Noise::new(Seed(3));
        model.log_density(x, &Condition::none(), &LogDensity::default(), noise).unwrap().nats
    });
    let flow = FlowConfig { event: vec![1], network, ..FlowConfig::default() };
    let flow = trained(flow.init(Seed(1), &device()).unwrap());
    is_the_density_of_the_bumps("flow", |x| {
        let noise = &mut Noise::new(Seed(3));
        let options = ScoreOptions::default();
        flow.log_likelihood(x, &Condition::none(), &options, noise).unwrap().nats().to_vec()
    });
}

#[test]
fn a_silent_flow_is_the_normal_distribution() {
    let config = FlowConfig { event: vec![2], network: mlp(), ..FlowConfig::default() };
    let flow: FlowMatching = config.init(Seed(1), &device()).unwrap();
    let x: Tensor<2> = Noise::new(Seed(2)).normal([4, 2], &device());
    let options = ScoreOptions { draws: 2, ..ScoreOptions::default() };
    let noise = &mut Noise::new(Seed(3));
    let got = flow.log_likelihood(x.clone(), &Condition::none(), &options, noise).unwrap();
    for (got, row) in got.nats().iter().zip(host(x.clone()).chunks(2)) {
        let squares: f64 = row.iter().map(|v| v * v).sum();
        let expected = -0.5 * squares - (2.0 * std::f64::consts::PI).ln();
        // A velocity of about a thousandth moves the density by a few thousandths.
        assert!((got - expected).abs() < 0.02, "{got} for {expected}");
    }
    // And as a denoiser it expects, of x at level sigma, x / (1 + sigma).
    let clean = flow.denoise(x.clone(), Tensor::full([4], 3.0, &device()), &Condition::none());
    assert!(largest_difference(clean, x / 4.0) < 0.02);
}

#[test]
fn bad_configs_are_named() {
    let cases: Vec<(DiffusionConfig, &str)> = vec![
        (
            DiffusionConfig { event: vec![], ..config() },
            "config: field `event` must be a list of sizes, each at least 1, got []",
        ),
        (
            DiffusionConfig { network: TimeNetwork::default(), ..config() },
            "config: field `network` must be `mlp` for examples of shape [4] (`u_net` takes \
             [channels, height, width]), got u_net",
        ),
        (
            DiffusionConfig { label_dropout: 1.0, ..config() },
            "config: field `label_dropout` must be in [0, 1), got 1",
        ),
        (
            DiffusionConfig { classes: None, sampling: guided(Guidance::weight(2.0)), ..config() },
            "config: field `sampling.guidance.weight` must be 1 for a model without classes, got 2",
        ),
        (
            DiffusionConfig {
                label_dropout: 0.0,
                sampling: guided(Guidance::weight(2.0)),
                ..config()
            },
            "config: field `sampling.guidance.weight` must be 1 for a model trained with \
             label_dropout of 0, got 2",
        ),
        (
            DiffusionConfig {
                sampling: SamplingConfig { steps: 0, ..SamplingConfig::default() },
                ..config()
            },
            "config: field `sampling.steps` must be at least 1, got 0",
        ),
        (
            DiffusionConfig { prediction: Prediction::Edm { sigma_data: 0.0 }, ..config() },
            "config: field `prediction.edm.sigma_data` must be a positive number, got 0",
        ),
        (
            DiffusionConfig {
                process: Process::Discrete {
                    steps: 10,
                    schedule: Default::default(),
                    zero_terminal_snr: true,
                },
                prediction: Prediction::Epsilon,
                ..config()
            },
            "config: field `prediction` must be `velocity` or `example` with zero_terminal_snr, got \
             epsilon",
        ),
        (
            DiffusionConfig {
                process: Process::Edm { mean: 0.0, std: 1.0, sigma_min: 1.0, sigma_max: 1.0 },
                ..config()
            },
            "config: field `process.edm.sigma_max` must be above sigma_min, got 1",
        ),
    ];
    for (config, message) in cases {
        assert_eq!(config.init(Seed(1), &device()).unwrap_err().to_string(), message);
    }
    let spacing = SamplingConfig { spacing: Spacing::Linspace, ..SamplingConfig::default() };
    let config = DiffusionConfig { process: Process::edm(), sampling: spacing, ..config() };
    let error = config.init(Seed(1), &device()).unwrap_err();
    assert!(error.to_string().contains("karras or exponential"), "{error}");
}

#[test]
fn contexts_are_read_beside_the_example() {
    let unet = UNetConfig { channels: vec![4, 8], groups: 2, ..UNetConfig::default() };
    let config = DiffusionConfig {
        event: vec![1, 4, 4],
        context: Some(vec![2, 4, 4]),
        network: TimeNetwork::UNet(unet),
        sampling: SamplingConfig { sampler: Sampler::Euler, steps: 2, ..SamplingConfig::default() },
        ..DiffusionConfig::default()
    };
    let model = loud(config.init(Seed(1), &device()).unwrap());
    assert_eq!(model.context_shape(), Some(vec![2, 4, 4]));
    let draw = |value: f64, device: &Device| -> Vec<f64> {
        let condition = Condition::context(Tensor::<4>::full([2, 2, 4, 4], value, device));
        let options = SampleOptions { condition, ..SampleOptions::default() };
        let x: Tensor<4> = model.sample(2, &options, &mut Noise::new(Seed(4))).unwrap();
        host(x)
    };
    assert_eq!(draw(1.0, &device()), draw(1.0, &device()));
    assert_ne!(draw(1.0, &device()), draw(-1.0, &device()));
    let wrong = DiffusionConfig { context: Some(vec![1, 2, 2]), ..config };
    let error = wrong.validate().unwrap_err().to_string();
    assert!(error.contains("`context` must be pictures of the size of the examples"), "{error}");
}

#[test]
fn the_label_that_stands_for_none_is_no_class() {
    let condition = Condition::class(3, 5, &device());
    let options = SampleOptions { condition, ..SampleOptions::default() };
    let drawn = Sample::<2>::sample(&model(), 5, &options, &mut Noise::new(Seed(1)));
    let error = drawn.unwrap_err().to_string();
    assert_eq!(error, "class 3 is out of range: the model knows classes 0 to 2");
}

#[test]
fn a_network_without_numbers_is_a_failure_and_no_panic() {
    struct Nan;
    impl ModuleMapper for Nan {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(param.val() * f32::NAN)
        }
    }
    let (condition, x) = (Condition::class(0, 2, &device()), Tensor::<2>::ones([2, 4], &device()));
    let options = SampleOptions { condition: condition.clone(), ..SampleOptions::default() };
    let score = ScoreOptions { draws: 2, ..ScoreOptions::default() };
    let noise = &mut Noise::new(Seed(1));
    let (model, flow) = (model().map(&mut Nan), flow_config().init(Seed(1), &device()).unwrap());
    let flow = flow.map(&mut Nan);
    let mut failures = vec![
        Sample::<2>::sample(&model, 2, &options, noise).unwrap_err(),
        Sample::<2>::sample(&flow, 2, &options, noise).unwrap_err(),
        model.log_likelihood(x.clone(), &condition, &score, noise).unwrap_err(),
        flow.log_likelihood(x.clone(), &condition, &score, noise).unwrap_err(),
        Encode::<2>::encode(&model, x.clone(), &condition).unwrap_err(),
        Decode::<2>::decode(&flow, x.clone(), &condition).unwrap_err(),
    ];
    failures.push(Vary::<2>::vary(&model, x.clone(), 0.5, &condition, noise).unwrap_err());
    failures.push(Inpaint::<2>::inpaint(&model, x.clone(), x, 2, &condition, noise).unwrap_err());
    for failure in failures {
        assert!(matches!(failure, ModelError::Failed(_)), "{failure}");
        assert!(failure.to_string().contains("not finite"), "{failure}");
    }
}

#[test]
fn capabilities_are_the_inherent_methods() {
    let (condition, noise) = (Condition::class(1, 3, &device()), Noise::new(Seed(5)));
    let given: Tensor<2> = Noise::new(Seed(4)).normal([3, 4], &device());
    let same = |a: Tensor<2>, b: Tensor<2>| assert_eq!(a.to_data(), b.to_data());
    let (model, flow) = (model(), loud(flow_config().init(Seed(1), &device()).unwrap()));

    let z = Encode::<2>::encode(&model, given.clone(), &condition).unwrap();
    assert!(matches!(z, Posterior::Point(_)));
    same(z.point(), model.to_noise(given.clone(), &condition).unwrap());
    let levels = model.sampling_levels().unwrap();
    let decoded = model.decode(z.point(), &condition).unwrap();
    let again = model.generate_from(z.point(), &levels, &condition, &mut noise.clone(), |_| {});
    same(decoded, again.unwrap());
    // A sampler with noise of its own does not make the decoder random.
    let ddpm = SamplingConfig { sampler: Sampler::Ddpm, ..model.config().sampling };
    let noisy = model.clone().with_sampling(ddpm).unwrap();
    same(
        noisy.decode(z.point(), &condition).unwrap(),
        noisy.decode(z.point(), &condition).unwrap(),
    );
    let varied = Vary::<2>::vary(&model, given.clone(), 0.5, &condition, &mut noise.clone());
    same(varied.unwrap(), model.vary(given.clone(), 0.5, &condition, &mut noise.clone()).unwrap());
    let mask = Tensor::<2>::from_floats([[1.0, 1.0, 0.0, 0.0]], &device());
    let (known, open) = (given.clone(), mask.clone());
    let filled = Inpaint::<2>::inpaint(&model, known, open, 2, &condition, &mut noise.clone());
    let filled = filled.unwrap();
    let part = |x: &Tensor<2>| host(x.clone().slice([0..3, 0..2]));
    assert_eq!(part(&filled), part(&given));
    let none =
        Inpaint::<2>::inpaint(&model, given.clone(), mask, 0, &condition, &mut noise.clone());
    assert!(none.unwrap_err().is_request());

    let z = Encode::<2>::encode(&flow, given.clone(), &condition).unwrap().point();
    same(z.clone(), flow.to_noise(given.clone(), &condition).unwrap());
    let decoded = flow.decode(z.clone(), &condition).unwrap();
    same(decoded, flow.follow(z, &condition, |_| {}).unwrap());
    let varied = Vary::<2>::vary(&flow, given.clone(), 0.5, &condition, &mut noise.clone());
    same(varied.unwrap(), flow.vary(given.clone(), 0.5, &condition, &mut noise.clone()).unwrap());
    let error = Vary::<2>::vary(&flow, given, 2.0, &condition, &mut noise.clone()).unwrap_err();
    assert!(error.is_request(), "{error}");
}

#[test]
fn an_adaptive_flow_gives_an_item_whatever_is_drawn_beside_it() {
    let flow = loud(flow_config().init(Seed(1), &device()).unwrap());
    let solver = FlowSolver::Rk45(Tolerance::default());
    let guidance = Guidance { weight: 2.0, ..Guidance::default() };
    let sampling = pyrogen_diffusion::FlowSampling { solver, guidance, ..flow.config().sampling };
    let flow = flow.with_sampling(sampling).unwrap();
    pyrogen_testkit::samples_do_not_depend_on_each_other::<2>(&flow);
    let x = Noise::new(Seed(4)).normal([20, 4], &device());
    let condition = Condition::class(1, 20, &device());
    for draws in [2, 4] {
        let options = ScoreOptions { draws, ..ScoreOptions::default() };
        pyrogen_testkit::scores_do_not_depend_on_each_other(&flow, &x, &condition, &options);
        pyrogen_testkit::scores_do_not_depend_on_each_other(&model(), &x, &condition, &options);
    }
}

#[test]
fn reflow_learns_from_its_own_pairs() {
    let config =
        FlowConfig { event: vec![4], network: mlp(), classes: Some(2), ..FlowConfig::default() };
    let flow = loud(config.init(Seed(1), &device().autodiff()).unwrap());
    let pairs = flow.pairs(7, &mut Noise::new(Seed(5))).unwrap();
    assert_eq!(pairs.len(), 7);
    let noise = &mut Noise::new(Seed(6));
    let batch = pairs.batch(&[6, 2], noise, &device().autodiff());
    // What the flow makes of this noise is the other half of the pair.
    let made = flow.follow(batch.noise.clone().inner(), &batch.condition, |_| {}).unwrap();
    assert!(largest_difference(made, batch.data.clone().inner()) < 1e-5);
    let reflow = Reflow { flow };
    pyrogen_testkit::every_parameter_gets_a_gradient(&reflow, batch);
}

#[test]
fn noise_of_examples_leads_back_to_them() {
    // Both solvers are of second order; a step is a two hundredth of the way, and the way back begins
    // at noise of 0.0x where the other ended.
    const SECOND_ORDER: f64 = 0.05;
    let (condition, device) = (Condition::class(1, 3, &device()), device());
    let given = Noise::new(Seed(4)).normal([3, 4], &device);
    let noise = &mut Noise::new(Seed(5));
    let model = model();
    let sampling = SamplingConfig { steps: 200, sampler: Sampler::Heun, ..model.config().sampling };
    let model = model.with_sampling(sampling).unwrap();
    let levels = model.sampling_levels().unwrap();
    let z = model.to_noise(given.clone(), &condition).unwrap();
    assert!(largest_difference(z.clone(), given.clone()) > 1.0, "the noise is far away");
    let again = model.generate_from(z, &levels, &condition, noise, |_| {}).unwrap();
    let error = largest_difference(again, given.clone());
    assert!(error < SECOND_ORDER, "diffusion: {error}");

    let flow = loud(flow_config().init(Seed(1), &device).unwrap());
    let sampling = pyrogen_diffusion::FlowSampling { steps: 200, ..flow.config().sampling };
    let flow = flow.with_sampling(sampling).unwrap();
    let z = flow.to_noise(given.clone(), &condition).unwrap();
    let again = flow.follow(z, &condition, |_| {}).unwrap();
    let error = largest_difference(again, given.clone());
    assert!(error < SECOND_ORDER, "flow: {error}");

    // Next to no noise changes next to nothing; all of it forgets the example.
    let little = flow.vary(given.clone(), 0.01, &condition, noise).unwrap();
    let all = flow.vary(given.clone(), 1.0, &condition, noise).unwrap();
    let near = largest_difference(little, given.clone());
    assert!(near < 0.2 && near < 0.1 * largest_difference(all, given.clone()), "{near}");
    let error = flow.vary(given.clone(), 0.001, &condition, noise).unwrap_err().to_string();
    assert!(error.contains("leaves none of 200 steps: take at least 0.005"), "{error}");
    assert!(flow.vary(given, 1.5, &condition, noise).is_err());
}

fn flow_config() -> FlowConfig {
    FlowConfig { event: vec![4], network: mlp(), classes: Some(3), ..FlowConfig::default() }
}
