//! Conditions, angles and heavy tails, against densities that are known.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::{
    Batch, Condition, Decode, Encode, Noise, Objective, Sample, SampleOptions, Score, ScoreOptions,
    Seed,
};
use pyrogen_flow::{
    Base, Calibration, ConditionalFlow, FlowKind, NormalizingFlow, NormalizingFlowConfig,
    NumberMap, SplineConfig, SplineTails,
};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit::{Rows, device, host, largest_difference};
use pyrogen_train::{
    Decay, GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, ScheduleConfig,
    TrainConfig, Trainer,
};

fn small() -> NormalizingFlowConfig {
    NormalizingFlowConfig {
        layers: 2,
        network: MlpConfig { hidden: vec![24, 24], activation: Activation::Silu },
        ..Default::default()
    }
}

/// The model after so many steps on rows.
pub fn fitted<O: Objective<Batch = Batch<2>> + Send + Sync + 'static>(
    model: O,
    values: Vec<f32>,
    width: usize,
    steps: u64,
) -> O {
    let train = TrainConfig {
        batch_size: 256,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        optimizer: OptimizerConfig { learning_rate: 1e-2, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 0 },
        ..TrainConfig::default()
    };
    let data = Rows { values, width, condition: Condition::none() };
    let learner = GradientLearner::new(model, &train).unwrap();
    let room = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(train, Seed(5)).unwrap().progress(ProgressMode::Hidden);
    trainer.fit(learner, Arc::new(data), None, room.path()).unwrap().learner.model()
}

fn rows(values: Vec<f32>, width: usize) -> Tensor<2> {
    let n = values.len() / width;
    Tensor::from_data(TensorData::new(values, [n, width]), &device())
}

fn mean_nats(model: &impl Score<2>, x: Tensor<2>) -> f64 {
    let (options, mut noise) = (ScoreOptions::default(), Noise::new(Seed(1)));
    model.log_likelihood(x, &Condition::none(), &options, &mut noise).unwrap().mean_nats()
}

/// The standard deviation of `y` given `x`.
fn spread(x: f64) -> f64 {
    0.1 + 0.4 * x
}

/// `y = sin(4 x)` with a spread that grows with `x`, which is uniform on (0, 1); rows of `y, x`.
fn fan(n: usize, seed: u64) -> Vec<f32> {
    let mut noise = Noise::new(Seed(seed));
    let (u, z) = (noise.uniform_vec(n), noise.normal_vec(n));
    let row = |(x, z): (f64, f64)| [(4.0 * x).sin() + spread(x) * z, x];
    u.into_iter().zip(z).flat_map(row).map(|v| v as f32).collect()
}

/// Regression with whole distributions: the gap to the conditional entropy, and intervals that hold what they
/// say, over all rows and where the spread is small and large.
#[test]
fn conditional_densities_are_learnt_and_calibrated() {
    let config = NormalizingFlowConfig { event: vec![1], context: Some(vec![1]), ..small() };
    let model = ConditionalFlow::new(config.init(Seed(1), &device()).unwrap(), vec![1]).unwrap();
    let model = fitted(model, fan(4000, 1), 2, 300);
    let fresh = fan(2000, 2);
    // The mean over x of ln spread(x), by its integral, and the entropy of a standard normal number.
    let steps = 1000;
    let mean_log: f64 =
        (0..steps).map(|i| spread((i as f64 + 0.5) / steps as f64).ln()).sum::<f64>()
            / steps as f64;
    let entropy = 0.5 * (1.0 + TAU.ln()) + mean_log;
    let gap = -mean_nats(&model, rows(fresh.clone(), 2)) - entropy;
    // The mean of 2,000 log-densities has a standard error of 0.016.
    assert!((-0.05..0.08).contains(&gap), "{gap}");
    let held = |values: Vec<f32>| {
        let x = rows(values, 2);
        let places = model.places(x, &Condition::none(), 99, &mut Noise::new(Seed(3))).unwrap();
        Calibration::of(&places)
    };
    let part = |least: f32, most: f32| -> Vec<f32> {
        fresh.chunks(2).filter(|row| (least..most).contains(&row[1])).flatten().copied().collect()
    };
    for (values, most) in [(fresh.clone(), 0.06), (part(0.0, 0.3), 0.12), (part(0.7, 1.0), 0.12)] {
        let found = held(values);
        assert!(!found.is_faulty() && found.distance < most, "{found}");
    }
    // A model of the spread in the middle would hold too much where it is small.
    let narrow: Vec<f32> = part(0.0, 0.3).chunks(2).flat_map(|row| [row[0], 0.8]).collect();
    assert!(held(narrow).is_faulty());
}

