//! Training steps of `pyrogen-vae` by `pyrogen-train`'s learner.

use burn::tensor::Tensor;
use pyrogen::core::{Batch, Objective, Seed};
use pyrogen::nn::{Activation, ConvConfig, MlpConfig, Network};
use pyrogen::train::{
    GradientConfig, GradientLearner, Learner, Part, StepContext, TrainConfig, WorkerCount,
};
use pyrogen::vae::{Decoder, VaeConfig, VqConfig, VqNetwork};

use crate::sharded::Rows;
use crate::workload::{Plan, Workload, noise, plain};

struct Train<O: Objective> {
    learner: GradientLearner<O>,
    x: Tensor<2>,
    workers: usize,
    step: u64,
}

/// Dense layers 784-400-20-400-784, batches of 128.
pub fn dense(plan: Plan) -> Box<dyn Workload> {
    let [side, hidden, latents, batch] = plan.pick([28, 400, 20, 128], [4, 8, 2, 6]);
    let network = Network::Mlp(MlpConfig { hidden: vec![hidden], activation: Activation::Relu });
    build(plan, network, side, latents, batch)
}

/// Stages of 32 and 64 channels, a dense layer of 256, 28x28 pictures, batches of 64.
pub fn convolutional(plan: Plan) -> Box<dyn Workload> {
    grown(plan, plan.pick([64, 28, 32], [6, 8, 4]))
}

/// The convolutional step with other numbers of examples, of pixels along a side and of channels of the
/// first stage; the second has twice as many, the dense layer eight times.
pub fn grown(plan: Plan, [batch, side, width]: [usize; 3]) -> Box<dyn Workload> {
    let conv = ConvConfig {
        channels: vec![width, 2 * width],
        hidden: vec![8 * width],
        activation: Activation::Silu,
    };
    build(plan, Network::Conv(conv), side, 16, batch)
}

/// A VQ-VAE: stages of 32 and 64 channels, 512 codes of 64 numbers that follow as moving averages,
/// 28x28 pictures, batches of 64.
pub fn quantised(plan: Plan) -> Box<dyn Workload> {
    let [side, codes, dim, batch] = plan.pick([28, 512, 64, 64], [8, 8, 3, 6]);
    let channels = plan.pick(vec![32, 64], vec![4, 6]);
    let config = VqConfig {
        event: vec![1, side, side],
        network: VqNetwork::Conv { channels, activation: Activation::Silu },
        codes,
        dim,
        decoder: Decoder::Bernoulli,
        ..VqConfig::default()
    };
    train(config.init(Seed(1), &plain()).expect("a valid config"), plan, batch, side * side)
}

fn build(
    plan: Plan,
    network: Network,
    side: usize,
    latents: usize,
    batch: usize,
) -> Box<dyn Workload> {
    let config = VaeConfig {
        event: vec![1, side, side],
        latents,
        network,
        decoder: Decoder::Bernoulli,
        ..VaeConfig::default()
    };
    train(config.init(Seed(1), &plain()).expect("a valid config"), plan, batch, side * side)
}

/// Training steps of a model on batches of uniform numbers.
pub fn train<O>(model: O, plan: Plan, batch: usize, features: usize) -> Box<dyn Workload>
where
    O: Objective<Batch = Batch<2>> + Send + Sync + 'static,
{
    let train = TrainConfig {
        batch_size: batch,
        gradient: GradientConfig {
            workers: WorkerCount::Exactly(plan.workers),
            ..GradientConfig::default()
        },
        ..TrainConfig::default()
    };
    let learner = GradientLearner::new(model, &train).expect("a valid config");
    let x = noise("vae").uniform([batch, features], &learner.device());
    Box::new(Train { learner, x, workers: plan.workers, step: 0 })
}

impl<O: Objective<Batch = Batch<2>>> Workload for Train<O> {
    fn run(&mut self) -> f64 {
        self.step += 1;
        let total = self.x.dims()[0];
        let cut = |i| total * i / self.workers;
        let parts = (0..self.workers).map(|i| {
            let rows = cut(i)..cut(i + 1);
            Part { batch: Batch::new(self.x.rows(rows.clone())), rows, total }
        });
        let context = StepContext {
            step: self.step,
            epoch: 1,
            total_steps: None,
            time: None,
            noise: noise("vae").fork("draws").fork_index(self.step),
            rate: 1.0,
        };
        let values = self.learner.update(parts.collect(), &context).expect("a finite loss");
        values[0].1
    }
}
