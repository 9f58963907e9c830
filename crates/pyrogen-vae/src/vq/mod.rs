//! Vector-quantised autoencoders.

mod capability;
mod codebook;
mod config;
mod network;

use burn::module::{Module, Param, RunningState};
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::distribution::Distribution;
use pyrogen_core::{Batch, Condition, ConfigError, Loss, Noise, Objective, Seed, init};
use pyrogen_nn::ops;

pub use capability::CodeReport;
pub use config::{CodeLearning, VqConfig};
pub use network::VqNetwork;

use self::codebook::{Codebook, occurrences};
use self::network::{VqDecoder, VqEncoder};
use crate::DecoderDistribution;

/// Decay of the averages of how often codes are used, where codes have no decay of their own.
const USAGE_DECAY: f64 = 0.99;

/// A vector-quantised autoencoder (van den Oord et al. 2017): an example is described by codes out of
/// codebooks, one a position and level.
///
/// ```text
/// z_e = encoder(x)                                      a vector at each position
/// r_1 = z_e    e_l = nearest code of codebook l to r_l    r_{l+1} = r_l - e_l
/// z_q = sum_l e_l
/// x | z_q ~ decoder
/// ```
///
/// With one level this is VQ-VAE; with more, residual quantisation (Zeghidour et al. 2021,
/// algorithm 1). The decoder's gradient is passed to `z_e` as if quantisation were not there.
///
/// # What is kept beside the weights
/// Averages of how often each code is used at each position, and with [`CodeLearning::Average`]
/// the codes themselves. They are updated by each loss on an autodiff device, as batch
/// normalisation does, and saved with the model. So a loss does not change the terms of its own
/// step, and does change those of the next. Clones of a model share them.
///
/// # Prior and likelihood
/// Codes are taken for independent, each with the averaged frequencies of its position and level:
/// enough for a likelihood and for the cost of a code in nats, too little for good samples, which
/// need a model of the codes. [`VqVae::codes`] gives them and [`VqVae::decode_codes`] takes them.
/// A score is the lower bound `ln p(x | codes(x)) + ln p(codes(x))`.
///
/// # References
/// Van den Oord, Vinyals and Kavukcuoglu (2017), "Neural Discrete Representation Learning".
/// Zeghidour et al. (2021), "SoundStream". Dhariwal et al. (2020), "Jukebox", for the restart.
#[derive(Module, Debug)]
pub struct VqVae {
    encoder: VqEncoder,
    decoder: VqDecoder,
    codebooks: Vec<Codebook>,
    usage: RunningState<Tensor<2>>,
    log_scale: Option<Param<Tensor<1>>>,
    between: Option<Param<Tensor<2>>>,
    #[module(skip)]
    config: VqConfig,
}

/// What the codebooks make of the encoder's vectors, over all levels.
struct Chain {
    /// `z_q`, `[n, dim]`, cut from the graph.
    sum: Tensor<2>,
    /// Of each level: what is quantised, its codes, and their numbers.
    steps: Vec<(Tensor<2>, codebook::Quantised)>,
}

impl VqVae {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &VqConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    fn vectors(&self, x: Tensor<2>) -> Tensor<2> {
        let (features, dims) = (self.config.features(), x.dims());
        assert_eq!(dims[1], features, "VqVae: expected examples [batch, {features}], got {dims:?}");
        self.encoder.forward(x, self.config.dim)
    }

    fn quantise(&self, vectors: Tensor<2>) -> Chain {
        let mut rest = vectors;
        let mut sum = rest.clone().detach().zeros_like();
        let mut steps = Vec::new();
        for codebook in &self.codebooks {
            let quantised = codebook.quantise(rest.clone());
            let codes = quantised.codes.clone().detach();
            sum = sum + codes.clone();
            let next = rest.clone() - codes;
            steps.push((rest, quantised));
            rest = next;
        }
        Chain { sum, steps }
    }

    fn decode_vectors(&self, vectors: Tensor<2>, rows: usize) -> DecoderDistribution {
        DecoderDistribution::new(
            &self.config.decoder,
            self.config.features(),
            self.decoder.forward(vectors, rows),
            self.log_scale.as_ref().map(Param::val),
            self.between.as_ref().map(Param::val),
        )
    }

    /// Which codes tell each example, level by level, `[batch, slots]`.
    fn slots(&self, steps: &[(Tensor<2>, codebook::Quantised)], rows: usize) -> Tensor<2, Int> {
        let level = |(_, q): &(Tensor<2>, codebook::Quantised)| {
            let n = q.index.dims()[0];
            q.index.clone().reshape([rows, n / rows])
        };
        Tensor::cat(steps.iter().map(level).collect(), 1)
    }