#[test]
fn given_features_pass_through() {
    let config = NormalizingFlowConfig { context: Some(vec![2]), ..small() };
    let flow = config.init(Seed(1), &device()).unwrap();
    let model = ConditionalFlow::new(flow, vec![0, 3]).unwrap();
    let x = Noise::new(Seed(2)).normal::<2>([6, 4], &device());
    let z = model.encode(x.clone(), &Condition::none()).unwrap().point();
    let given =
        |x: &Tensor<2>| Tensor::cat(vec![x.clone().narrow(1, 0, 1), x.clone().narrow(1, 3, 1)], 1);
    assert_eq!(host(given(&z)), host(given(&x)));
    let again: Tensor<2> = model.decode(z, &Condition::none()).unwrap();
    assert!(largest_difference(again, x.clone()) < 1e-5);
    // The score is that of the learnt features alone.
    let condition = Condition::context(given(&x));
    let inner = host(model.flow().given(&condition, 6).log_prob(x.clone().narrow(1, 1, 2)));
    assert!((mean_nats(&model, x) - inner.iter().sum::<f64>() / 6.0).abs() < 1e-6);
    let error = model.sample(2, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap_err();
    assert!(error.to_string().contains("context of shape [2]"), "{error}");
    for given in [vec![], vec![1, 0], vec![4, 5], vec![0]] {
        let flow = config.init(Seed(1), &device()).unwrap();
        assert!(ConditionalFlow::new(flow, given.clone()).is_err(), "{given:?}");
    }
}

/// The modified Bessel function of order 0, by its integral.
fn bessel(kappa: f64) -> f64 {
    (0..2000).map(|i| (kappa * (PI * (f64::from(i) + 0.5) / 2000.0).cos()).exp()).sum::<f64>()
        / 2000.0
}

/// The density of two von Mises distributions, of which one lies across the seam.
fn von_mises(angle: f64) -> f64 {
    let one = |at: f64, kappa: f64| (kappa * (angle - at).cos()).exp() / (TAU * bessel(kappa));
    0.6 * one(3.0, 4.0) + 0.4 * one(0.5, 10.0)
}

/// Draws by rejection.
fn angles(n: usize, seed: u64) -> Vec<f32> {
    let most = (0..720).map(|i| von_mises(f64::from(i) * PI / 360.0 - PI)).fold(0.0, f64::max);
    let mut noise = Noise::new(Seed(seed));
    let mut out = Vec::with_capacity(n);
    while out.len() < n {
        let u = noise.uniform_vec(2);
        let angle = TAU * u[0] - PI;
        if u[1] * 1.05 * most < von_mises(angle) {
            out.push(angle as f32);
        }
    }
    out
}

#[test]
fn angles_have_no_seam_and_their_density_is_learnt() {
    let flow = FlowKind::Autoregressive(NumberMap::Spline(SplineConfig {
        bins: 12,
        bound: 5.0,
        ..Default::default()
    }));
    // The angle beside a number that follows its sine.
    let config = NormalizingFlowConfig { flow, circular: vec![0], ..small() };
    let z = Noise::new(Seed(7)).normal_vec(4000);
    let pairs = |angles: Vec<f32>| -> Vec<f32> {
        let row = |(&a, z): (&f32, &f64)| [a, a.sin() + 0.3 * *z as f32];
        angles.iter().zip(&z).flat_map(row).collect()
    };
    let model = fitted(config.init(Seed(1), &device()).unwrap(), pairs(angles(4000, 1)), 2, 400);
    let cells = 2000;
    let entropy: f64 = (0..cells)
        .map(|i| von_mises(TAU * (f64::from(i) + 0.5) / f64::from(cells) - PI))
        .map(|p| -p * p.ln() * TAU / f64::from(cells))
        .sum::<f64>()
        + 0.5 * (1.0 + TAU.ln())
        + 0.3f64.ln();
    let gap = -mean_nats(&model, rows(pairs(angles(2000, 2)), 2)) - entropy;
    assert!((-0.08..0.1).contains(&gap), "{gap}");
    let at = |angle: f64| {
        let x = Tensor::<2>::from_floats([[angle as f32, 0.1]], &device());
        host(model.given(&Condition::none(), 1).log_prob(x))[0]
    };
    // A step of 2e-4 across the seam changes the density as little as one elsewhere.
    assert!((at(PI - 1e-4) - at(-PI + 1e-4)).abs() < 1e-2);
    assert!((at(2.0) - at(2.0 - TAU)).abs() < 1e-4);
    let x: Tensor<2> =
        model.sample(500, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap();
    assert!(host(x.clone().narrow(1, 0, 1).abs().max())[0] <= PI + 1e-6);
    let report = model.inverse_report(x, &Condition::none()).unwrap();
    assert!(report.error < 1e-3 && report.tail_error.is_some(), "{report}");
}

/// Student's numbers with 2.5 degrees of freedom.
fn heavy(n: usize, seed: u64) -> Vec<f32> {
    let noise = Noise::new(Seed(seed));
    let one = |i: u64| {
        let mut draws = pyrogen_core::Draws::item(&noise, i);
        let scale = (draws.gamma(1.25) / 1.25).sqrt();
        (draws.normal() / scale) as f32
    };
    (0..n as u64).map(one).collect()
}

/// The share of samples beyond 10: Student's distribution has 0.0044 there (0.0009 to 0.018 for the degrees that
/// are allowed), and splines of normal noise have nothing, since they are the identity out there.
#[test]
fn heavy_tails_are_learnt_by_a_heavy_base() {
    let of = |base| NormalizingFlowConfig { event: vec![1], layers: 1, base, ..small() };
    let tail = |model: &NormalizingFlow| {
        let x: Tensor<2> =
            model.sample(40_000, &SampleOptions::default(), &mut Noise::new(Seed(4))).unwrap();
        host(x.abs()).iter().filter(|x| **x > 10.0).count() as f64 / 40_000.0
    };
    let data = heavy(8000, 1);
    let student = of(Base::StudentT { degrees: 5.0 });
    let student = fitted(student.init(Seed(1), &device()).unwrap(), data.clone(), 1, 300);
    let degrees = student.degrees().unwrap()[0];
    assert!((1.7..3.6).contains(&degrees), "{degrees}");
    let share = tail(&student);
    assert!((0.0009..0.018).contains(&share), "{share}");
    let normal = fitted(of(Base::Normal).init(Seed(1), &device()).unwrap(), data, 1, 300);
    assert!(normal.degrees().is_none());
    assert!(tail(&normal) < 0.0002, "{}", tail(&normal));
}

fn nsf(bound: f64, tails: SplineTails) -> FlowKind {
    FlowKind::Autoregressive(NumberMap::Spline(SplineConfig { bound, tails, ..Default::default() }))
}

/// Student's numbers of another scale than the noise's. The identity keeps the noise's scale beyond the bound, and
/// the degrees of freedom have to make up for it: only with affine tails are both the truth's.
#[test]
fn heavy_tails_have_a_scale_of_their_own() {
    const SCALE: f32 = 0.4;
    let data: Vec<f32> = heavy(8000, 1).into_iter().map(|x| SCALE * x).collect();
    // Of 8,000 numbers the likelihood of Student's distribution finds 2.5 degrees with a standard error of 0.08; the
    // splines take a part of the numbers for themselves.
    let near = |degrees: f64| (degrees - 2.5).abs() < 0.5;
    // P(|x| > 4) = P(|t| > 10) is 0.0044, 178 of 40,000 samples; 2 degrees have 0.0099, and 3 have 0.0021.
    let tail = |model: &NormalizingFlow| {
        let x: Tensor<2> =
            model.sample(40_000, &SampleOptions::default(), &mut Noise::new(Seed(4))).unwrap();
        host(x.abs()).iter().filter(|x| **x > 4.0).count() as f64 / 40_000.0
    };
    let [affine, identity] = [SplineTails::Affine, SplineTails::Identity].map(|tails| {
        let base = Base::StudentT { degrees: 5.0 };
        let config = NormalizingFlowConfig {
            event: vec![1],
            layers: 1,
            base,
            flow: nsf(2.0, tails),
            ..small()
        };
        fitted(config.init(Seed(1), &device()).unwrap(), data.clone(), 1, 300)
    });
    let degrees = |model: &NormalizingFlow| model.degrees().unwrap()[0];
    assert!(near(degrees(&affine)), "{}", degrees(&affine));
    assert!(!near(degrees(&identity)), "{}", degrees(&identity));
    assert!((0.0021..0.0099).contains(&tail(&affine)), "{}", tail(&affine));
}

/// Student's noise is what its density says: the share of samples within the quartiles.
#[test]
fn student_noise_has_its_quartiles() {
    let base = Base::StudentT { degrees: 1.0 };
    let config = NormalizingFlowConfig { event: vec![1], layers: 1, base, ..small() };
    let model = config.init(Seed(1), &device()).unwrap();
    assert!((model.degrees().unwrap()[0] - 1.0).abs() < 1e-6);
    let x: Tensor<2> =
        model.sample(20_000, &SampleOptions::default(), &mut Noise::new(Seed(4))).unwrap();
    let z = model.encode(x, &Condition::none()).unwrap().point();
    // Half of a Cauchy distribution is within (-1, 1); five standard errors.
    let share = host(z.abs()).iter().filter(|z| **z < 1.0).count() as f64 / 20_000.0;
    assert!((share - 0.5).abs() < 0.018, "{share}");
}

#[test]
fn what_does_not_fit_is_said() {
    let error = |config: NormalizingFlowConfig| config.validate().unwrap_err().to_string();
    assert!(error(NormalizingFlowConfig { circular: vec![2], ..small() }).contains("`circular`"));
    assert!(error(NormalizingFlowConfig { circular: vec![1, 1], ..small() }).contains("each once"));
    let maf = NormalizingFlowConfig { circular: vec![0], flow: FlowKind::maf(), ..small() };
    assert!(error(maf).contains("of splines"));
    let base = Base::StudentT { degrees: -1.0 };
    assert!(error(NormalizingFlowConfig { base, ..small() }).contains("base.student_t.degrees"));
}
