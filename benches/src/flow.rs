//! Steps and samples of `pyrogen-flow`: 16 numbers, 5 layers with networks of 2 x 64, batches of 1,024.

use burn::tensor::Tensor;
use pyrogen::core::parallel::sample;
use pyrogen::core::{Noise, SampleOptions, Seed};
use pyrogen::flow::{FlowKind, NormalizingFlow, NormalizingFlowConfig};
use pyrogen::nn::{Activation, MlpConfig};

use crate::vae::train;
use crate::workload::{Plan, Workload, first, noise, plain};

fn model(plan: Plan, flow: FlowKind) -> NormalizingFlow {
    let [features, layers, width] = plan.pick([16, 5, 64], [3, 2, 8]);
    let config = NormalizingFlowConfig {
        event: vec![features],
        flow,
        layers,
        network: MlpConfig { hidden: vec![width; 2], activation: Activation::Relu },
        ..NormalizingFlowConfig::default()
    };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn rows(plan: Plan) -> usize {
    plan.pick(1024, 6)
}

/// A training step of the affine autoregressive flow.
pub fn maf_train(plan: Plan) -> Box<dyn Workload> {
    train(model(plan, FlowKind::maf()), plan, rows(plan), plan.pick(16, 3))
}

/// A training step of the autoregressive spline flow, 8 bins.
pub fn nsf_train(plan: Plan) -> Box<dyn Workload> {
    train(model(plan, FlowKind::nsf()), plan, rows(plan), plan.pick(16, 3))
}

struct Draw {
    flow: NormalizingFlow,
    n: usize,
    noise: Noise,
}

/// A batch of samples of the affine autoregressive flow.
pub fn maf_sample(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { flow: model(plan, FlowKind::maf()), n: rows(plan), noise: noise("flow") })
}

/// A batch of samples of the autoregressive spline flow.
pub fn nsf_sample(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { flow: model(plan, FlowKind::nsf()), n: rows(plan), noise: noise("flow") })
}

impl Workload for Draw {
    fn run(&mut self) -> f64 {
        self.noise = self.noise.fork("next");
        let (options, half) = (SampleOptions::default(), self.n.div_ceil(2));
        // A half for each core.
        let drawn: Tensor<2> =
            sample(&self.flow, 0..self.n as u64, half, &options, &self.noise, &plain())
                .expect("samples");
        first(drawn)
    }
}
