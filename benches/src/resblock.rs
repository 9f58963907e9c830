//! A residual block of a diffusion model's network.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use pyrogen::core::Noise;

use crate::blocks::{adam, conv2d, group_norm_silu, mse};
use crate::layers;
use crate::sharded::Trainer;
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

/// `x + conv(silu(norm(conv(silu(norm(x))))))`, 3x3 convolutions, 8 groups.
#[derive(Module, Debug)]
pub struct ResBlock {
    norms: [GroupNorm; 2],
    convs: [Conv2d; 2],
}

impl ResBlock {
    /// A block with weights from a stream.
    pub fn new(channels: usize, noise: &mut Noise, device: &Device) -> Self {
        Self {
            norms: [(); 2].map(|()| layers::group_norm(8, channels, device)),
            convs: [(); 2].map(|()| layers::conv([channels; 2], [3, 1, 1], noise, device)),
        }
    }

    /// `[batch, channels, h, w]` to the same.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let layers = self.norms.iter().zip(&self.convs);
        let out = layers.fold(x.clone(), |h, (norm, conv)| conv2d(conv, group_norm_silu(norm, h)));
        x + out
    }
}

fn sizes(plan: Plan) -> [usize; 4] {
    plan.pick([16, 64, 32, 32], [4, 8, 6, 6])
}

struct Forward {
    model: ResBlock,
    x: Tensor<4>,
}

/// The forward pass without a graph.
pub fn forward(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("resblock"), plain());
    let shape = sizes(plan);
    let model = ResBlock::new(shape[1], &mut noise, &device);
    Box::new(Forward { model, x: noise.normal(shape, &device) })
}

impl Workload for Forward {
    fn run(&mut self) -> f64 {
        first(self.model.forward(self.x.clone()))
    }
}

struct Train {
    trainer: Trainer<ResBlock>,
    batch: (Tensor<4>, Tensor<4>),
}

/// A training step: mean squared error, Adam.
pub fn train(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("resblock"), autodiff());
    let shape = sizes(plan);
    let model = ResBlock::new(shape[1], &mut noise, &device);
    Box::new(Train {
        trainer: Trainer::new(model, adam(), 1e-3, plan.workers),
        batch: (noise.normal(shape, &device), noise.normal(shape, &device)),
    })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.trainer.step(&self.batch, |model, (x, target)| mse(model.forward(x), target))
    }
}
