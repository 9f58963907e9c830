//! One transformer for GPT-2's architecture and the modern one.

mod block;
mod config;
mod embedding;
mod int8;
mod norm;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::{HiddenMatrix, Noise, Seed, init};
use pyrogen_nn::KeyValueCache;
use pyrogen_nn::ops::LinearMap;

pub use block::Block;
pub use config::{Feed, GptConfig, Norm, Positions, Preset, RotaryConfig, RotaryScaling};
pub use int8::Int8Gpt;
pub use norm::Normalisation;

use crate::language::{Dropout, LanguageModel, Start};
use crate::lora::Adapter;
use crate::{FAMILY, Packed};
pub(crate) use block::{View, added};

/// A transformer that reads a text and predicts the token behind each (Radford et al. 2018).
///
/// ```text
/// x = tokens(t) [+ places]
/// x = x + attention(norm(x))        each block; causal
/// x = x + feed(norm(x))
/// logits = norm(x) head
/// ```
///
/// # Numerics
/// Weights start normal with standard deviation 0.02, those of the layers that add to `x` with
/// `0.02 / sqrt(2 layers)` (Radford et al. 2019, section 2.3).
#[derive(Module, Debug)]
pub struct Gpt {
    /// `[vocabulary, width]`.
    pub tokens: Param<Tensor<2>>,
    /// `[context, width]`, for learned places.
    pub places: Option<Param<Tensor<2>>>,
    /// In order.
    pub blocks: Vec<Block>,
    /// Before the last layer.
    pub norm: Normalisation,
    /// `[width, vocabulary]`; none where the embedding of tokens is the last layer, too.
    pub head: Option<Param<Tensor<2>>>,
    #[module(skip)]
    config: GptConfig,
    /// The tables in whole numbers of eight bits, in the place of `tokens` and `head`.
    #[module(skip)]
    int8: Option<int8::Tables>,
}

pyrogen_core::model_folder!(Gpt, GptConfig, FAMILY);

/// Keys and values of the places that were read.
#[derive(Debug, Clone)]
pub struct Cache {
    pub(crate) layers: Vec<KeyValueCache>,
    pub(crate) read: usize,
}

impl Cache {
    /// Places that were read.
    pub fn len(&self) -> usize {
        self.read
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.read == 0
    }
}

/// Standard deviation of the first weights.
pub(crate) const STD: f64 = 0.02;

impl Gpt {
    pub(crate) fn new(config: &GptConfig, seed: Seed, device: &Device) -> Self {
        let noise = Noise::new(seed).fork("weights");
        let last = STD / (2.0 * config.layers as f64).sqrt();
        let model = Self::with_last(config, last, &noise, device);
        match config.lora {
            None => model,
            Some(lora) => model.at_rest().with_adapters(lora, &mut noise.fork("lora")),
        }
    }

    /// Weights from the noise, where those of the layers that add have this standard deviation.
    pub(crate) fn with_last(config: &GptConfig, last: f64, noise: &Noise, device: &Device) -> Self {
        let (width, vocabulary) = (config.width, config.vocabulary);
        let table = |name: &str, rows: usize| {
            init::normal([rows, width], STD, &mut noise.fork(name), device)
        };
        let blocks = (0..config.layers).map(|i| {
            let mut noise = noise.fork("block").fork_index(i as u64);
            Block::new(config, [STD, last], &mut noise, device)
        });
        let blocks = blocks.collect();
        Self {
            tokens: table("tokens", vocabulary),
            places: matches!(config.positions, Positions::Learned)
                .then(|| table("places", config.context)),
            blocks,
            norm: Normalisation::new(config.norm, width, config.norm_epsilon, device),
            head: (!config.tied)
                .then(|| init::normal([width, vocabulary], STD, &mut noise.fork("head"), device)),
            config: config.clone(),
            int8: None,
        }
    }

    /// The config.
    pub fn config(&self) -> &GptConfig {
        &self.config
    }

