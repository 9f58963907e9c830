//! Noise, log-densities and every gradient against zuko, nflows, normflows and pyro on the same weights and
//! examples; see `scripts/reference_flow.py` and `scripts/reference_more.py`.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{Condition, Noise, Score, ScoreOptions, Seed};
use pyrogen_flow::{FlowKind, NormalizingFlowConfig};
use pyrogen_testkit::device;
use pyrogen_testkit::fixtures::{Array, Arrays, assert_all_close, gradients, with_weights};
use serde::Deserialize;

/// Relative above 1, absolute below. The reference computes in f64, we in f32: a few layers of sums of at
/// most some ten products.
pub const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
pub struct Fixture<C> {
    pub cases: Vec<Case<C>>,
}

#[derive(Deserialize)]
pub struct Case<C> {
    pub name: String,
    pub config: C,
    pub x: Array,
    labels: Option<Vec<i32>>,
    context: Option<Array>,
    pub weights: Arrays,
    pub z: Array,
    pub log_prob: Array,
    pub gradients: Arrays,
    pub slope: Array,
}

impl<C> Case<C> {
    pub fn condition(&self, device: &Device) -> Condition {
        let labels = |l: &Vec<i32>| Tensor::<1, Int>::from_data(l.as_slice(), device);
        Condition {
            labels: self.labels.as_ref().map(labels),
            context: self.context.as_ref().map(|c| c.tensor(device)),
        }
    }

    /// Compares noise, inverse, log-density and every gradient of a flow with these weights; `given` is the flow
    /// given the case's condition.
    pub fn compare(
        &self,
        flow: &impl Module,
        given: &impl Bijection<2, 2, 1>,
        log_prob: impl Fn(Tensor<2>) -> Tensor<1>,
    ) {
        println!("{}", self.name);
        let x: Tensor<2> = self.x.tensor(&device().autodiff()).require_grad();
        let (z, _) = given.forward(x.clone());
        self.z.assert_close(z.clone().inner(), TOLERANCE, &self.name);
        self.x.assert_close(given.inverse(z).0.inner(), TOLERANCE, &self.name);
        let got = log_prob(x.clone());
        self.log_prob.assert_close(got.clone().inner(), TOLERANCE, &self.name);
        let grads = got.mean().neg().backward();
        assert_all_close(&self.gradients, &gradients(flow, &grads), TOLERANCE, &device());
        self.slope.assert_close(x.grad(&grads).unwrap(), TOLERANCE, &self.name);
    }

    /// Rows of the examples.
    pub fn rows(&self) -> usize {
        self.x.shape[0]
    }
}

/// Scores of continuous flows by the adaptive solver: its tolerance of 2e-6, relative and absolute, for each of
/// some ten steps, in sums of about 5.
const SOLVED: f64 = 1e-4;

fn compare(text: &str, cases: usize) {
    let fixture: Fixture<NormalizingFlowConfig> = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.cases.len(), cases);
    let device = device().autodiff();
    for case in &fixture.cases {
        let flow = with_weights(case.config.init(Seed(0), &device).unwrap(), &case.weights);
        let given = flow.given(&case.condition(&device), case.rows());
        case.compare(&flow, &given, |x| given.log_prob(x));
        let inner = pyrogen_testkit::device();
        if matches!(case.config.flow, FlowKind::Continuous(_)) {
            let (options, mut noise) = (ScoreOptions::default(), Noise::new(Seed(0)));
            let plain = with_weights(case.config.init(Seed(0), &inner).unwrap(), &case.weights);
            let condition = case.condition(&inner);
            let x: Tensor<2> = case.x.tensor(&inner);
            let score = plain.log_likelihood(x, &condition, &options, &mut noise).unwrap();
            for (got, expected) in score.nats().iter().zip(&case.log_prob.values) {
                assert!((got - f64::from(*expected)).abs() < SOLVED, "{got} {expected}");
            }
        }
    }
}

#[test]
fn densities_and_gradients_are_those_of_zuko() {
    compare(include_str!("fixtures/flow.json"), 11);
}

#[test]
fn densities_and_gradients_are_those_of_normflows_pyro_and_zuko() {
    compare(include_str!("fixtures/more.json"), 11);
}
