//! Steps and samples of `pyrogen-gan`: a DCGAN of 28x28.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use pyrogen::core::parallel::sample;
use pyrogen::core::{Adversarial, Batch, Noise, Player, SampleOptions, Seed};
use pyrogen::gan::{DcganConfig, Gan, GanConfig, Networks, Regularisers};
use pyrogen::train::Shards;

use crate::blocks::adam_half;
use crate::sharded::{Rows, cut, sum};
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

const RATE: f64 = 2e-4;

/// Samples of a run of the generator: on two cores as many at once as PyTorch's 250.
const AT_ONCE: usize = 125;

/// 100 latents, stages of 64 and 128 channels, batch normalisation, the non-saturating loss.
fn config(plan: Plan) -> GanConfig {
    let [latents, width] = plan.pick([100, 64], [6, 4]);
    GanConfig {
        event: vec![1, 28, 28],
        latents,
        networks: Networks::Dcgan(DcganConfig { channels: vec![width, 2 * width], norm: true }),
        regularise: Regularisers { spectral: false, ..Regularisers::default() },
        ..GanConfig::default()
    }
}

struct Turns {
    /// Taken out while the optimiser has it.
    gan: Option<Gan>,
    player: Player,
    optimizer: ModuleOptimizer,
    shards: Shards,
    x: Tensor<2>,
    noise: Noise,
}

/// The discriminator's step on batches of 64.
pub fn discriminator(plan: Plan) -> Box<dyn Workload> {
    turns(plan, Player::Discriminator)
}

/// The generator's step on batches of 64.
pub fn generator(plan: Plan) -> Box<dyn Workload> {
    turns(plan, Player::Generator)
}

fn turns(plan: Plan, player: Player) -> Box<dyn Workload> {
    let gan = config(plan).init(Seed(1), &autodiff()).expect("a valid config");
    let mut noise = noise("gan");
    let x = noise.uniform([plan.pick(64, 6), 28 * 28], &autodiff());
    Box::new(Turns {
        shards: Shards::new(plan.workers, &gan).expect("threads for the workers"),
        gan: Some(gan),
        player,
        optimizer: adam_half(),
        x,
        noise,
    })
}

impl Workload for Turns {
    /// The loss.
    fn run(&mut self) -> f64 {
        let (player, total, x) = (self.player, self.x.dims()[0], &self.x);
        let mut gan = self.gan.take().expect("there between steps").before_step(player);
        let stream = &self.noise;
        let parts = cut(total, self.shards.workers()).collect();
        let results = self.shards.run(&mut gan, parts, |gan, rows: std::ops::Range<usize>| {
            let gan = alone(gan, player);
            let batch = Batch::new(x.rows(rows.clone()));
            let weight = rows.len() as f64 / total as f64;
            let draws = gan.draw(player, 1, &batch, &mut stream.rows(rows, total));
            let loss = gan.loss(player, batch, draws).total();
            let value = first(loss.clone());
            (GradientsParams::from_grads(loss.backward(), &gan), value, weight)
        });
        self.noise = self.noise.fork("next");
        let value = results.iter().map(|(_, value, weight)| value * weight).sum();
        let grads = sum(&gan, results.into_iter().map(|(g, _, w)| (g, w)).collect());
        self.gan = Some(self.optimizer.step(RATE, gan, grads).after_step(player));
        value
    }
}

/// The model with gradients for one player.
fn alone(gan: &Gan, player: Player) -> Gan {
    match player {
        Player::Generator => gan.clone().with_discriminator(gan.discriminator().clone().no_grad()),
        Player::Discriminator => gan.clone().with_generator(gan.generator().clone().no_grad()),
    }
}

struct Draw {
    gan: Gan,
    n: usize,
    noise: Noise,
}

/// 10,000 pictures, 250 at once.
pub fn draw(plan: Plan) -> Box<dyn Workload> {
    let gan = config(plan).init(Seed(1), &plain()).expect("a valid config");
    Box::new(Draw { gan, n: plan.pick(10_000, 3), noise: noise("gan") })
}

impl Workload for Draw {
    fn run(&mut self) -> f64 {
        self.noise = self.noise.fork("next");
        let options = SampleOptions::default();
        let pictures: Tensor<4> =
            sample(&self.gan, 0..self.n as u64, AT_ONCE, &options, &self.noise, &plain())
                .expect("samples");
        first(pictures)
    }
}
