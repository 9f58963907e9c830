//! A transformer in whole numbers of eight bits.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::Noise;
use pyrogen_nn::ops::Int8Matrix;

use super::{Cache, Gpt, GptConfig};
use crate::Packed;
use crate::language::{Dropout, LanguageModel, Start};
use crate::lora::nothing;

/// The tables of tokens.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// `[width, vocabulary]`: a column is a token's vector.
    tokens: Int8Matrix,
    /// The last layer, where it is another one.
    head: Option<Int8Matrix>,
}

impl Tables {
    /// The vectors of tokens, `[rows, places, width]`.
    pub(super) fn rows(&self, tokens: &Packed, device: &Device) -> Tensor<3> {
        let vectors = self.tokens.columns(tokens.tokens(), device);
        let [_, width] = vectors.dims();
        vectors.reshape([tokens.rows(), tokens.places(), width])
    }

    pub(super) fn predict(&self, features: Tensor<3>) -> Tensor<3> {
        self.head.as_ref().unwrap_or(&self.tokens).apply(features)
    }
}

/// A transformer whose matrices are whole numbers of eight bits, with a scale for each output
/// ([`Int8Matrix`]): the weights of its dense layers, the embedding of tokens and the last layer. It takes
/// about a quarter of the memory, writes and scores, and cannot be trained or saved. Norms, biases and places
/// stay as they are, and all sums are in single precision.
///
/// # Numerics
/// A weight is off by half a step at most, the largest weight of its output divided by 254. What that costs in
/// nats a token is in the book, for one model; measure your own with `score`.
#[derive(Module, Debug)]
pub struct Int8Gpt {
    network: Gpt,
}

impl Int8Gpt {
    /// Of a network, with its adapters added to its weights.
    pub fn of(network: Gpt) -> Self {
        let mut network = network.merged();
        let tokens = network.tokens.val().detach();
        let head = network.head.take().map(|head| Int8Matrix::of_columns(head.val().detach()));
        network.int8 = Some(Tables { tokens: Int8Matrix::of_rows(tokens), head });
        network.tokens = nothing(&network.tokens.device());
        network.blocks = network.blocks.into_iter().map(super::Block::in_int8).collect();
        Self { network }
    }

    /// The config.
    pub fn config(&self) -> &GptConfig {
        self.network.config()
    }

    /// Bytes of the matrices.
    pub fn bytes(&self) -> usize {
        let names = ["qkv", "projection", "wide", "narrow"];
        let layers =
            self.network.blocks.iter().flat_map(|b| names.map(|name| b.layer(name).bytes()));
        let tables = self.network.int8.iter().flat_map(|t| [Some(&t.tokens), t.head.as_ref()]);
        layers.chain(tables.flatten().map(Int8Matrix::bytes)).sum()
    }
}

impl LanguageModel for Int8Gpt {
    type State = Cache;

    fn vocabulary(&self) -> usize {
        self.network.vocabulary()
    }

    fn context(&self) -> Option<usize> {
        self.network.context()
    }

    fn training_context(&self) -> usize {
        self.network.training_context()
    }

    fn ends(&self) -> bool {
        self.network.ends()
    }

    fn infill(&self) -> f64 {
        self.network.infill()
    }

    fn device(&self) -> Device {
        self.network.device()
    }

    fn unit(&self) -> usize {
        self.network.unit()
    }

    fn dropout(&self, shape: [usize; 2], noise: &mut Noise) -> Dropout {
        self.network.dropout(shape, noise)
    }

    fn logits(&self, rows: &Packed, dropout: &Dropout) -> Tensor<3> {
        self.network.logits(rows, dropout)
    }

    fn start(&self, start: Start) -> Cache {
        self.network.start(start)
    }

    fn represent(&self, tokens: &Packed, state: &mut Cache) -> Tensor<3> {
        self.network.represent(tokens, state)
    }

    fn predict(&self, features: Tensor<3>) -> Tensor<3> {
        self.network.predict(features)
    }

    fn rewind(&self, state: &mut Cache, read: usize) -> bool {
        self.network.rewind(state, read)
    }

    fn select(&self, state: &mut Cache, rows: &Tensor<1, Int>) {
        self.network.select(state, rows);
    }

    fn finished(self) -> Self {
        self
    }
}
