//! Ladder variational autoencoders: layers of latents.

mod capability;
mod config;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Device, Tensor};
use pyrogen_core::distribution::{Distribution, Independent, Moments, Normal, Reparameterized};
use pyrogen_core::{Batch, ConfigError, Loss, Noise, Objective, Seed, init};
use pyrogen_nn::{EventDecoder, EventEncoder, Mlp, linear, soft_bound};

pub use config::LadderConfig;

use crate::DecoderDistribution;
use crate::condition::Given;
use crate::numerics::spread;
use crate::vae::LOG_VAR_LIMIT;

/// A ladder variational autoencoder (Sønderby et al. 2016): latents in layers, each with a prior
/// that the layer above predicts.
///
/// ```text
/// p(x, z) = p(x | z_1) p(z_1 | z_2) .. p(z_L)          p(z_L) = N(0, 1)
/// q(z | x) = q(z_L | x) q(z_{L-1} | x, z_L) ..
/// ```
///
/// The encoder says of each layer what the example alone suggests, `N(m, v)`. Below the top the
/// posterior weighs this with the prior `N(m_p, v_p)` by precision (eq. 17 to 19):
///
/// ```text
/// w = v_p / (v + v_p)        mean = w m + (1 - w) m_p        var = w v
/// ```
///
/// The paper's networks have batch normalisation; these have none. Its other ingredient, a warm-up
/// of the divergence, is the trainer's `anneal` of the term `kl`.
///
/// # Latents
/// As one vector for [`Encode`](pyrogen_core::Encode) and [`Decode`](pyrogen_core::Decode), latents
/// are *relative*: `u_i = (z_i - m_p) / sqrt(v_p)`, the top layer first. Their prior is standard
/// normal, they are independent under it, and divergences are the same for `u` and `z`. So a
/// sample is a standard normal vector that is decoded, and moving one coordinate of the top layer
/// takes all layers below along. The posterior of a lower layer depends on the layers above;
/// `encode` gives it at their means.
///
/// # Numerics
/// Log-variances of encoder and priors are `15 tanh(raw / 15)`. Posteriors are computed from
/// log-variances, without a division.
///
/// # References
/// Sønderby, Raiko, Maaløe, Sønderby and Winther (2016), "Ladder Variational Autoencoders".
#[derive(Module, Debug)]
pub struct LadderVae {
    encoder: EventEncoder,
    up: Vec<Mlp>,
    heads: Vec<Linear>,
    down: Vec<Mlp>,
    decoder: EventDecoder,
    log_scale: Option<Param<Tensor<1>>>,
    between: Option<Param<Tensor<2>>>,
    #[module(skip)]
    config: LadderConfig,
}

/// One step down the ladder.
struct Rung {
    /// The posterior of the relative latents.
    posterior: Independent<Normal<2>>,
    prior: Normal<2>,
}

impl Rung {
    /// The posterior that the encoder's word and the prior of this layer make.
    fn new(suggested: &Normal<2>, prior: Normal<2>) -> Self {
        let log_ratio = prior.log_var() - suggested.log_var();
        let w = sigmoid(log_ratio.clone());
        let mean = (suggested.mean() - prior.mean()) * w / prior.std();
        let log_var = log_sigmoid(log_ratio.clone()) - log_ratio;
        Self { posterior: Independent::new(Normal::new(mean, log_var)), prior }
    }

    /// At the top the encoder's word is the posterior.
    fn top(suggested: &Normal<2>) -> Self {
        let posterior = Independent::new(suggested.clone());
        let log_var = suggested.log_var();
        Self { posterior, prior: Normal::standard(log_var.dims(), &log_var.device()) }
    }

    /// The latents at relative latents.
    fn latents(&self, relative: Tensor<2>) -> Tensor<2> {
        self.prior.reparameterize(relative)
    }
}

