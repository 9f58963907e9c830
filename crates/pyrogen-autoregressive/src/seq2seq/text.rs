//! An encoder with a decoder and the tokenizers that they read by, and its loss.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::folder::{Card, ModelFolder};
use pyrogen_core::{ConfigError, FolderError, Loss, Noise, Objective, Seed};
use pyrogen_nn::ops;

use super::{Conditioned, PairBatch, PairRows, Seq2Seq, Seq2SeqConfig};
use crate::language::Dropout;
use crate::text_model::read_tokenizer;
use crate::token::FILE;
use crate::{DecodeError, Packed, SEQ2SEQ_FAMILY, TextModel, Tokenizer};

/// The file of the tokenizer of sources in a model folder.
const SOURCE_FILE: &str = "source_tokenizer.json";

/// Sources are padded up to a multiple of so many places: these fill the processor's vectors, and no
/// source depends, to the last bit, on others beside it.
pub(super) const VECTOR: usize = 16;

/// What a step of training leaves out of both parts of the network.
#[derive(Debug, Clone, Default)]
pub struct PairDropout {
    pub(super) encoder: Dropout,
    pub(super) decoder: Dropout,
}

/// An encoder and a decoder with the tokenizers that they read by: translates, summarises, says letters
/// aloud.
///
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use pyrogen_autoregressive::{
///     DecodeSettings, Decoder, Seq2SeqConfig, Seq2SeqText, Tokenizer, TokenizerChoice,
/// };
/// use pyrogen_core::Seed;
///
/// let letters = Arc::new(Tokenizer::new(TokenizerChoice::Characters, &["hello", "world"])?);
/// let sounds = Arc::new(Tokenizer::new(TokenizerChoice::Words, &["HH AH L OW", "W ER L D"])?);
/// let config = Seq2SeqConfig {
///     source_vocabulary: letters.tokens(),
///     vocabulary: sounds.tokens(),
///     width: 16,
///     ..Seq2SeqConfig::default()
/// };
/// // A network that has learnt nothing.
/// let model = Seq2SeqText::init(&config, [letters, sounds], Seed(1), &Device::flex())?;
/// let given = model.given(&[model.source("hello")?]);
/// let settings = DecodeSettings { most: 5, ..DecodeSettings::default() };
/// let made = Decoder::new(&given, settings, Seed(2))?.complete("", 0..2)?;
/// println!("{} or {}", made[0].text, made[1].text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct Seq2SeqText {
    network: Seq2Seq,
    #[module(skip)]
    tokenizers: [Arc<Tokenizer>; 2],
}

impl Seq2SeqText {
    /// A network with the tokenizers of sources and of targets.
    ///
    /// # Panics
    /// If a tokenizer has more tokens than the network.
    pub fn new(network: Seq2Seq, tokenizers: [Arc<Tokenizer>; 2]) -> Self {
        let known = [network.config().source_vocabulary, network.config().vocabulary];
        for (tokenizer, known) in tokenizers.iter().zip(known) {
            let tokens = tokenizer.tokens();
            assert!(tokens <= known, "Seq2SeqText: {tokens} tokens for a network of {known}");
        }
        Self { network, tokenizers }
    }

    /// A network with initial weights from the seed.
    ///
    /// # Errors
    /// A config that cannot be used, or that has fewer tokens than a tokenizer.
    pub fn init(
        config: &Seq2SeqConfig,
        tokenizers: [Arc<Tokenizer>; 2],
        seed: Seed,
        device: &Device,
    ) -> Result<Self, ConfigError> {
        let known =
            [("source_vocabulary", config.source_vocabulary), ("vocabulary", config.vocabulary)];
        for (tokenizer, (name, known)) in tokenizers.iter().zip(known) {
            if tokenizer.tokens() > known {
                let expected = format!("at least {}", tokenizer.tokens());
                return Err(ConfigError::value(name, expected, known));
            }
        }
        Ok(Self::new(config.init(seed, device)?, tokenizers))
    }

    /// The same weights with another dropout and another smoothing of targets.
    pub fn with_training(mut self, dropout: f64, label_smoothing: f64) -> Self {
        self.network = self.network.with_training(dropout, label_smoothing);
        self
    }

    /// The network.
    pub fn network(&self) -> &Seq2Seq {
        &self.network
    }

    /// The tokenizers of sources and of targets.
    pub fn tokenizers(&self) -> [&Arc<Tokenizer>; 2] {
        self.tokenizers.each_ref()
    }

    /// The tokens of a source, with its end.
    ///
    /// # Errors
    /// What the tokenizer cannot write, or a source without tokens or of more than the model reads.
    pub fn source(&self, text: &str) -> Result<Vec<u32>, DecodeError> {
        self.framed_source(self.tokenizers[0].encode(text)?)
    }

    /// The tokens of a source, checked, with its end.
    pub(crate) fn framed_source(&self, mut tokens: Vec<u32>) -> Result<Vec<u32>, DecodeError> {
        if tokens.is_empty() {
            return Err(DecodeError::NoSource);
        }
        tokens.push(self.tokenizers[0].end());
        let context = self.network.config().source_context;
        match tokens.len() {
            tokens if tokens > context => Err(DecodeError::LongSource { tokens, context }),
            _ => Ok(tokens),
        }
    }

