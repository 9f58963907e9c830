//! A recurrent network.

use burn::tensor::Tensor;
use pyrogen_nn::Lstm;

use crate::blocks;
use crate::sharded::Trainer;
use crate::workload::{Plan, Workload, autodiff, noise};

struct Train {
    trainer: Trainer<Lstm>,
    batch: (Tensor<3>, Tensor<3>),
}

/// A training step of one layer, 128 to 256, over 64 steps of 32 sequences: mean squared error,
/// Adam.
pub fn train(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("lstm"), autodiff());
    let [batch, length, input, hidden] = plan.pick([32, 64, 128, 256], [4, 5, 6, 8]);
    let model = Lstm::new(input, hidden, &mut noise, &device);
    let x = noise.normal([batch, length, input], &device);
    let target = noise.uniform([batch, length, hidden], &device);
    Box::new(Train {
        trainer: Trainer::new(model, blocks::adam(), 1e-3, plan.workers),
        batch: (x, target),
    })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.trainer
            .step(&self.batch, |model, (x, target)| blocks::mse(blocks::lstm(model, x), target))
    }
}
