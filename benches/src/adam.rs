//! The optimiser alone.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use pyrogen::core::init;

use crate::blocks;
use crate::sharded::Trainer;
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

#[derive(Module, Debug)]
struct Weights {
    tensors: Vec<Param<Tensor<2>>>,
}

struct Step {
    trainer: Trainer<Weights>,
    grads: Vec<Tensor<2>>,
    ready: Option<GradientsParams>,
}

/// One Adam step of ten matrices of a million weights.
pub fn build(plan: Plan) -> Box<dyn Workload> {
    let mut noise = noise("adam");
    let shape = [plan.pick(1000, 4); 2];
    let tensors = (0..10).map(|_| init::normal(shape, 0.02, &mut noise, &autodiff())).collect();
    let grads = (0..10).map(|_| noise.normal(shape, &plain())).collect();
    let trainer = Trainer::new(Weights { tensors }, blocks::adam(), 1e-3, 1);
    Box::new(Step { trainer, grads, ready: None })
}

impl Workload for Step {
    /// The same gradients each time, as PyTorch's row has them: neither side writes to them.
    fn prepare(&mut self) {
        let mut ready = GradientsParams::new();
        for (param, grad) in self.trainer.model().tensors.iter().zip(&self.grads) {
            ready.register(param.id, grad.clone());
        }
        self.ready = Some(ready);
    }

    fn run(&mut self) -> f64 {
        let grads = self.ready.take().expect("prepared before each run");
        self.trainer.update(grads);
        first(self.trainer.model().tensors[0].val())
    }
}