    /// Its language model of the targets of some sources, which [`source`](Self::source) gives.
    ///
    /// # Panics
    /// If there are none, one is empty or longer than its context, or a token is out of range.
    pub fn given(&self, sources: &[Vec<u32>]) -> TextModel<Conditioned> {
        let longest = sources.iter().map(Vec::len).max().expect("a source or more");
        let sources = Packed::behind_padding(sources, longest.next_multiple_of(VECTOR));
        TextModel::new(self.network.given(&sources), self.tokenizers[1].clone())
    }

    /// Writes the model folder: weights, config, tokenizers, card.
    ///
    /// # Errors
    /// When the system refuses; the previous folder is then still there.
    pub fn save(&self, folder: &Path, card: &Card) -> Result<(), FolderError> {
        let card = Card { family: SEQ2SEQ_FAMILY.to_string(), ..card.clone() };
        let [source, target] = self.tokenizers().map(|t| t.to_json().into_bytes());
        let files = [(SOURCE_FILE, source), (FILE, target)];
        let config = self.network.config();
        ModelFolder::save_with(folder, &self.network.valid(), config, &card, &files)
    }

    /// Reads a model folder, or a run folder that holds one.
    ///
    /// # Errors
    /// When there is none, it is of another family, a file is cut off or damaged, or its parts do not fit
    /// each other.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, FolderError> {
        let folder = ModelFolder::open(folder)?;
        let network = Seq2Seq::load(folder.path(), device)?;
        let config = network.config();
        let source = read_tokenizer(&folder, SOURCE_FILE, config.source_vocabulary)?;
        let target = read_tokenizer(&folder, FILE, config.vocabulary)?;
        Ok(Self::new(network, [source, target]))
    }
}

impl Objective for Seq2SeqText {
    type Batch = PairBatch;
    type Draws = Vec<PairDropout>;

    /// # Numerics
    /// Rows are as long as the longest of their part of the batch. So with dropout the numbers of a step
    /// depend on the number of pieces that it is cut into, which is a setting of the run.
    fn draw(&self, batch: &PairBatch, noise: &mut Noise) -> Vec<PairDropout> {
        let (config, device) = (self.network.config(), self.network.device());
        // Draws for a batch are a number a row; that of its first row is the stream of a part.
        let bits = noise.bits_vec(batch.parts.iter().map(|part| part.lengths.len()).sum());
        let mut first = 0;
        let of_part = |part: &PairRows| {
            let mut noise = Noise::new(Seed(bits[first]));
            first += part.lengths.len();
            let mut draw = |sites: usize, rows: &Packed| {
                let shape = [rows.rows(), rows.places(), config.width];
                Dropout::draw(config.dropout, sites, shape, &mut noise, &device)
            };
            PairDropout {
                encoder: draw(1 + 2 * config.encoder_layers, &part.sources),
                decoder: draw(1 + 3 * config.layers, &part.inputs),
            }
        };
        batch.parts.iter().map(of_part).collect()
    }

    /// With `m` tokens of a target in the mean over the data,
    ///
    /// ```text
    /// cross_entropy = mean over the rows of (sum over the target's tokens of -ln p(token | ..)) / m
    /// smoothing     = the same of the mean of -ln p over all tokens of the vocabulary
    /// loss          = (1 - label_smoothing) cross_entropy + label_smoothing smoothing
    /// ```
    ///
    /// So the loss is a mean over rows, however a batch is cut, and over all of the data the nats a token.
    fn loss(&self, batch: PairBatch, draws: Vec<PairDropout>) -> Loss {
        let rows: usize = batch.parts.iter().map(|part| part.lengths.len()).sum();
        let factor = (1.0 / (rows as f64 * batch.mean_length)) as f32;
        let parts = batch.parts.iter().zip(&draws);
        let parts = parts.map(|(part, draws)| self.loss_of(part, draws, factor));
        let (nats, smoothing): (Vec<_>, Vec<_>) = parts.unzip();
        let sum = |terms: Vec<Tensor<1>>| ops::sum(Tensor::cat(terms, 0));
        let share = self.network.config().label_smoothing;
        if share == 0.0 {
            return Loss::new().term("cross_entropy", sum(nats));
        }
        let smoothing = smoothing.into_iter().flatten().collect();
        let loss = Loss::new().weighted("cross_entropy", sum(nats), 1.0 - share);
        loss.weighted("smoothing", sum(smoothing), share)
    }
}

impl Seq2SeqText {
    /// The sum over some pairs of each token's nats times a factor, and of what label smoothing takes.
    fn loss_of(
        &self,
        part: &PairRows,
        draws: &PairDropout,
        factor: f32,
    ) -> (Tensor<1>, Option<Tensor<1>>) {
        let logits = self.network.logits(&part.sources, &part.inputs, draws);
        let [rows, places, vocabulary] = logits.dims();
        let logits: Tensor<2> = logits.reshape([rows * places, vocabulary]);
        let of_row =
            |&length: &usize| (0..places).map(move |i| if i < length { factor } else { 0.0 });
        let weights: Vec<f32> = part.lengths.iter().flat_map(of_row).collect();
        let weights = TensorData::new(weights, [rows * places]);
        let weights = Tensor::<1>::from_data(weights, &logits.device());
        let mean = |nats: Tensor<1>| ops::sum(nats * weights.clone());
        let nats = mean(ops::cross_entropy(logits.clone(), &part.targets));
        let smooth = self.network.config().label_smoothing > 0.0;
        let all = smooth.then(|| ops::log_softmax(logits).mean_dim(1).neg());
        (nats, all.map(|all| mean(all.reshape([rows * places]))))
    }
}