    /// Moves codes and frequencies towards this batch.
    fn follow(&self, chain: &Chain, rows: usize, keys: Tensor<2>) {
        let order = keys.reshape([chain.sum.dims()[0]]);
        for (codebook, (x, quantised)) in self.codebooks.iter().zip(&chain.steps) {
            codebook.follow(x.clone(), quantised.index.clone(), order.clone(), &self.config);
        }
        let (slots, codes) = (self.config.slots(), self.config.codes);
        // The place of each use in the table `[slots, codes]`.
        let index = self.slots(&chain.steps, rows);
        let lines = Tensor::<1, Int>::arange(0..slots as i64, &index.device()) * codes as i64;
        let places = (index + lines.unsqueeze()).reshape([rows * slots]);
        let share = occurrences(places, slots * codes).reshape([slots, codes]) / rows as f64;
        let decay = match self.config.learning {
            CodeLearning::Average { decay, .. } => decay,
            CodeLearning::Gradient => USAGE_DECAY,
        };
        self.usage.update(self.usage.value_sync() * decay + share * (1.0 - decay));
    }

    /// `exp` of the entropy of the codes that a batch uses, the mean over the levels.
    fn perplexity(&self, steps: &[(Tensor<2>, codebook::Quantised)]) -> Tensor<1> {
        let level = |(_, q): &(Tensor<2>, codebook::Quantised)| {
            let uses = q.index.dims()[0] as f64;
            let share = occurrences(q.index.clone(), self.config.codes) / uses;
            let log = (share.clone() + 1e-10).log();
            ops::sum(share * log).neg().exp()
        };
        let levels = steps.len() as f64;
        steps.iter().map(level).reduce(|a, b| a + b).expect("one level or more") / levels
    }
}

/// Reconstruction, codebook and commitment (van den Oord et al. 2017, eq. 3), means over the batch:
///
/// ```text
/// reconstruction = mean_b -ln p(x_b | z_q)
/// codebook       = mean_b sum_l |sg[r_l] - e_l|^2        with codes that gradients move
/// commitment     = mean_b sum_l |r_l - sg[e_l]|^2
/// total          = reconstruction + codebook + 0.25 commitment
/// ```
///
/// `perplexity` is logged: 1 where all positions of the batch have one code, the number of codes
/// where all are equally used.
///
/// The batch is flat, `[batch, features]`; the draws are `[batch, positions]` standard normal
/// numbers, by which codes that begin anew choose a vector. On an autodiff device the loss updates
/// what the model keeps beside its weights.
///
/// # Panics
/// If a shape is another.
impl Objective for VqVae {
    type Batch = Batch<2>;
    type Draws = Tensor<2>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Tensor<2> {
        let positions = self.config.slots() / self.config.levels;
        noise.normal([batch.x.dims()[0], positions], &batch.x.device())
    }

    fn loss(&self, batch: Batch<2>, draws: Tensor<2>) -> Loss {
        let rows = batch.x.dims()[0];
        let vectors = self.vectors(batch.x.clone());
        let (got, expected) = (draws.dims(), [rows, self.config.slots() / self.config.levels]);
        assert_eq!(got, expected, "VqVae: expected draws {expected:?}, got {got:?}");
        let chain = self.quantise(vectors.clone());
        let through = vectors.clone() + (chain.sum.clone() - vectors.clone().detach());
        let reconstruction = self.decode_vectors(through, rows).log_prob(batch.x).mean().neg();
        let total = |f: &dyn Fn(&Tensor<2>, &codebook::Quantised) -> Tensor<2>| {
            let level = |(r, q): &(Tensor<2>, codebook::Quantised)| ops::sum(f(r, q).square());
            let sum = chain.steps.iter().map(level).reduce(|a, b| a + b);
            sum.expect("one level or more") / rows as f64
        };
        let mut loss = Loss::new().term("reconstruction", reconstruction);
        if self.config.learning == CodeLearning::Gradient {
            let codebook = total(&|r, q| r.clone().detach() - q.codes.clone());
            loss = loss.term("codebook", codebook);
        }
        let commitment = total(&|r, q| r.clone() - q.codes.clone().detach());
        let loss = loss
            .weighted("commitment", commitment, self.config.commitment)
            .logged("perplexity", self.perplexity(&chain.steps));
        if vectors.is_autodiff() {
            self.follow(&chain, rows, draws);
        }
        loss
    }
}

