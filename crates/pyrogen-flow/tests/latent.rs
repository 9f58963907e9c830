//! Flows as prior and posterior of an autoencoder, against integrals over its one latent.

use std::f64::consts::TAU;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use pyrogen_core::distribution::{Distribution, Independent, Normal};
use pyrogen_core::{
    Condition, Decode, Describe, Encode, LikelihoodKind, ModelError, Noise, Posterior, Sample,
    SampleOptions, Score, ScoreGiven, ScoreMethod, ScoreOptions, Seed,
};
use pyrogen_flow::{FlowKind, LatentFlow, NormalizingFlow, NormalizingFlowConfig};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit::{Rows, device, host};
use pyrogen_train::{
    Decay, GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, ScheduleConfig,
    TrainConfig, Trainer,
};

/// The variance of the decoder, and the variance and slope of the encoder: its posterior is near the true one for
/// a standard normal prior.
const DECODER: f64 = 0.25;
const ENCODER: f64 = 0.2;
const SLOPE: f64 = 0.8;

/// `x | z ~ N(z + shift, 0.25)` and `q(z | x) = N(0.8 x, 0.2)`; the shift is a parameter that stays near 0.
#[derive(Module, Debug)]
struct Line {
    shift: Param<Tensor<1>>,
}

impl Line {
    fn new() -> Self {
        Self { shift: Param::from_tensor(Tensor::zeros([1], &device())) }
    }

    fn decoded(&self, z: Tensor<2>) -> Normal<2> {
        let mean = z + self.shift.val().unsqueeze();
        let log_var = mean.full_like(DECODER.ln());
        Normal::new(mean, log_var)
    }
}

impl Describe for Line {
    fn event_shape(&self) -> Vec<usize> {
        vec![1]
    }
}

impl Encode<2> for Line {
    fn encode(&self, x: Tensor<2>, _: &Condition) -> Result<Posterior, ModelError> {
        let log_var = x.full_like(ENCODER.ln());
        Ok(Posterior::Gaussian(Independent::new(Normal::new(x * SLOPE, log_var))))
    }
}

impl Decode<2> for Line {
    fn latent_dim(&self) -> usize {
        1
    }

    fn decode(&self, z: Tensor<2>, _: &Condition) -> Result<Tensor<2>, ModelError> {
        Ok(z + self.shift.val().unsqueeze())
    }

    fn decode_draw(
        &self,
        z: Tensor<2>,
        _: &Condition,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, ModelError> {
        Ok(self.decoded(z).sample(noise))
    }
}

impl ScoreGiven<2> for Line {
    fn log_prob_given(
        &self,
        x: Tensor<2>,
        z: Tensor<2>,
        _: &Condition,
    ) -> Result<Tensor<1>, ModelError> {
        Ok(self.decoded(z).log_prob(x).sum_dim(1).squeeze_dim(1))
    }
}

fn flow(kind: FlowKind, context: Option<usize>) -> NormalizingFlow {
    let config = NormalizingFlowConfig {
        event: vec![1],
        flow: kind,
        layers: 2,
        network: MlpConfig { hidden: vec![16], activation: Activation::Silu },
        context: context.map(|n| vec![n]),
        ..Default::default()
    };
    config.init(Seed(1), &device()).unwrap()
}

fn column(values: &[f64]) -> Tensor<2> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n, 1]), &device())
}

fn normal(x: f64, mean: f64, variance: f64) -> f64 {
    (-0.5 * (x - mean).powi(2) / variance).exp() / (TAU * variance).sqrt()
}

fn nats(model: &impl Score<2>, x: &[f64], method: ScoreMethod, draws: usize) -> (f64, f64) {
    let options = ScoreOptions { draws, method };
    let mut noise = Noise::new(Seed(5));
    let found = model.log_likelihood(column(x), &Condition::none(), &options, &mut noise).unwrap();
    let kind = match method {
        ScoreMethod::LowerBound => LikelihoodKind::LowerBound,
        _ => LikelihoodKind::Estimate,
    };
    assert_eq!(found.kind(), kind);
    (found.mean_nats(), found.std_err().unwrap())
}

