//! Muon against a reference in PyTorch, and against Burn's own where the two agree.

use burn::module::{Module, Param};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, MuonConfig};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{HiddenMatrix, Noise, Seed};
use pyrogen_testkit::{device, host, largest_difference};
use pyrogen_train::{Method, OptimizerConfig};
use serde::Deserialize;

#[derive(Module, Debug)]
struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    into: usize,
    out: usize,
    parts: Vec<usize>,
    decay: f64,
    momentum: f64,
    start: Start,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Start {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Deserialize)]
struct Step {
    weight_grad: Vec<f32>,
    bias_grad: Vec<f32>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn config(momentum: f64, decay: f64) -> OptimizerConfig {
    OptimizerConfig {
        method: Method::Muon,
        learning_rate: 0.003,
        beta2: 0.95,
        weight_decay: 0.1,
        muon_momentum: momentum,
        muon_weight_decay: decay,
        ..OptimizerConfig::default()
    }
}

impl Layer {
    fn step(self, optimizer: &mut ModuleOptimizer, grads: (Tensor<2>, Tensor<1>)) -> Self {
        let mut all = GradientsParams::new();
        all.register(self.weight.id, grads.0);
        all.register(self.bias.id, grads.1);
        optimizer.step(0.003, self, all)
    }
}

/// Five steps of 0.02 along matrices that single precision gives to about 1e-4, and weights of up to 4
/// that each step rounds.
const ROUNDED: f64 = 1e-5;

#[test]
fn muon_equals_its_reference_in_pytorch() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/muon.json")).unwrap();
    assert_eq!(fixture.cases.len(), 5);
    let device = device();
    let tracked = device.clone().autodiff();
    for case in fixture.cases {
        let shape = [case.into, case.out];
        let mut layer = Layer {
            weight: Param::from_tensor(tensor(&case.start.weight, shape, &tracked)),
            bias: Param::from_tensor(tensor(&case.start.bias, [case.out], &tracked)),
        };
        let hidden = [HiddenMatrix { path: "weight".into(), parts: case.parts.clone() }];
        let mut optimizer = config(case.momentum, case.decay).init(&hidden);
        for step in &case.steps {
            let grads = (
                tensor(&step.weight_grad, shape, &device),
                tensor(&step.bias_grad, [case.out], &device),
            );
            layer = layer.step(&mut optimizer, grads);
            let weight = host(layer.weight.val().inner());
            let pairs = weight.iter().zip(&step.weight);
            let bias = host(layer.bias.val().inner());
            let pairs = pairs.chain(bias.iter().zip(&step.bias));
            let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < ROUNDED, "{shape:?} {:?}: {off}", case.parts);
        }
    }
}

/// Two iterations in single precision, one of which leaves the matrix and one its Gram matrix; a step
/// is 0.02 times as long.
const ITERATED: f64 = 1e-5;

#[test]
fn a_square_matrix_moves_as_burns_own_moves_it() {
    let device = device();
    let mut noise = Noise::new(Seed(4));
    let n = 70;
    let mut draw = || noise.normal([n, n], &device);
    let start = draw();
    let tracked = device.clone().autodiff();
    let start = start.into_data();
    let layer = || Layer {
        weight: Param::from_tensor(Tensor::from_data(start.clone(), &tracked)),
        bias: Param::from_tensor(Tensor::zeros([1], &tracked)),
    };
    let (mut a, mut b) = (layer(), layer());
    let hidden = [HiddenMatrix { path: "weight".into(), parts: Vec::new() }];
    let mut ours = config(0.95, 0.0).init(&hidden);
    let momentum = MomentumConfig { momentum: 0.95, dampening: 0.0, nesterov: true };
    let mut burns = MuonConfig::new().with_momentum(momentum).init();
    for _ in 0..3 {
        let grad = draw();
        let grads = |layer: &Layer| {
            let mut grads = GradientsParams::new();
            grads.register(layer.weight.id, grad.clone());
            grads
        };
        let (of_a, of_b) = (grads(&a), grads(&b));
        a = ours.step(0.003, a, of_a);
        b = burns.step(0.02, b, of_b);
        let off = largest_difference(a.weight.val().inner(), b.weight.val().inner());
        assert!(off < ITERATED, "{off}");
    }
}