/// A condition means nothing to a model of codes.
///
/// # Panics
/// If one is given.
fn no_condition(condition: &Condition) {
    assert!(
        condition.labels.is_none() && condition.context.is_none(),
        "VqVae: the model takes no classes and no contexts"
    );
}

impl VqConfig {
    /// A model with initial weights from the seed. The same seed gives the same weights, byte for
    /// byte.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<VqVae, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("weights");
        let (event, (drawn, maps)) = (&self.event, self.decoder.drawn(&self.event));
        let mut codes = noise.fork("codes");
        let scales = self.decoder.learned_scales(self.features());
        Ok(VqVae {
            encoder: self.network.encoder(event, self.dim, &mut noise.fork("encoder"), device),
            decoder: self.network.decoder(
                &drawn,
                self.dim,
                maps,
                &mut noise.fork("decoder"),
                device,
            ),
            codebooks: (0..self.levels).map(|_| Codebook::new(self, &mut codes, device)).collect(),
            usage: codebook::usage(self.slots(), self.codes, device),
            log_scale: (scales > 0).then(|| init::constant([scales], 0.0, device)),
            between: self.decoder.between(self.features(), device),
            config: self.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decoder;
    use pyrogen_core::Seed;
    use pyrogen_nn::Activation;
    use pyrogen_testkit::{device, host};

    /// Central differences with steps of 1e-2 of sums of some tens of numbers in f32.
    const DIFFERENCES: f64 = 2e-3;

    /// The gradient that the encoder's vectors get is the slope of the decoder's loss at the codes
    /// plus that of the commitment, both by finite differences.
    #[test]
    fn the_gradient_passes_straight_through() {
        let network = VqNetwork::Mlp { hidden: vec![], activation: Activation::Tanh, positions: 2 };
        let config = VqConfig {
            event: vec![3],
            network,
            codes: 5,
            dim: 2,
            decoder: Decoder::Bernoulli,
            learning: CodeLearning::Gradient,
            ..VqConfig::default()
        };
        let tracked = config.init(Seed(3), &device().autodiff()).unwrap();
        let x = Tensor::<2>::from_floats([[1.0, 0.0, 1.0]], &device());
        let loss = tracked.loss(Batch::new(x.clone()), Tensor::zeros([1, 2], &device()));
        let grads = loss.total().backward();
        // The last bias moves the vectors one to one.
        let VqEncoder::Mlp(mlp) = &tracked.encoder else { panic!("dense layers were asked for") };
        let bias = mlp.layers()[0].bias.as_ref().unwrap().val();
        let got = host(bias.grad(&grads).unwrap());

        let model = tracked.valid();
        let vectors = model.vectors(x.clone());
        let codes = model.quantise(vectors.clone()).sum;
        let surrounding = |shift: &[f32]| {
            let shift = Tensor::<1>::from_floats(shift, &device()).reshape([2, 2]);
            let decoded = model.decode_vectors(codes.clone() + shift.clone(), 1);
            let apart = (vectors.clone() + shift - codes.clone()).square().sum();
            host(apart)[0] * config.commitment - host(decoded.log_prob(x.clone()))[0]
        };
        const STEP: f32 = 1e-2;
        for (i, got) in got.iter().enumerate() {
            let at = |step: f32| {
                let mut shift = [0.0; 4];
                shift[i] = step;
                surrounding(&shift)
            };
            let slope = (at(STEP) - at(-STEP)) / f64::from(2.0 * STEP);
            assert!((slope - got).abs() < DIFFERENCES, "{i}: {slope} {got}");
        }
        assert!(got.iter().any(|g| g.abs() > 10.0 * DIFFERENCES));
    }

    #[test]
    fn residual_levels_come_nearer() {
        let levels = |levels| {
            let config = VqConfig { levels, codes: 16, ..VqConfig::default() };
            let mut noise = Noise::new(Seed(5));
            let model = config.init(Seed(3), &device()).unwrap();
            let x = noise.uniform([40, 64], &device());
            let model = model.init_from_data(x.clone(), &mut noise);
            let vectors = model.vectors(x);
            let rest = vectors.clone() - model.quantise(vectors).sum;
            host(rest.square().mean())[0]
        };
        let errors: Vec<f64> = [1, 2, 4].into_iter().map(levels).collect();
        assert!(errors.windows(2).all(|e| e[1] < e[0]), "{errors:?}");
    }
}
