//! The U-Net of a diffusion model of 28x28 pictures: training, one denoising, sampling.

use burn::tensor::Tensor;
use pyrogen::core::{Condition, Denoise, Noise, SampleOptions, Seed};
use pyrogen::diffusion::solve::Sampler;
use pyrogen::diffusion::{Diffusion, DiffusionConfig, Prediction, SamplingConfig, TimeNetwork};
use pyrogen_nn::{UNet, UNetConfig};

use crate::blocks::{adam, mse};
use crate::sharded::Trainer;
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

/// Three sizes, a block each, attention in the middle.
fn config(plan: Plan) -> UNetConfig {
    UNetConfig {
        channels: plan.pick(vec![32, 64, 64], vec![4, 8]),
        blocks: 1,
        groups: plan.pick(8, 2),
        ..UNetConfig::default()
    }
}

fn side(plan: Plan) -> usize {
    plan.pick(28, 6)
}

struct Train {
    trainer: Trainer<UNet>,
    batch: (Tensor<4>, (Tensor<4>, Tensor<1>)),
}

/// A training step: mean squared error of the noise, Adam, batch 64.
pub fn train(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("unet"), autodiff());
    let (batch, side) = (plan.pick(64, 4), side(plan));
    let model = config(plan).init(1, 1, None, &mut noise, &device);
    let shape = [batch, 1, side, side];
    let times = noise.uniform([batch], &device) * 1000.0;
    let targets = (noise.normal(shape, &device), times);
    Box::new(Train {
        trainer: Trainer::new(model, adam(), 1e-3, plan.workers),
        batch: (noise.normal(shape, &device), targets),
    })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.trainer.step(&self.batch, |model, (x, (target, times))| {
            mse(model.forward(x, times, None), target)
        })
    }
}

/// A model before training; its sampler is Euler's, fifty steps.
fn model(plan: Plan) -> Diffusion {
    let sampling = SamplingConfig {
        sampler: Sampler::Euler,
        steps: plan.pick(50, 3),
        ..SamplingConfig::default()
    };
    let config = DiffusionConfig {
        event: vec![1, side(plan), side(plan)],
        network: TimeNetwork::UNet(config(plan)),
        prediction: Prediction::Epsilon,
        sampling,
        ..DiffusionConfig::default()
    };
    config.init(Seed(1), &plain()).expect("a valid config")
}

struct Once {
    model: Diffusion,
    x: Tensor<4>,
    sigma: Tensor<1>,
}

fn denoise(batch: usize, plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("unet"), plain());
    let x = noise.normal([batch, 1, side(plan), side(plan)], &device);
    Box::new(Once { model: model(plan), x, sigma: Tensor::ones([batch], &device) })
}

/// One denoising of one picture.
pub fn denoise_one(plan: Plan) -> Box<dyn Workload> {
    denoise(1, plan)
}

/// One denoising of sixteen pictures.
pub fn denoise_sixteen(plan: Plan) -> Box<dyn Workload> {
    denoise(16, plan)
}

impl Workload for Once {
    fn run(&mut self) -> f64 {
        first(self.model.denoise(self.x.clone(), self.sigma.clone(), &Condition::none()))
    }
}

struct Draw {
    model: Diffusion,
    n: usize,
    noise: Noise,
}

/// Sixteen pictures in fifty steps.
pub fn sample(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { model: model(plan), n: plan.pick(16, 2), noise: noise("unet samples") })
}

impl Workload for Draw {
    fn run(&mut self) -> f64 {
        let drawn = self.model.generate(self.n, &SampleOptions::default(), &mut self.noise, |_| {});
        first(drawn.expect("finite numbers"))
    }
}
