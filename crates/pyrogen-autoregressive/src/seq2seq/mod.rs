//! An encoder that reads a source, and a decoder that writes its target.

mod conditioned;
mod config;
mod cross;
mod measure;
mod pairs;
mod text;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::{Noise, Seed, init};

pub use conditioned::{Conditioned, Sources, State};
pub use config::Seq2SeqConfig;
pub use cross::Cross;
pub use pairs::{PairBatch, PairExamples, PairRows};
pub use text::{PairDropout, Seq2SeqText};

use crate::language::{Dropout, LanguageModel};
use crate::transformer::{Block, Gpt, Normalisation, STD, View};
use crate::{Packed, SEQ2SEQ_FAMILY};

/// A transformer that reads a source and predicts the tokens of its target, one behind the other
/// (Vaswani et al. 2017).
///
/// ```text
/// s = tokens(source) [+ places]
/// s = s + attention(norm(s))            each block of the encoder; to all of the source
/// s = s + feed(norm(s))
/// s = norm(s)
/// x = tokens(target) [+ places]
/// x = x + attention(norm(x))            each block of the decoder; causal
/// x = x + attention(norm(x), s)
/// x = x + feed(norm(x))
/// logits = norm(x) head
/// ```
///
/// # Numerics
/// Weights start as those of [`Gpt`], the layers that add to `x` with `0.02 / sqrt(parts)`, where the
/// decoder has three parts a layer and the encoder two.
#[derive(Module, Debug)]
pub struct Seq2Seq {
    /// `[source_vocabulary, width]`; none where the targets' is shared.
    pub source_tokens: Option<Param<Tensor<2>>>,
    /// `[source_context, width]`, for learned places.
    pub source_places: Option<Param<Tensor<2>>>,
    /// In order.
    pub encoder: Vec<Block>,
    /// Behind the encoder.
    pub encoder_norm: Normalisation,
    /// The decoder without what it sees of the source.
    pub decoder: Gpt,
    /// What each block of the decoder sees of the source, between its attention and its dense layers.
    pub cross: Vec<Cross>,
    #[module(skip)]
    config: Seq2SeqConfig,
}

pyrogen_core::model_folder!(Seq2Seq, Seq2SeqConfig, SEQ2SEQ_FAMILY);

/// A number a row, as often as the row has places.
fn each_place(rows: &[u32], places: usize) -> std::sync::Arc<[u32]> {
    rows.iter().flat_map(|&row| std::iter::repeat_n(row, places)).collect()
}

impl Seq2Seq {
    fn new(config: &Seq2SeqConfig, seed: Seed, device: &Device) -> Self {
        let noise = Noise::new(seed).fork("weights");
        let (encoder, decoder) = (config.encoder(), config.decoder());
        let width = config.width;
        let table = |name: &str, rows: usize| {
            init::normal([rows, width], STD, &mut noise.fork(name), device)
        };
        let block = |i: usize| {
            let mut noise = noise.fork("encoder").fork_index(i as u64);
            let last = STD / (2.0 * config.encoder_layers as f64).sqrt();
            Block::new(&encoder, [STD, last], &mut noise, device)
        };
        let last = STD / (3.0 * config.layers as f64).sqrt();
        let cross = |i: usize| {
            let mut noise = noise.fork("cross").fork_index(i as u64);
            Cross::new(&decoder, [STD, last], &mut noise, device)
        };
        let learned = matches!(config.positions, crate::Positions::Learned);
        Self {
            source_tokens: (!config.shared)
                .then(|| table("source tokens", config.source_vocabulary)),
            source_places: learned.then(|| table("source places", config.source_context)),
            encoder: (0..config.encoder_layers).map(block).collect(),
            encoder_norm: Normalisation::new(config.norm, width, config.norm_epsilon, device),
            decoder: Gpt::with_last(&decoder, last, &noise.fork("decoder"), device),
            cross: (0..config.layers).map(cross).collect(),
            config: config.clone(),
        }
    }

    /// The config.
    pub fn config(&self) -> &Seq2SeqConfig {
        &self.config
    }

    /// The same weights with another dropout and another smoothing of targets.
    pub fn with_training(mut self, dropout: f64, label_smoothing: f64) -> Self {
        (self.config.dropout, self.config.label_smoothing) = (dropout, label_smoothing);
        self
    }

    /// Where the network computes.
    pub fn device(&self) -> Device {
        self.decoder.tokens.device()
    }