    /// This model at rest, with new adapters that are trained in its place. Until the first step it
    /// gives what it gave before, bit for bit.
    ///
    /// # Errors
    /// A config that cannot be used.
    pub fn adapted(
        self,
        lora: crate::LoraConfig,
        seed: Seed,
    ) -> Result<Self, pyrogen_core::ConfigError> {
        lora.validate()?;
        let model = self.merged();
        let mut noise = Noise::new(seed).fork("weights").fork("lora");
        Ok(model.at_rest().with_adapters(lora, &mut noise))
    }

    /// The same weights with another dropout, and with or without ends of texts.
    pub fn with_training(mut self, dropout: f64, ends: bool) -> Self {
        (self.config.dropout, self.config.ends) = (dropout, ends);
        self
    }

    /// The model with the adapters added to its weights.
    pub fn merged(mut self) -> Self {
        if self.config.lora.take().is_none() {
            return self;
        }
        self.blocks = self.blocks.into_iter().map(Block::merged).collect();
        self
    }

    fn at_rest(self) -> Self {
        self.no_grad()
    }

    fn with_adapters(mut self, lora: crate::LoraConfig, noise: &mut Noise) -> Self {
        self.config.lora = Some(lora);
        self.blocks = self.blocks.into_iter().map(|block| block.adapted(lora, noise)).collect();
        self
    }

    /// This model at rest, with adapters of some layers: the block, the layer's name, and the adapter.
    pub(crate) fn with_given(
        self,
        lora: crate::LoraConfig,
        mut adapters: Vec<(usize, &'static str, Adapter)>,
    ) -> Self {
        let mut model = self.merged().at_rest();
        model.config.lora = Some(lora);
        let blocks = model.blocks.into_iter().enumerate().map(|(layer, block)| {
            block.with_given(|name| {
                let of = |(l, n, _): &(usize, &str, Adapter)| *l == layer && *n == name;
                let place = adapters.iter().position(of)?;
                Some(adapters.swap_remove(place).2)
            })
        });
        model.blocks = blocks.collect();
        model
    }

    pub(crate) fn embed(&self, tokens: &Packed, positions: &[u32]) -> Tensor<3> {
        let vectors = match &self.int8 {
            Some(tables) => tables.rows(tokens, &self.device()),
            None => embedding::rows(&self.tokens, tokens),
        };
        self.config.with_places(vectors, self.places.as_ref(), positions)
    }

    pub(crate) fn check(&self, tokens: &Packed, read: usize) {
        let context = self.config.context;
        let end = read + tokens.places();
        assert!(end <= context, "Gpt: {end} places, the context has {context}");
        self.config.check_tokens(tokens);
    }

    /// What each of the queries sees first: its document, within the window.
    fn first(&self, tokens: &Packed, read: usize) -> Option<std::sync::Arc<[u32]>> {
        let documents = tokens.first();
        let Some(window) = self.config.window.filter(|w| *w < read + tokens.places()) else {
            return documents.cloned();
        };
        let first = |i: usize| {
            let place = read + i % tokens.places();
            let document = documents.map_or(0, |first| first[i]);
            document.max((place + 1).saturating_sub(window) as u32)
        };
        Some((0..tokens.tokens().len()).map(first).collect())
    }
}

impl LanguageModel for Gpt {
    type State = Cache;

    fn vocabulary(&self) -> usize {
        self.config.vocabulary
    }

    fn context(&self) -> Option<usize> {
        Some(self.config.context)
    }

    fn training_context(&self) -> usize {
        self.config.context
    }

    fn ends(&self) -> bool {
        self.config.ends
    }

    fn infill(&self) -> f64 {
        self.config.infill
    }

    fn device(&self) -> Device {
        self.tokens.device()
    }

