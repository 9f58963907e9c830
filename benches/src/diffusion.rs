//! Diffusion of colour pictures as users train it and draw from it: `pyrogen-diffusion` by
//! `pyrogen-train`'s learner, at sizes that fill a card.

use pyrogen::core::{Noise, SampleOptions, Seed};
use pyrogen::diffusion::solve::Sampler;
use pyrogen::diffusion::{Diffusion, DiffusionConfig, Prediction, SamplingConfig, TimeNetwork};
use pyrogen_nn::UNetConfig;

use crate::vae;
use crate::workload::{Plan, Workload, first, noise, plain};

/// Three sizes of `width`, `2 width` and `4 width` channels, two blocks each, attention in the middle.
fn model(plan: Plan, side: usize, width: usize) -> Diffusion {
    let network = UNetConfig {
        channels: vec![width, 2 * width, 4 * width],
        blocks: 2,
        groups: width.min(8),
        ..UNetConfig::default()
    };
    let steps = plan.pick(50, 3);
    let config = DiffusionConfig {
        event: vec![3, side, side],
        network: TimeNetwork::UNet(network),
        prediction: Prediction::Epsilon,
        sampling: SamplingConfig { sampler: Sampler::Euler, steps, ..SamplingConfig::default() },
        ..DiffusionConfig::default()
    };
    config.init(Seed(1), &plain()).expect("a valid config")
}

/// A training step: times and noise drawn, mean squared error of the noise, Adam.
pub fn train(plan: Plan, [batch, side, width]: [usize; 3]) -> Box<dyn Workload> {
    vae::train(model(plan, side, width), plan, batch, 3 * side * side)
}

struct Draw {
    model: Diffusion,
    n: usize,
    noise: Noise,
}

/// Pictures in fifty steps of Euler's method.
pub fn sample(plan: Plan, [n, side, width]: [usize; 3]) -> Box<dyn Workload> {
    Box::new(Draw { model: model(plan, side, width), n, noise: noise("diffusion samples") })
}

impl Workload for Draw {
    fn run(&mut self) -> f64 {
        let drawn = self.model.generate(self.n, &SampleOptions::default(), &mut self.noise, |_| {});
        first(drawn.expect("finite numbers"))
    }
}