    /// The features of sources, which stand behind their padding.
    ///
    /// # Shapes
    /// `[rows, places, width]`; those of padding mean nothing.
    ///
    /// # Panics
    /// If a source is longer than the context, or a token is out of range.
    pub fn encode(&self, sources: &Packed, dropout: &Dropout) -> Tensor<3> {
        let (config, positions) = (self.config.encoder(), sources.positions());
        config.check_tokens(sources);
        let longest = positions.iter().max().map_or(0, |&last| last as usize + 1);
        let context = config.context;
        assert!(longest <= context, "Seq2Seq: a source of {longest}, the context has {context}");
        let rotation = config.rotation(&positions);
        let heads = config.attention_heads(false, sources.first().cloned());
        let view = View { rotation: rotation.as_ref(), heads: &heads };
        let table = self.source_tokens.as_ref().unwrap_or(&self.decoder.tokens);
        let x = config.embed(table, self.source_places.as_ref(), sources, &positions);
        let mut x = dropout.apply(0, x);
        for (i, block) in self.encoder.iter().enumerate() {
            x = block.forward(x, view, dropout, 1 + 2 * i);
        }
        self.encoder_norm.forward(x)
    }

    /// Logits of the token behind each of the targets'.
    ///
    /// # Shapes
    /// `[rows, places, vocabulary]`, with a row a source.
    ///
    /// # Panics
    /// If there is not one target a source, one of them is longer than its context, or a token is out of
    /// range.
    pub fn logits(&self, sources: &Packed, targets: &Packed, dropout: &PairDropout) -> Tensor<3> {
        let features = self.encode(sources, &dropout.encoder);
        let mut each = |_: usize, _: &Cross, _: &Tensor<3>| {};
        let seen = (&features, &sources.padding()[..]);
        let x = self.decode(seen, targets, &dropout.decoder, &mut each);
        self.decoder.predict(self.decoder.norm.forward(x))
    }

    /// The features of targets before the last normalisation; `each` sees what a block gives its
    /// attention to the source.
    fn decode(
        &self,
        (features, padding): (&Tensor<3>, &[u32]),
        targets: &Packed,
        dropout: &Dropout,
        each: &mut dyn FnMut(usize, &Cross, &Tensor<3>),
    ) -> Tensor<3> {
        let (decoder, positions) = (&self.decoder, targets.positions());
        assert_eq!(padding.len(), targets.rows(), "Seq2Seq: one target a source");
        decoder.check(targets, 0);
        let config = decoder.config();
        let rotation = config.rotation(&positions);
        let heads = config.attention_heads(true, None);
        let view = View { rotation: rotation.as_ref(), heads: &heads };
        let first = Some(each_place(padding, targets.places()));
        let to_source = config.attention_heads(false, first);
        let mut x = dropout.apply(0, decoder.embed(targets, &positions));
        for (i, (block, cross)) in decoder.blocks.iter().zip(&self.cross).enumerate() {
            let site = 1 + 3 * i;
            x = block.attended(x, view, dropout, site);
            each(i, cross, &x);
            x = cross.forward(x, features.clone(), &to_source, dropout, site + 1);
            x = block.fed(x, dropout, site + 2);
        }
        x
    }

    /// How much each token of a target looks at each token of its source when it is read, as a mean
    /// over heads and blocks: `[target tokens, source tokens]`.
    ///
    /// # Panics
    /// As [`logits`](Self::logits).
    pub fn alignment(&self, source: &[u32], target: &[u32]) -> Tensor<2> {
        let sources = Packed::behind_padding(&[source.to_vec()], source.len());
        let features = self.encode(&sources, &Dropout::default());
        let heads = self.decoder.config().attention_heads(false, None);
        let mut total: Option<Tensor<2>> = None;
        let mut each = |_: usize, cross: &Cross, x: &Tensor<3>| {
            let weights = cross.weights(x.clone(), features.clone(), &heads);
            total = Some(match total.take() {
                Some(total) => total + weights,
                None => weights,
            });
        };
        let targets = Packed::new(target.to_vec(), target.len());
        self.decode((&features, &[0]), &targets, &Dropout::default(), &mut each);
        total.expect("a block or more") / self.cross.len() as f64
    }

    /// Its language model of the targets of some sources.
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn given(&self, sources: &Packed) -> Conditioned {
        let features = self.encode(sources, &Dropout::default());
        let heads = self.decoder.config().attention_heads(false, None);
        let keys = |cross: &Cross| cross.keys(features.clone(), &heads).map(|x| x.swap_dims(0, 1));
        let layers = self.cross.iter().map(keys).collect();
        let sources = Sources { layers, padding: sources.padding() };
        Conditioned::new(self.decoder.clone(), self.cross.clone(), sources)
    }
}
