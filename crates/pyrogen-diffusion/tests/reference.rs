//! Losses and every gradient against PyTorch on the same weights, examples and draws; see
//! `scripts/reference_losses.py`.

use burn::tensor::{Int, Tensor};
use pyrogen_core::{Batch, Loss, Objective, Seed};
use pyrogen_diffusion::{DiffusionConfig, DiffusionDraws, FlowConfig, FlowDraws};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use serde::Deserialize;

/// Of losses, relative above 1, absolute below. The reference computes in f64, we in f32: sums of at
/// most a few hundred products.
const LOSS: f64 = 1e-5;

/// Of gradients; a time of 1000 has an error of 6e-5 in its phase, hence four times that of losses.
const GRADIENT: f64 = 4e-5;

#[derive(Deserialize)]
struct Fixture {
    diffusion: Vec<Case<DiffusionConfig>>,
    flow: Vec<Case<FlowConfig>>,
}

#[derive(Deserialize)]
struct Case<C> {
    config: C,
    x: Array,
    noise: Array,
    moments: Vec<f64>,
    labels: Option<Vec<i32>>,
    context: Option<Array>,
    dropped: Vec<bool>,
    weights: Arrays,
    total: f64,
    gradients: Arrays,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/losses.json")).unwrap()
}

impl<C: std::fmt::Debug> Case<C> {
    fn batch(&self) -> Batch<2> {
        let device = device();
        let labels = |l: &Vec<i32>| Tensor::<1, Int>::from_data(l.as_slice(), &device);
        Batch::new(self.x.tensor(&device))
            .with_labels(self.labels.as_ref().map(labels))
            .with_context(self.context.as_ref().map(|c| c.tensor(&device)))
    }

    fn check<M: burn::module::Module>(&self, model: &M, loss: Loss) {
        let total = loss.total();
        let value = f64::from(total.clone().into_scalar::<f32>());
        let error = (value - self.total).abs() / self.total.abs().max(1.0);
        assert!(error <= LOSS, "{:?}: got {value}, expected {}", self.config, self.total);
        let scale = self.total.max(1.0);
        let got = gradients(model, &total.div_scalar(scale).backward());
        let expected = self.gradients.iter().map(|(name, a)| {
            let values = a.values.iter().map(|v| v / scale as f32).collect();
            (name.clone(), Array { shape: a.shape.clone(), values })
        });
        assert_all_close(&expected.collect(), &got, GRADIENT, &device());
    }
}

#[test]
fn diffusion_losses_are_those_of_pytorch() {
    let cases = fixture().diffusion;
    assert_eq!(cases.len(), 11);
    for case in cases {
        let model = case.config.init(Seed(0), &device().autodiff()).unwrap();
        let model = with_weights(model, &case.weights);
        let draws = DiffusionDraws {
            moments: case.moments.clone(),
            noise: case.noise.tensor(&device()),
            dropped: case.dropped.clone(),
        };
        case.check(&model, model.loss(case.batch(), draws));
    }
}

#[test]
fn flow_losses_are_those_of_pytorch() {
    let cases = fixture().flow;
    assert_eq!(cases.len(), 2);
    for case in cases {
        let model = case.config.init(Seed(0), &device().autodiff()).unwrap();
        let model = with_weights(model, &case.weights);
        let draws = FlowDraws {
            times: case.moments.clone(),
            noise: case.noise.tensor(&device()),
            dropped: case.dropped.clone(),
        };
        case.check(&model, model.loss(case.batch(), draws));
    }
}
