//! Recurrent language models.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use pyrogen_core::config::{check, count};
use pyrogen_core::{ConfigError, HiddenMatrix, Noise, Seed, init};
use pyrogen_nn::ops::LinearMap;
use pyrogen_nn::{Gru, Lstm};
use serde::{Deserialize, Serialize};

use crate::language::{Dropout, LanguageModel, Start};
use crate::{Packed, RECURRENT_FAMILY};

/// The kind of recurrent layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cell {
    /// Long short-term memory (Hochreiter and Schmidhuber 1997).
    #[default]
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014).
    Gru,
}

/// Configuration of a [`Recurrent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentConfig {
    /// Number of tokens, with the end of a document.
    pub vocabulary: usize,
    /// Tokens of a row of training. What is read later has no limit.
    pub context: usize,
    /// The kind of layers.
    pub cell: Cell,
    /// Recurrent layers.
    pub layers: usize,
    /// Features of a place.
    pub width: usize,
    /// Whether the last layer is the embedding of tokens.
    pub tied: bool,
    /// The share of features that training leaves out between layers.
    pub dropout: f64,
    /// Whether texts end.
    pub ends: bool,
}

impl Default for RecurrentConfig {
    fn default() -> Self {
        Self {
            vocabulary: 257,
            context: 128,
            cell: Cell::default(),
            layers: 2,
            width: 256,
            tied: false,
            dropout: 0.0,
            ends: true,
        }
    }
}

impl RecurrentConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let counts =
            [("vocabulary", self.vocabulary), ("context", self.context), ("width", self.width)];
        counts.into_iter().try_for_each(|(name, value)| check::at_least_one(name, value))?;
        check::layers("layers", self.layers)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ConfigError::value("dropout", "in [0, 1)", self.dropout));
        }
        check::params("layers", self.count())
    }

    /// Number of parameters.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn num_params(&self) -> Result<usize, ConfigError> {
        self.validate()?;
        Ok(self.count())
    }

    fn count(&self) -> usize {
        let w = self.width;
        let (gates, biases) = match self.cell {
            Cell::Lstm => (4, 1),
            Cell::Gru => (3, 2),
        };
        let layer = count::product(&[gates, w, w.saturating_mul(2).saturating_add(biases)]);
        let table = self.vocabulary.saturating_mul(w);
        let head = if self.tied { 0 } else { table };
        count::sum([table, head, self.vocabulary, self.layers.saturating_mul(layer)])
    }

    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Recurrent, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("weights");
        let width = self.width;
        let layer = |i: usize| {
            let mut noise = noise.fork("layer").fork_index(i as u64);
            match self.cell {
                Cell::Lstm => Layer::Lstm(Lstm::new(width, width, &mut noise, device)),
                Cell::Gru => Layer::Gru(Gru::new(width, width, &mut noise, device)),
            }
        };
        let std = 1.0 / (width as f64).sqrt();
        let shape = [self.vocabulary, width];
        Ok(Recurrent {
            tokens: init::normal(shape, std, &mut noise.fork("tokens"), device),
            layers: (0..self.layers).map(layer).collect(),
            head: (!self.tied).then(|| {
                init::fan_in([width, self.vocabulary], width, &mut noise.fork("head"), device)
            }),
            bias: init::constant([self.vocabulary], 0.0, device),
            config: self.clone(),
        })
    }
}

/// A recurrent layer.
#[derive(Module, Debug)]
pub enum Layer {
    /// Long short-term memory.
    Lstm(Lstm),
    /// Gated recurrent unit.
    Gru(Gru),
}

/// A recurrent network that reads a text and predicts the token behind each (Mikolov et al. 2010).
///
/// In training a row of several documents is read as one: the network learns to forget at the token
/// between them.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// `[vocabulary, width]`.
    pub tokens: Param<Tensor<2>>,
    /// In order.
    pub layers: Vec<Layer>,
    /// `[width, vocabulary]`; none where the embedding of tokens is the last layer, too.
    pub head: Option<Param<Tensor<2>>>,
    /// `[vocabulary]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    config: RecurrentConfig,
}

pyrogen_core::model_folder!(Recurrent, RecurrentConfig, RECURRENT_FAMILY);

/// For each layer what it keeps: `h`, and of long short-term memory `c`.
type Memory = Vec<Option<[Tensor<2>; 2]>>;

impl Recurrent {
    /// The config.
    pub fn config(&self) -> &RecurrentConfig {
        &self.config
    }

    /// The features that the last layer reads.
    fn run(&self, tokens: &Packed, dropout: &Dropout, memory: &mut Memory) -> Tensor<3> {
        let vocabulary = self.config.vocabulary;
        if let Some(token) = tokens.tokens().iter().find(|&&t| t as usize >= vocabulary) {
            panic!("Recurrent: token {token} of {vocabulary}");
        }
        let (rows, places) = (tokens.rows(), tokens.places());
        let index = tokens.tensor(&self.device()).reshape([rows * places]);
        let x = self.tokens.val().select(0, index).reshape([rows, places, self.config.width]);
        let mut x = dropout.apply(0, x);
        for (i, (layer, state)) in self.layers.iter().zip(memory).enumerate() {
            let (out, kept) = match layer {
                Layer::Lstm(lstm) => lstm.forward(x, state.take()),
                Layer::Gru(gru) => {
                    let (out, h) = gru.forward(x, state.take().map(|[h, _]| h));
                    (out, [h.clone(), h])
                }
            };
            *state = Some(kept);
            x = dropout.apply(1 + i, out);
        }
        x
    }
}

impl LanguageModel for Recurrent {
    type State = Memory;

    fn vocabulary(&self) -> usize {
        self.config.vocabulary
    }

    fn context(&self) -> Option<usize> {
        None
    }

    fn training_context(&self) -> usize {
        self.config.context
    }

    fn ends(&self) -> bool {
        self.config.ends
    }

    fn device(&self) -> Device {
        self.tokens.device()
    }

    fn unit(&self) -> usize {
        if self.config.width.is_multiple_of(16) { 2 } else { 16 }
    }

    fn dropout(&self, [rows, places]: [usize; 2], noise: &mut Noise) -> Dropout {
        let shape = [rows, places, self.config.width];
        let sites = 1 + self.config.layers;
        Dropout::draw(self.config.dropout, sites, shape, noise, &self.device())
    }

    fn logits(&self, rows: &Packed, dropout: &Dropout) -> Tensor<3> {
        self.predict(self.run(rows, dropout, &mut vec![None; self.config.layers]))
    }

    fn start(&self, _: Start) -> Memory {
        vec![None; self.config.layers]
    }

    fn represent(&self, tokens: &Packed, memory: &mut Memory) -> Tensor<3> {
        self.run(tokens, &Dropout::default(), memory)
    }

    fn predict(&self, features: Tensor<3>) -> Tensor<3> {
        let weight = match &self.head {
            Some(head) => head.val(),
            None => self.tokens.val().transpose(),
        };
        LinearMap::new(weight, Some(self.bias.val())).apply(features)
    }

    fn select(&self, memory: &mut Memory, rows: &Tensor<1, Int>) {
        for [h, c] in memory.iter_mut().flatten() {
            *h = h.clone().select(0, rows.clone());
            *c = c.clone().select(0, rows.clone());
        }
    }

    /// The weights of the recurrent layers, gate by gate.
    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        let width = self.config.width;
        HiddenMatrix::select(self, |path, [_, columns]| {
            path.starts_with("layers.").then(|| vec![width; columns / width])
        })
    }

    fn finished(self) -> Self {
        self
    }
}