/// What a way down the ladder gave.
struct Descent {
    /// Latents of the lowest layer.
    z: Tensor<2>,
    /// Divergence of each layer, from the top, `[rows]` each.
    kl: Vec<Tensor<1>>,
    /// `ln p(z) - ln q(z | x)`, `[rows]`.
    log_ratio: Tensor<1>,
    /// Posteriors of the relative latents, from the top.
    posteriors: Vec<Independent<Normal<2>>>,
}

/// Mean and log-variance side by side.
fn normal(output: Tensor<2>) -> Normal<2> {
    let latents = output.dims()[1] / 2;
    let mean = output.clone().slice_dim(1, 0..latents);
    Normal::new(mean, soft_bound(output.slice_dim(1, latents..2 * latents), LOG_VAR_LIMIT))
}

impl LadderVae {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &LadderConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    /// What the example alone suggests for each layer, from the lowest.
    fn suggest(&self, x: Tensor<2>, given: &Given) -> Vec<Normal<2>> {
        let activation = self.config.activation;
        let read = self.encoder.forward(given.beside_example(x), given.classes());
        let mut features = activation.forward(read);
        let mut suggested = vec![normal(self.heads[0].forward(features.clone()))];
        for (up, head) in self.up.iter().zip(&self.heads[1..]) {
            features = activation.forward(up.forward(features));
            suggested.push(normal(head.forward(features.clone())));
        }
        suggested
    }

    /// The blocks of a vector of relative latents, the top layer first.
    fn blocks(&self, relative: &Tensor<2>) -> Vec<Tensor<2>> {
        let total = self.config.total_latents();
        let [rows, width] = relative.dims();
        assert_eq!(
            width, total,
            "LadderVae: expected latents [batch, {total}], got [{rows}, {width}]"
        );
        let mut at = 0;
        let block = |&latents: &usize| {
            at += latents;
            relative.clone().slice_dim(1, at - latents..at)
        };
        self.config.latents.iter().rev().map(block).collect()
    }

    /// From the top to the bottom through the posteriors. `epsilon` is `[rows, latents]` standard
    /// normal numbers, the top layer's first; at 0 the means are followed.
    fn descend(&self, suggested: &[Normal<2>], epsilon: &Tensor<2>) -> Descent {
        let top = suggested.len() - 1;
        let mut rung = Rung::top(&suggested[top]);
        let (mut kl, mut posteriors) = (Vec::new(), Vec::new());
        let mut log_ratio = Tensor::zeros([epsilon.dims()[0]], &epsilon.device());
        let mut z = None;
        for (i, epsilon) in self.blocks(epsilon).into_iter().enumerate() {
            let layer = top - i;
            if let Some(above) = z.take() {
                rung = Rung::new(&suggested[layer], normal(self.down[layer].forward(above)));
            }
            let base = rung.posterior.base();
            let relative = rung.posterior.reparameterize(epsilon.clone());
            let ratio = epsilon.square() + base.log_var() - relative.clone().square();
            log_ratio = log_ratio + ratio.sum_dim(1).squeeze_dim::<1>(1) * 0.5;
            let standard = Normal::standard(relative.dims(), &relative.device());
            kl.push(rung.posterior.kl_divergence(&Independent::new(standard)));
            posteriors.push(rung.posterior.clone());
            z = Some(rung.latents(relative));
        }
        Descent { z: z.expect("one layer or more"), kl, log_ratio, posteriors }
    }

    /// The lowest latents at relative latents.
    fn lowest(&self, relative: &Tensor<2>) -> Tensor<2> {
        let mut blocks = self.blocks(relative).into_iter();
        let top = blocks.next().expect("one layer or more");
        self.down.iter().rev().zip(blocks).fold(top, |above, (down, relative)| {
            normal(down.forward(above)).reparameterize(relative)
        })
    }

    /// `p(x | z_1)`.
    fn decode_lowest(&self, z: Tensor<2>, given: &Given) -> DecoderDistribution {
        DecoderDistribution::new(
            &self.config.decoder,
            self.config.features(),
            self.decoder.forward(given.beside_latents(z), given.context()),
            self.log_scale.as_ref().map(Param::val),
            self.between.as_ref().map(Param::val),
        )
    }
}

