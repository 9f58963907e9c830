//! A decoder-only transformer of characters.

use burn::module::Module;
use burn::nn::{Embedding, Linear};
use burn::tensor::{Device, Int, Tensor};
use pyrogen::core::Noise;
use pyrogen_nn::ops::Elementwise;
use pyrogen_nn::{KeyValueCache, LayerNorm};

use crate::blocks::{adamw, cross_entropy, embedding, linear_map, self_attention};
use crate::layers;
use crate::sharded::Trainer;
use crate::workload::{Plan, Workload, autodiff, first, noise, plain};

/// Sizes of a [`Gpt`].
#[derive(Debug, Clone, Copy)]
pub struct GptConfig {
    /// Number of blocks.
    pub layers: usize,
    /// Attention heads a block.
    pub heads: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Longest sequence.
    pub context: usize,
    /// Number of tokens.
    pub vocabulary: usize,
}

impl GptConfig {
    /// The sizes of a plan.
    pub fn of(plan: Plan) -> Self {
        let [layers, heads, width, context, vocabulary] =
            plan.pick([6, 6, 384, 256, 65], [2, 2, 16, 8, 11]);
        Self { layers, heads, width, context, vocabulary }
    }
}

/// Learned positions, blocks with the norm before attention and before the network of four times
/// the width, a last norm and a linear head.
#[derive(Module, Debug)]
pub struct Gpt {
    tokens: Embedding,
    positions: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}

#[derive(Module, Debug)]
struct Block {
    norms: [LayerNorm; 2],
    qkv: Linear,
    projection: Linear,
    wide: Linear,
    narrow: Linear,
    heads: usize,
}

impl Gpt {
    /// A network with weights from a stream.
    pub fn new(config: GptConfig, noise: &mut Noise, device: &Device) -> Self {
        let GptConfig { layers, heads, width, context, vocabulary } = config;
        let block = |noise: &mut Noise| Block {
            norms: [(); 2].map(|()| layers::layer_norm(width, device)),
            qkv: layers::linear(width, 3 * width, noise, device),
            projection: layers::linear(width, width, noise, device),
            wide: layers::linear(width, 4 * width, noise, device),
            narrow: layers::linear(4 * width, width, noise, device),
            heads,
        };
        Self {
            tokens: layers::embedding(vocabulary, width, noise, device),
            positions: layers::embedding(context, width, noise, device),
            blocks: (0..layers).map(|_| block(noise)).collect(),
            norm: layers::layer_norm(width, device),
            head: layers::linear(width, vocabulary, noise, device),
        }
    }

    /// Logits of the next token at each position: `[batch, length]` to
    /// `[batch, length, vocabulary]`.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let x = self.embed(tokens, 0);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.norm.then(&self.head).apply(x)
    }

    /// Logits behind one more token, `[batch, 1]`, at `position`; `caches` has one entry a block.
    pub fn decode(
        &self,
        token: Tensor<2, Int>,
        position: usize,
        caches: &mut [KeyValueCache],
    ) -> Tensor<3> {
        let x = self.embed(token, position);
        let pairs = self.blocks.iter().zip(caches);
        let x = pairs.fold(x, |x, (block, cache)| block.decode(x, cache));
        self.norm.then(&self.head).apply(x)
    }

    /// Empty caches for some sequences.
    pub fn caches(&self, batch: usize) -> Vec<KeyValueCache> {
        let [context, width] = self.positions.weight.dims();
        let device = self.positions.weight.device();
        let cache = |_: &Block| KeyValueCache::new(batch, context, width, &device);
        self.blocks.iter().map(cache).collect()
    }

    fn embed(&self, tokens: Tensor<2, Int>, start: usize) -> Tensor<3> {
        let [_, length] = tokens.dims();
        let end = (start + length) as i64;
        let positions = Tensor::<1, Int>::arange(start as i64..end, &tokens.device());
        let positions = embedding(&self.positions, positions.reshape([1, length]));
        embedding(&self.tokens, tokens) + positions
    }
}

impl Block {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let qkv = self.norms[0].then(&self.qkv).apply(x.clone());
        self.finish(x, self_attention(qkv, self.heads))
    }

    fn decode(&self, x: Tensor<3>, cache: &mut KeyValueCache) -> Tensor<3> {
        let qkv = self.norms[0].then(&self.qkv).apply(x.clone());
        let width = x.dims()[2];
        let [q, k, v] = [0, 1, 2].map(|i| qkv.clone().narrow(2, i * width, width));
        self.finish(x, cache.attend(q, k, v, self.heads))
    }

    fn finish(&self, x: Tensor<3>, attended: Tensor<3>) -> Tensor<3> {
        let x = linear_map(&self.projection).plus(x).apply(attended);
        let hidden = self.norms[1].then(&self.wide).apply(x.clone());
        linear_map(&self.narrow).after(Elementwise::Gelu).plus(x).apply(hidden)
    }
}

/// Tokens `[batch, length]`.
pub fn random_tokens(
    shape: [usize; 2],
    vocabulary: usize,
    noise: &mut Noise,
    device: &Device,
) -> Tensor<2, Int> {
    (noise.uniform(shape, device) * vocabulary as f64).int()
}

struct Forward {
    model: Gpt,
    tokens: Tensor<2, Int>,
}

/// The forward pass of 12 sequences without a graph.
pub fn forward(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device, config) = (noise("gpt"), plain(), GptConfig::of(plan));
    let model = Gpt::new(config, &mut noise, &device);
    let shape = [plan.pick(12, 4), config.context];
    Box::new(Forward {
        model,
        tokens: random_tokens(shape, config.vocabulary, &mut noise, &device),
    })
}

impl Workload for Forward {
    fn run(&mut self) -> f64 {
        first(self.model.forward(self.tokens.clone()))
    }
}

struct Train {
    trainer: Trainer<Gpt>,
    batch: (Tensor<2, Int>, Tensor<2, Int>),
}

/// A training step of 12 sequences: cross entropy, AdamW.
pub fn train(plan: Plan) -> Box<dyn Workload> {
    let (mut noise, device, config) = (noise("gpt"), autodiff(), GptConfig::of(plan));
    let model = Gpt::new(config, &mut noise, &device);
    let shape = [plan.pick(12, 4), config.context];
    let mut tokens = || random_tokens(shape, config.vocabulary, &mut noise, &device);
    let batch = (tokens(), tokens());
    Box::new(Train { trainer: Trainer::new(model, adamw(), 1e-3, plan.workers), batch })
}

impl Workload for Train {
    fn run(&mut self) -> f64 {
        self.trainer.step(&self.batch, |model, (tokens, targets)| {
            let logits = model.forward(tokens);
            let [batch, length, vocabulary] = logits.dims();
            let logits = logits.reshape([batch * length, vocabulary]);
            cross_entropy(logits, targets.reshape([batch * length]))
        })
    }
}