/// The estimate is the integral over latents of the decoder's density times the flow's, with and without a posterior
/// flow, and the bound is below it.
#[test]
fn estimates_are_integrals_over_the_flow() {
    let x = [-2.0, -0.3, 0.0, 1.1, 2.5];
    let cells = 4000;
    let z: Vec<f64> =
        (0..cells).map(|i| -12.0 + 24.0 * (f64::from(i) + 0.5) / f64::from(cells)).collect();
    let prior = flow(FlowKind::nsf(), None);
    let log_prior = host(prior.given(&Condition::none(), z.len()).log_prob(column(&z)));
    let integral = |x: f64| -> f64 {
        let terms = z.iter().zip(&log_prior).map(|(z, log)| log.exp() * normal(x, *z, DECODER));
        (terms.sum::<f64>() * 24.0 / f64::from(cells)).ln()
    };
    let expected = x.iter().map(|x| integral(*x)).sum::<f64>() / x.len() as f64;
    for posterior in [None, Some(flow(FlowKind::maf(), Some(2)))] {
        let model = LatentFlow::new(Line::new(), prior.clone(), posterior).unwrap();
        let (estimate, error) = nats(&model, &x, ScoreMethod::Estimate, 3000);
        assert!(
            error < 0.05 && (estimate - expected).abs() < 5.0 * error,
            "{estimate} {expected} {error}"
        );
        let (bound, error) = nats(&model, &x, ScoreMethod::LowerBound, 500);
        assert!(bound < expected + 5.0 * error, "{bound} {expected}");
    }
}

/// Examples in two groups.
fn groups(n: usize, seed: u64) -> Vec<f64> {
    let mut noise = Noise::new(Seed(seed));
    let (u, z) = (noise.uniform_vec(n), noise.normal_vec(n));
    u.into_iter().zip(z).map(|(u, z)| if u < 0.4 { -2.0 } else { 2.0 } + 0.6 * z).collect()
}

/// With an encoder that does not learn the best prior is the mean of the posteriors, which is known: the flow prior
/// reaches it, far above the standard normal prior, and its bound is higher.
#[test]
fn a_flow_prior_reaches_the_mean_of_the_posteriors() {
    let train = TrainConfig {
        batch_size: 256,
        limits: Limits { steps: Some(250), epochs: None, minutes: None },
        optimizer: OptimizerConfig { learning_rate: 2e-2, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 0 },
        ..TrainConfig::default()
    };
    let model = LatentFlow::new(Line::new(), flow(FlowKind::nsf(), None), None).unwrap();
    let values = groups(3000, 1).iter().map(|&v| v as f32).collect();
    let data = Rows { values, width: 1, condition: Condition::none() };
    let learner = GradientLearner::new(model, &train).unwrap();
    let room = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(train, Seed(5)).unwrap().progress(ProgressMode::Hidden);
    let model = trainer.fit(learner, Arc::new(data), None, room.path()).unwrap().learner.model();
    let fresh = groups(1000, 2);
    // Latents of a group lie around 0.8 times its mean; examples add the decoder's variance.
    let (at, variance) = (SLOPE * 2.0, SLOPE * SLOPE * 0.36 + ENCODER + DECODER);
    let best = |x: f64| (0.4 * normal(x, -at, variance) + 0.6 * normal(x, at, variance)).ln();
    let mean = |f: &dyn Fn(f64) -> f64| fresh.iter().map(|x| f(*x)).sum::<f64>() / 1000.0;
    let own = mean(&best);
    // The marginal of a standard normal prior is N(0, 1.25), whatever the posterior.
    let standard = mean(&|x| normal(x, 0.0, 1.0 + DECODER).ln());
    let (estimate, _) = nats(&model, &fresh, ScoreMethod::Estimate, 200);
    assert!(own - standard > 0.5, "{own} {standard}");
    // The flow is fitted to 3,000 other examples.
    assert!((own - estimate).abs() < 0.06, "{own} {estimate}");
    let (bound, _) = nats(&model, &fresh, ScoreMethod::LowerBound, 50);
    assert!(bound > standard && bound < estimate + 0.02, "{bound} {estimate} {standard}");
    let x = model.sample(2000, &SampleOptions::default(), &mut Noise::new(Seed(1))).unwrap();
    let low = host(x).iter().filter(|x| **x < 0.0).count() as f64 / 2000.0;
    assert!((low - 0.4).abs() < 0.08, "{low}");
}

#[test]
fn flows_that_do_not_fit_are_refused() {
    let refused = |prior: NormalizingFlow, posterior: Option<NormalizingFlow>| {
        LatentFlow::new(Line::new(), prior, posterior).unwrap_err().to_string()
    };
    let wide = NormalizingFlowConfig::default().init(Seed(1), &device()).unwrap();
    assert!(refused(wide, None).contains("`prior` must be of 1 features"));
    assert!(refused(flow(FlowKind::maf(), Some(1)), None).contains("`prior`"));
    let (good, bad) = (flow(FlowKind::maf(), None), flow(FlowKind::maf(), Some(3)));
    assert!(refused(good, Some(bad)).contains("`posterior` must be of 1 features"));
}