/// Names of the layers' divergences, from the lowest.
const LAYERS: [&str; 8] = ["kl_1", "kl_2", "kl_3", "kl_4", "kl_5", "kl_6", "kl_7", "kl_8"];

/// The negative evidence lower bound in nats, a mean over the batch.
///
/// ```text
/// reconstruction = mean_b -ln p(x_b | z_1)
/// kl             = mean_b sum_i KL(q(z_i | x_b, z_{i+1}) || p(z_i | z_{i+1}))
/// total          = reconstruction + beta kl
/// ```
///
/// `kl_1`, `kl_2`, .. are the layers' parts of `kl`, from the lowest, and are only logged.
///
/// The batch is flat, `[batch, features]`; the draws are standard normal numbers
/// `[batch, 1, latents]` over all layers, the top layer's first.
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels or contexts.
impl Objective for LadderVae {
    type Batch = Batch<2>;
    type Draws = Tensor<3>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<3> {
        let shape = [batch.x.dims()[0], 1, self.config.total_latents()];
        noise.normal(shape, &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, draws: Tensor<3>) -> Loss {
        let [rows, width] = batch.x.dims();
        let features = self.config.features();
        assert_eq!(width, features, "LadderVae: expected examples [batch, {features}]");
        let (got, expected) = (draws.dims(), [rows, 1, self.config.total_latents()]);
        assert_eq!(got, expected, "LadderVae: expected draws {expected:?}, got {got:?}");
        let given = Given::read(self, &batch.condition(), rows);
        let suggested = self.suggest(batch.x.clone(), &given);
        let descent = self.descend(&suggested, &draws.squeeze_dim(1));
        let log_px = self.decode_lowest(descent.z, &given).log_prob(batch.x);
        let layers: Vec<Tensor<1>> = descent.kl.into_iter().map(|kl| kl.mean()).rev().collect();
        let kl = layers.iter().cloned().reduce(|a, b| a + b).expect("one layer or more");
        let loss = Loss::new().term("reconstruction", log_px.mean().neg()).weighted(
            "kl",
            kl,
            self.config.beta,
        );
        layers.into_iter().zip(LAYERS).fold(loss, |loss, (kl, name)| loss.logged(name, kl.detach()))
    }
}

/// A normal distribution of each row, `draws` times.
fn spread_normal(normal: &Normal<2>, draws: usize) -> Normal<2> {
    Normal::new(spread(normal.mean(), draws), spread(normal.log_var(), draws))
}

impl LadderConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<LadderVae, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("weights");
        let (classes, context) = (self.classes.unwrap_or(0), self.context.as_deref());
        let read = self.network.joined(&self.event, context);
        let encoder =
            self.network.encoder(&read, classes, self.width, &mut noise.fork("encoder"), device);
        let (drawn, maps) = self.decoder.drawn(&self.event);
        let decoder = self.network.decoder(
            self.latents[0] + classes,
            &drawn,
            maps,
            context,
            &mut noise.fork("decoder"),
            device,
        );
        let step = self.step();
        let (mut up, mut heads, mut down) =
            (noise.fork("up"), noise.fork("heads"), noise.fork("down"));
        let pairs = || self.latents.windows(2);
        let scales = self.decoder.learned_scales(self.features());
        let log_scale = (scales > 0).then(|| init::constant([scales], 0.0, device));
        Ok(LadderVae {
            encoder,
            up: pairs().map(|_| step.init(self.width, self.width, &mut up, device)).collect(),
            heads: self
                .latents
                .iter()
                .map(|&l| linear(self.width, 2 * l, &mut heads, device))
                .collect(),
            down: pairs().map(|p| step.init(p[1], 2 * p[0], &mut down, device)).collect(),
            decoder,
            log_scale,
            between: self.decoder.between(self.features(), device),
            config: self.clone(),
        })
    }
}
