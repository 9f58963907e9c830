//! What flows learn in a few hundred steps, against the entropy of the data.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use pyrogen_core::{Condition, Noise, Score, ScoreOptions, Seed};
use pyrogen_flow::{ContinuousConfig, FlowKind, NormalizingFlowConfig, NumberMap};
use pyrogen_nn::{Activation, MlpConfig};
use pyrogen_testkit::{Rows, device};
use pyrogen_train::{
    GradientLearner, Learner, Limits, OptimizerConfig, ProgressMode, TrainConfig, Trainer,
};

/// The spread of the bow.
const SPREAD: f64 = 0.3;

/// Points on a bow: `x` is standard normal, `y` is `x^2 - 1` with a spread.
fn bow(n: usize, seed: u64) -> Vec<f32> {
    let z = Noise::new(Seed(seed)).normal_vec(2 * n);
    z.chunks(2).flat_map(|z| [z[0], z[0] * z[0] - 1.0 + SPREAD * z[1]]).map(|v| v as f32).collect()
}

/// Mean `-ln p` of fresh points after so many steps, less their entropy.
fn gap(flow: FlowKind, layers: usize, steps: u64) -> f64 {
    let network = MlpConfig { hidden: vec![24, 24], activation: Activation::Silu };
    let config = NormalizingFlowConfig { flow, layers, network, ..Default::default() };
    let train = TrainConfig {
        batch_size: 128,
        limits: Limits { steps: Some(steps), epochs: None, minutes: None },
        optimizer: OptimizerConfig { learning_rate: 5e-3, ..OptimizerConfig::default() },
        ..TrainConfig::default()
    };
    let data = Rows { values: bow(2000, 1), width: 2, condition: Condition::none() };
    let learner = GradientLearner::new(config.init(Seed(1), &device()).unwrap(), &train).unwrap();
    let room = tempfile::tempdir().unwrap();
    let outcome = Trainer::new(train, Seed(5))
        .unwrap()
        .progress(ProgressMode::Hidden)
        .fit(learner, Arc::new(data), None, room.path())
        .unwrap();
    let model = outcome.learner.model();
    let fresh = Tensor::<2>::from_data(TensorData::new(bow(1000, 2), [1000, 2]), &device());
    let (options, mut noise) = (ScoreOptions::default(), Noise::new(Seed(1)));
    let score = model.log_likelihood(fresh, &Condition::none(), &options, &mut noise).unwrap();
    let entropy = 1.0 + std::f64::consts::TAU.ln() + SPREAD.ln();
    -score.mean_nats() - entropy
}

/// The best normal density is 1.57 nats off.
#[test]
fn flows_learn_a_bow() {
    let sigmoids = FlowKind::Autoregressive(NumberMap::Sigmoids { units: 8 });
    let continuous = ContinuousConfig { steps: 4, ..ContinuousConfig::default() };
    for (flow, layers, steps, most) in [
        (sigmoids, 2, 300, 0.2),
        (FlowKind::Planar, 12, 400, 0.8),
        (FlowKind::sylvester(), 8, 400, 0.5),
        (FlowKind::Continuous(continuous), 1, 300, 0.3),
    ] {
        let gap = gap(flow, layers, steps);
        println!("{flow:?}: {gap:.3}");
        // Fresh points: their mean has a standard error of 0.03.
        assert!((-0.1..most).contains(&gap), "{flow:?}: {gap}");
    }
}