    fn unit(&self) -> usize {
        const VECTOR: usize = 16;
        let (d, config) = (self.config.head_width(), &self.config);
        let widths = [config.width, config.hidden(), config.heads * d, config.key_heads() * d];
        if widths.iter().all(|w| w.is_multiple_of(VECTOR)) { 2 } else { VECTOR }
    }

    fn dropout(&self, [rows, places]: [usize; 2], noise: &mut Noise) -> Dropout {
        let shape = [rows, places, self.config.width];
        let sites = 1 + 2 * self.config.layers;
        Dropout::draw(self.config.dropout, sites, shape, noise, &self.device())
    }

    fn logits(&self, rows: &Packed, dropout: &Dropout) -> Tensor<3> {
        self.check(rows, 0);
        let positions = rows.positions();
        let rotation = self.config.rotation(&positions);
        let heads = self.config.attention_heads(true, self.first(rows, 0));
        let view = View { rotation: rotation.as_ref(), heads: &heads };
        let mut x = dropout.apply(0, self.embed(rows, &positions));
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, view, dropout, 1 + 2 * i);
        }
        self.predict(self.norm.forward(x))
    }

    fn start(&self, start: Start) -> Cache {
        let width = self.config.key_heads() * self.config.head_width();
        let longest = start.longest.clamp(1, self.config.context);
        let cache = |_: &Block| KeyValueCache::new(start.rows, longest, width, &self.device());
        Cache { layers: self.blocks.iter().map(cache).collect(), read: 0 }
    }

    fn represent(&self, tokens: &Packed, cache: &mut Cache) -> Tensor<3> {
        self.check(tokens, cache.read);
        assert!(tokens.first().is_none(), "Gpt: a cache holds one document a row");
        let read = cache.read;
        let positions: Vec<u32> =
            tokens.positions().iter().map(|place| place + read as u32).collect();
        let rotation = self.config.rotation(&positions);
        let heads = self.config.attention_heads(true, self.first(tokens, read));
        let view = View { rotation: rotation.as_ref(), heads: &heads };
        let mut x = self.embed(tokens, &positions);
        for (block, cache) in self.blocks.iter().zip(&mut cache.layers) {
            x = block.read(x, view, cache);
        }
        cache.read += tokens.places();
        self.norm.forward(x)
    }

    fn predict(&self, features: Tensor<3>) -> Tensor<3> {
        if let Some(tables) = &self.int8 {
            return tables.predict(features);
        }
        let weight = match &self.head {
            Some(head) => head.val(),
            None => self.tokens.val().transpose(),
        };
        LinearMap::new(weight, None).apply(features)
    }

    fn rewind(&self, cache: &mut Cache, read: usize) -> bool {
        cache.layers.iter_mut().for_each(|layer| layer.truncate(read));
        cache.read = read;
        true
    }

    fn select(&self, cache: &mut Cache, rows: &Tensor<1, Int>) {
        cache.layers.iter_mut().for_each(|layer| layer.select(rows));
    }

    /// The weights of the blocks' layers; queries, keys and values apart, and the two halves of SwiGLU.
    /// Adapters have none.
    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        let (config, d) = (&self.config, self.config.head_width());
        if config.lora.is_some() {
            return Vec::new();
        }
        let keys = config.key_heads() * d;
        HiddenMatrix::select(self, |path, _| {
            let layer = path.strip_prefix("blocks.")?.strip_suffix(".weight")?;
            match layer.split_once('.')?.1 {
                "qkv" => Some(vec![config.heads * d, keys, keys]),
                "wide" if config.feed == Feed::Swiglu => Some(vec![config.hidden(); 2]),
                "projection" | "wide" | "narrow" => Some(Vec::new()),
                _ => None,
            }
        })
    }

    /// Its adapters in the layout of `peft`.
    fn beside(&self) -> Vec<(&'static str, Vec<u8>)> {
        let files = crate::pretrained::adapter_files(self, None);
        files.map_or(Vec::new(), Vec::from)
    }

    fn finished(self) -> Self {
        self.merged()
    }
}
