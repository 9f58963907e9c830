//! A generator and a discriminator of pictures (Radford et al. 2016).

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use pyrogen::core::Noise;
use pyrogen::core::parallel::Workers;
use pyrogen_nn::BatchNorm;

use crate::blocks::{
    adam_half, batch_norm_leaky, conv_transpose2d, conv2d, leaky_relu, softplus, tanh,
};
use crate::layers;
use crate::sharded::{Rows, Trainer, cut, sum};
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

const SLOPE: f64 = 0.2;
const RATE: f64 = 2e-4;

/// Latents to pictures of 28x28: transposed convolutions to 7x7, 14x14, 28x28.
#[derive(Module, Debug)]
pub struct Generator {
    stages: [ConvTranspose2d; 2],
    norms: [BatchNorm; 2],
    last: ConvTranspose2d,
}

impl Generator {
    /// A generator with `2 width` and `width` channels.
    pub fn new(latents: usize, width: usize, noise: &mut Noise, device: &Device) -> Self {
        let mut stage =
            |channels, geometry| layers::conv_transpose(channels, geometry, noise, device);
        Self {
            stages: [stage([latents, 2 * width], [7, 1, 0]), stage([2 * width, width], [4, 2, 1])],
            last: stage([width, 1], [4, 2, 1]),
            norms: [2 * width, width].map(|channels| BatchNorm::new(channels, 0, device)),
        }
    }

    /// `[batch, latents]` to `[batch, 1, 28, 28]`, in `[-1, 1]`.
    pub fn forward(&self, z: Tensor<2>) -> Tensor<4> {
        let [batch, latents] = z.dims();
        let z = z.reshape([batch, latents, 1, 1]);
        let stages = self.stages.iter().zip(&self.norms);
        let rise = |x, (stage, norm): (&ConvTranspose2d, &BatchNorm)| {
            batch_norm_leaky(norm, conv_transpose2d(stage, x), 0.0)
        };
        tanh(conv_transpose2d(&self.last, stages.fold(z, rise)))
    }
}

/// Pictures of 28x28 to a logit.
#[derive(Module, Debug)]
pub struct Discriminator {
    stages: [Conv2d; 2],
    norm: BatchNorm,
    last: Conv2d,
}

impl Discriminator {
    /// A discriminator with `width` and `2 width` channels.
    pub fn new(width: usize, noise: &mut Noise, device: &Device) -> Self {
        let mut stage = |channels, geometry| layers::conv(channels, geometry, noise, device);
        Self {
            stages: [stage([1, width], [4, 2, 1]), stage([width, 2 * width], [4, 2, 1])],
            last: stage([2 * width, 1], [7, 1, 0]),
            norm: BatchNorm::new(2 * width, 0, device),
        }
    }

    /// `[batch, 1, 28, 28]` to `[batch, 1, 1, 1]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = leaky_relu(conv2d(&self.stages[0], x), SLOPE);
        let x = batch_norm_leaky(&self.norm, conv2d(&self.stages[1], x), SLOPE);
        conv2d(&self.last, x)
    }
}

struct Iteration {
    generator: Trainer<Generator>,
    discriminator: Trainer<Discriminator>,
    real: Tensor<4>,
    latents: usize,
    workers: Workers,
    noise: Noise,
}

/// A full iteration of batches of 64: the discriminator on real and generated pictures, then the
/// generator against it, with the non-saturating loss (Goodfellow et al. 2014) and Adam.
pub fn build(plan: Plan) -> Box<dyn Workload> {
    grown(plan, plan.pick([64, 64], [4, 4]))
}

/// The same with other numbers of pictures and of channels.
pub fn grown(plan: Plan, [batch, width]: [usize; 2]) -> Box<dyn Workload> {
    let (mut noise, device) = (noise("dcgan"), autodiff());
    let latents = plan.pick(100, 6);
    let generator = Generator::new(latents, width, &mut noise, &device);
    let discriminator = Discriminator::new(width, &mut noise, &device);
    let real = noise.uniform([batch, 1, 28, 28], &plain()) * 2.0 - 1.0;
    Box::new(Iteration {
        generator: Trainer::new(generator, adam_half(), RATE, plan.workers),
        discriminator: Trainer::new(discriminator, adam_half(), RATE, plan.workers),
        real: Tensor::from_inner(real),
        latents,
        workers: Workers::new(plan.workers).expect("threads for the workers"),
        noise,
    })
}

/// A worker's part of a step that takes two models at once.
struct Shard<M, B> {
    /// The model, with its own graph where there are several workers.
    model: M,
    /// The worker's rows.
    batch: B,
    /// Their share of the batch.
    weight: f64,
}

/// Splits a batch among workers.
fn forks<M: Module, B: Rows>(model: &M, batch: &B, workers: usize) -> Vec<Shard<M, B>> {
    let total = batch.len();
    let part = |rows: std::ops::Range<usize>| Shard {
        model: if workers == 1 { model.clone() } else { model.clone().fork(&model.devices()[0]) },
        weight: rows.len() as f64 / total as f64,
        batch: batch.rows(rows),
    };
    cut(total, workers).map(part).collect()
}

/// What a worker keeps from the discriminator's step for the generator's.
struct Half {
    model: Generator,
    fake: Tensor<4>,
    weight: f64,
}

impl Workload for Iteration {
    /// The discriminator's loss.
    fn run(&mut self) -> f64 {
        let z = self.noise.normal([self.real.dims()[0], self.latents], &self.real.device());
        let generators = forks(self.generator.model(), &z, self.workers.count());
        let discriminators = forks(self.discriminator.model(), &self.real, self.workers.count());
        let pairs = generators.into_iter().zip(discriminators).collect();
        let (halves, found): (Vec<_>, Vec<_>) =
            self.workers.each(pairs, |(g, d)| discriminator_part(g, d)).into_iter().unzip();
        let losses: Vec<_> =
            found.iter().map(|(_, loss, weight)| (loss.clone(), *weight)).collect();
        let grads = found.into_iter().map(|(grads, _, weight)| (grads, weight)).collect();
        self.discriminator.update(sum(self.discriminator.model(), grads));

        let judge = self.discriminator.model().clone().no_grad();
        let device = self.real.device();
        let halves = halves.into_iter().map(|half| (half, judge.clone().fork(&device))).collect();
        let grads = self.workers.each(halves, |(half, judge)| generator_part(half, &judge));
        self.generator.update(sum(self.generator.model(), grads));
        losses.into_iter().map(|(loss, weight)| first(loss) * weight).sum()
    }
}

fn discriminator_part(
    generator: Shard<Generator, Tensor<2>>,
    judge: Shard<Discriminator, Tensor<4>>,
) -> (Half, (GradientsParams, Tensor<1>, f64)) {
    let Shard { model, batch, weight } = generator;
    let fake = model.forward(batch);
    let on_real = softplus(judge.model.forward(judge.batch).neg()).mean();
    let on_fake = softplus(judge.model.forward(fake.clone().detach())).mean();
    let loss = on_real + on_fake;
    let value = loss.clone().inner();
    let grads = GradientsParams::from_grads(loss.backward(), &judge.model);
    (Half { model, fake, weight }, (grads, value, weight))
}

fn generator_part(half: Half, judge: &Discriminator) -> (GradientsParams, f64) {
    let loss = softplus(judge.forward(half.fake).neg()).mean();
    (GradientsParams::from_grads(loss.backward(), &half.model), half.weight)
}
