//! A network with the tokenizer that it reads by, and its loss.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::folder::{Card, ModelConfig, ModelFolder};
use pyrogen_core::{FolderError, HiddenMatrix, Loss, Noise, Objective, Seed};
use pyrogen_nn::ops;

use crate::infill::{Infill, MARKS, Marks};
use crate::language::{Dropout, LanguageModel};
use crate::token::FILE;
use crate::{Gpt, GptConfig, Recurrent, RecurrentConfig, TokenBatch, Tokenizer};

/// A network with the tokenizer that it reads by.
#[derive(Module, Debug)]
pub struct TextModel<N: Module> {
    network: N,
    #[module(skip)]
    tokenizer: Arc<Tokenizer>,
}

/// A transformer with its tokenizer.
pub type GptText = TextModel<Gpt>;
/// A recurrent network with its tokenizer.
pub type RecurrentText = TextModel<Recurrent>;

impl<N: LanguageModel> TextModel<N> {
    /// A network with a tokenizer.
    ///
    /// # Panics
    /// If the tokenizer has more tokens than the network, or an end that the network does not know.
    pub fn new(network: N, tokenizer: Arc<Tokenizer>) -> Self {
        let (tokens, known) = (tokenizer.tokens(), network.vocabulary());
        assert!(tokens <= known, "TextModel: {tokens} tokens for a network of {known}");
        Self { network, tokenizer }
    }

    /// The network.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The marks of gaps, of a model that fills them.
    pub(crate) fn marks(&self) -> Option<Marks> {
        let tokens = self.tokenizer.tokens();
        let knows = self.network.infill() > 0.0 && tokens + MARKS <= self.network.vocabulary();
        knows.then(|| Marks::behind(tokens))
    }

    /// How its training rearranges documents, so that it fills gaps; None for a model that does not.
    pub fn infill(&self) -> Option<Infill> {
        let (start, end) = (self.tokenizer.start(), self.tokenizer.end());
        self.marks().map(|marks| Infill { rate: self.network.infill(), marks, start, end })
    }

    /// The network alone.
    pub fn into_network(self) -> N {
        self.network
    }
}

/// Writes the folder of a network with its tokenizer.
fn save<C: ModelConfig>(
    config: &C,
    network: &C::Model,
    tokenizer: &Tokenizer,
    family: &str,
    folder: &Path,
    card: &Card,
    mut files: Vec<(&'static str, Vec<u8>)>,
) -> Result<(), FolderError> {
    let card = Card { family: family.to_string(), ..card.clone() };
    files.push((FILE, tokenizer.to_json().into_bytes()));
    ModelFolder::save_with(folder, &network.valid(), config, &card, &files)
}

/// A tokenizer of a folder, checked against the size of the vocabulary.
pub(crate) fn read_tokenizer(
    folder: &ModelFolder,
    file: &str,
    vocabulary: usize,
) -> Result<Arc<Tokenizer>, FolderError> {
    let bytes = folder.file(file)?;
    let path = folder.path().join(file);
    let wrong = |message: String| FolderError::Json { path: path.clone(), message };
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".into()))?;
    let tokenizer = Tokenizer::from_json(&text).map_err(|e| wrong(e.to_string()))?;
    let tokens = tokenizer.tokens();
    if tokens > vocabulary {
        let message = format!("{tokens} tokens, and the network of config.json knows {vocabulary}");
        return Err(wrong(message));
    }
    Ok(Arc::new(tokenizer))
}

macro_rules! folders {
    ($network:ty, $config:ty, $family:expr) => {
        impl TextModel<$network> {
            /// A network with initial weights from the seed.
            ///
            /// # Errors
            /// A config that cannot be used.
            pub fn init(
                config: &$config,
                tokenizer: Arc<Tokenizer>,
                seed: Seed,
                device: &Device,
            ) -> Result<Self, pyrogen_core::ConfigError> {
                if tokenizer.tokens() > config.vocabulary {
                    let expected = format!("at least {}", tokenizer.tokens());
                    let got = config.vocabulary;
                    return Err(pyrogen_core::ConfigError::value("vocabulary", expected, got));
                }
                Ok(Self::new(config.init(seed, device)?, tokenizer))
            }

            /// Writes the model folder: weights, config, tokenizer, card. Adapters are added to the
            /// weights, and lie beside them in the layout of `peft`, too.
            ///
            /// # Errors
            /// When the system refuses; the previous folder is then still there.
            pub fn save(&self, folder: &Path, card: &Card) -> Result<(), FolderError> {
                let files = self.network.beside();
                let network = self.network.clone().finished();
                save(network.config(), &network, &self.tokenizer, $family, folder, card, files)
            }

            /// Reads a model folder, or a run folder that holds one.
            ///
            /// # Errors
            /// When there is none, it is of another family, a file is cut off or damaged, or its
            /// parts do not fit each other.
            pub fn load(folder: &Path, device: &Device) -> Result<Self, FolderError> {
                let folder = ModelFolder::open(folder)?;
                let network = <$network>::load(folder.path(), device)?;
                let known = network.config().vocabulary;
                let tokenizer = read_tokenizer(&folder, FILE, known)?;
                Ok(Self::new(network, tokenizer))
            }
        }
    };
}

folders!(Gpt, GptConfig, crate::FAMILY);
folders!(Recurrent, RecurrentConfig, crate::RECURRENT_FAMILY);

impl<N: LanguageModel> Objective for TextModel<N> {
    type Batch = TokenBatch;
    type Draws = Dropout;

    fn draw(&self, batch: &TokenBatch, noise: &mut Noise) -> Dropout {
        self.network.dropout([batch.inputs.rows(), batch.inputs.places()], noise)
    }

    /// The mean over the tokens of `-ln p(token | the tokens before)`, in nats.
    fn loss(&self, batch: TokenBatch, draws: Dropout) -> Loss {
        let logits = self.network.logits(&batch.inputs, &draws);
        let [rows, places, vocabulary] = logits.dims();
        let logits: Tensor<2> = logits.reshape([rows * places, vocabulary]);
        Loss::new().term("cross_entropy", ops::cross_entropy(logits, &batch.targets).mean())
    }

    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        let own = self.network.hidden_matrices().into_iter();
        own.map(|matrix| matrix.within("network")).collect()
    }
}
