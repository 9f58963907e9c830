//! Steps and samples of the flows of pictures of `pyrogen-flow`, 28 by 28 pixels.

use burn::tensor::Tensor;
use pyrogen::core::parallel::sample;
use pyrogen::core::{Noise, Sample, SampleOptions, Seed};
use pyrogen::flow::{Glow, GlowConfig, TarFlow, TarFlowConfig};

use crate::vae::train;
use crate::workload::{Plan, Workload, first, noise, plain};

fn glow(plan: Plan) -> Glow {
    let [levels, steps, width] = plan.pick([2, 8, 64], [1, 1, 4]);
    let config = GlowConfig { levels, steps, width, ..GlowConfig::default() };
    config.init(Seed(1), &plain()).expect("a valid config")
}

fn tarflow(plan: Plan) -> TarFlow {
    let [patch, blocks, layers, width] = plan.pick([2, 4, 2, 64], [14, 1, 1, 8]);
    let config = TarFlowConfig { patch, blocks, layers, width, heads: 4, ..Default::default() };
    config.init(Seed(1), &plain()).expect("a valid config")
}

/// Numbers of a picture.
const PIXELS: usize = 28 * 28;

/// A training step of Glow, 64 pictures.
pub fn glow_train(plan: Plan) -> Box<dyn Workload> {
    train(glow(plan), plan, plan.pick(64, 4), PIXELS)
}

/// A training step of TarFlow, 32 pictures.
pub fn tarflow_train(plan: Plan) -> Box<dyn Workload> {
    train(tarflow(plan), plan, plan.pick(32, 4), PIXELS)
}

struct Draw<M> {
    flow: M,
    n: usize,
    noise: Noise,
}

/// 64 samples of Glow.
pub fn glow_sample(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { flow: glow(plan), n: plan.pick(64, 4), noise: noise("flow") })
}

/// 64 samples of TarFlow, patch after patch.
pub fn tarflow_sample(plan: Plan) -> Box<dyn Workload> {
    Box::new(Draw { flow: tarflow(plan), n: plan.pick(64, 4), noise: noise("flow") })
}

impl<M: Sample<2> + Sync> Workload for Draw<M> {
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
