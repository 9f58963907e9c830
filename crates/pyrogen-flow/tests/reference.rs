//! Noise, log-densities and every gradient against zuko and nflows on the same weights and examples; see
//! `scripts/reference_flow.py`.

use burn::tensor::{Int, Tensor};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{Condition, Seed};
use pyrogen_flow::NormalizingFlowConfig;
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use serde::Deserialize;

/// Relative above 1, absolute below. The reference computes in f64, we in f32: a few layers of sums of at
/// most some ten products.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: NormalizingFlowConfig,
    x: Array,
    labels: Option<Vec<i32>>,
    context: Option<Array>,
    weights: Arrays,
    z: Array,
    log_prob: Array,
    gradients: Arrays,
    slope: Array,
}

#[test]
fn densities_and_gradients_are_those_of_zuko() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/flow.json")).unwrap();
    assert_eq!(fixture.cases.len(), 11);
    let device = device().autodiff();
    for case in &fixture.cases {
        println!("{}", case.name);
        let flow = with_weights(case.config.init(Seed(0), &device).unwrap(), &case.weights);
        let labels = |l: &Vec<i32>| Tensor::<1, Int>::from_data(l.as_slice(), &device);
        let condition = Condition {
            labels: case.labels.as_ref().map(labels),
            context: case.context.as_ref().map(|c| c.tensor(&device)),
        };
        let x: Tensor<2> = case.x.tensor(&device).require_grad();
        let given = flow.given(&condition, x.dims()[0]);
        let (z, _) = given.forward(x.clone());
        case.z.assert_close(z.clone().inner(), TOLERANCE, &case.name);
        case.x.assert_close(given.inverse(z).0.inner(), TOLERANCE, &case.name);
        let log_prob = given.log_prob(x.clone());
        case.log_prob.assert_close(log_prob.clone().inner(), TOLERANCE, &case.name);
        let grads = log_prob.mean().neg().backward();
        let inner = pyrogen_testkit::device();
        assert_all_close(&case.gradients, &gradients(&flow, &grads), TOLERANCE, &inner);
        case.slope.assert_close(x.grad(&grads).unwrap(), TOLERANCE, &case.name);
    }
}
