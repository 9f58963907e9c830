//! Optimisers against PyTorch's, Adam and AdamW against Burn's own too.

use burn::module::{Module, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::{Noise, Seed};
use pyrogen_testkit::{device, host, largest_difference};
use pyrogen_train::{Method, OptimizerConfig};
use serde::Deserialize;

#[derive(Module, Debug)]
struct Weights {
    w: Param<Tensor<1>>,
}

impl Weights {
    fn new(values: &[f64], device: &Device) -> Self {
        Self { w: Param::from_tensor(tensor(values, &device.clone().autodiff())) }
    }

    /// One step along a given gradient.
    fn step(self, optimizer: &mut ModuleOptimizer, rate: f64, gradient: Tensor<1>) -> Self {
        let mut grads = GradientsParams::new();
        grads.register(self.w.id, gradient);
        optimizer.step(rate, self, grads)
    }

    fn values(&self) -> Tensor<1> {
        self.w.val().inner()
    }
}

fn tensor(values: &[f64], device: &Device) -> Tensor<1> {
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    Tensor::from_data(TensorData::from(values.as_slice()), device)
}

#[derive(Deserialize)]
struct Fixture {
    start: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: Method,
    lr: f64,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    parameters: Vec<Vec<f64>>,
}

/// Twenty steps in f32 against PyTorch's in f64: each step rounds a parameter of up to 4 by up to
/// 2.4e-7.
const ROUNDED: f64 = 3e-6;

#[test]
fn adam_equals_pytorchs() {
    equals_pytorch(include_str!("fixtures/adam.json"), 4);
}

/// SGD with and without momentum, RMSProp and Lion. The fixture's RMSProp has no momentum at whatever
/// `beta1`.
#[test]
fn the_others_equal_pytorchs() {
    equals_pytorch(include_str!("fixtures/optimizers.json"), 8);
}

fn equals_pytorch(fixture: &str, cases: usize) {
    let fixture: Fixture = serde_json::from_str(fixture).unwrap();
    let device = device();
    assert_eq!(fixture.cases.len(), cases);
    for case in fixture.cases {
        let config = OptimizerConfig {
            method: case.name,
            learning_rate: case.lr,
            beta1: case.betas[0],
            beta2: case.betas[1],
            epsilon: case.eps,
            weight_decay: case.weight_decay,
            ..OptimizerConfig::default()
        };
        let mut optimizer = config.init(&[]);
        let mut model = Weights::new(&fixture.start, &device);
        for (step, (gradient, expected)) in
            fixture.gradients.iter().zip(&case.parameters).enumerate()
        {
            model = model.step(&mut optimizer, case.lr, tensor(gradient, &device));
            for (got, expected) in host(model.values()).iter().zip(expected) {
                let name = case.name;
                assert!((got - expected).abs() < ROUNDED, "{name:?} {step}: {got} {expected}");
            }
        }
    }
}

/// Burn computes `1 - beta_2` in f32, 5e-5 off, which its correction of the first steps takes back;
/// what is left of it after twenty steps of at most 0.01.
const BURNS_ROUNDING: f64 = 2e-5;

#[test]
fn equals_burns_own_and_continues_its_records() {
    let device = device();
    // Long enough for several threads to share it.
    let n = 200_003;
    let start = Noise::new(Seed(1)).normal_vec(n);
    for method in [Method::Adam, Method::AdamW] {
        let config = OptimizerConfig { method, weight_decay: 0.05, ..Default::default() };
        let mut ours = config.init(&[]);
        let mut burns = match method {
            Method::Adam => AdamConfig::new()
                .with_epsilon(1e-8)
                .with_weight_decay(Some(WeightDecayConfig::new(0.05)))
                .init(),
            _ => AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.05).init(),
        };
        let (mut a, mut b) = (Weights::new(&start, &device), Weights::new(&start, &device));
        b.w.id = a.w.id;
        let mut noise = Noise::new(Seed(2));
        let mut gradient = || noise.normal([n], &device);
        for step in 0..20 {
            let g = gradient();
            a = a.step(&mut ours, 0.01, g.clone());
            b = b.step(&mut burns, 0.01, g);
            let difference = largest_difference(a.values(), b.values());
            assert!(difference < BURNS_ROUNDING, "{method:?}, step {step}: {difference}");
        }
        // Moments that one of them wrote are read by the other.
        let mut taken_over = config.init(&[]).from_bytes(burns.into_bytes().unwrap()).unwrap();
        let g = gradient();
        a = b.clone().step(&mut taken_over, 0.01, g.clone());
        b = b.step(&mut burns, 0.01, g);
        let difference = largest_difference(a.values(), b.values());
        assert!(difference < BURNS_ROUNDING, "{method:?}, taken over: {difference}");
    }
}
